"""No legitimate Hessian-vector product exceeds its allowance, and known mistakes do by orders of magnitude."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial import hessian_algorithms as hes
from tests.truth.adversarial.differentiated import FRAMEWORKS
from tests.truth.adversarial.exact import pair
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import worst
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import pose

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SHAPES = ((1, 1), (2, 4), (3, 3), (30, 1))


def exact(z, v):
    """Return p (v - p.v) of every row by ball arithmetic at 512 bits."""
    previous, ctx.prec = ctx.prec, 512
    try:
        found = []
        for row, along in zip(z.astype(np.float64).tolist(), v.astype(np.float64).tolist(), strict=True):
            e = [(arb(x) - arb(max(row))).exp() for x in row]
            total = sum(e, arb(0))
            mean = sum((x / total * arb(w) for x, w in zip(e, along, strict=True)), arb(0))
            found += [x / total * (arb(w) - mean) for x, w in zip(e, along, strict=True)]
        return pair(found, z.shape)
    finally:
        ctx.prec = previous


def allowance(z, y, v, **keys):
    """Return the conformance allowance of the product."""
    problem = pose(Contract(reduction="none", dtypes=[z.dtype.name], **keys), z, y, "sparse", vector=v)
    return conformance(problem, conditions(problem)).hessian_vector


def posed_batches(seed, name, shapes):
    """Yield logits, labels, a direction and the exact product: families and directions in turn."""
    random, turn = np.random.default_rng(seed), 0
    for m, n in shapes:
        for _, z, y in families(random, name, m, n):
            turn += 1
            v = list(hes.directions(random, z, y))[turn % 5][1]
            yield z, y, v, exact(z, v)


def of_label_in_range(name, z, y, v, error):
    """Errors of code that divides v by p_y^2, where that and its parts are normal numbers."""
    loss, size = alg.plain(z.astype(np.float64), y), np.abs(v.astype(np.float64)).max(1)
    deepest = -np.log(FORMATS[name].smallest_normal) - 2
    return np.where((2 * loss + np.log1p(size) + np.log(z.shape[1]) < deepest)[:, None], error, 0.0)


def ratios(text, seed, shapes=SHAPES):
    """Return the worst ratio of each algorithm over families of logits and directions."""
    name, _, inside = text.partition(" in ")
    compute = name if FORMATS[name].is_half and not inside else None
    found = {}
    for z, y, v, truth in posed_batches(seed, name, shapes):
        wide = (z.astype(inside), v.astype(inside)) if inside else (z, v)
        limits = {grade: allowance(z, y, v, compute=compute, accuracy=grade) for grade in "BC"}
        for grade, kinds in (("B", hes.SOFTMAX), ("C", hes.SOFTMAX_C)):
            for kind, softmax in kinds.items():
                p = softmax(wide[0])
                for product, f in hes.PRODUCTS.items():
                    error = truth.error(f(p, wide[1]).astype(z.dtype))
                    key = f"{kind}, {product}"
                    found[key] = max(found.get(key, 0.0), worst(error, limits[grade]))
        for key, f in hes.WHOLE.items():
            error = truth.error(f(wide[0], y, wide[1]).astype(z.dtype))
            if key == "logarithm_of_softmax":
                error = of_label_in_range(name, z, y, v, error)
            found[key] = max(found.get(key, 0.0), worst(error, limits["B"]))
    return found


@pytest.mark.parametrize("text", ["float32", "float64", "float16", "bfloat16", "float16 in float32"])
def test_legitimate_products(text):
    """Centred, uncentred, dense, pairwise, through a quotient, the maximum or -log(softmax), in any order of sums."""
    found = ratios(text, seed=7)
    assert max(found.values()) < 1, max(found.items(), key=lambda item: item[1])
    # The allowances are of the size of the errors, not of another order of magnitude.
    if text in ("float32", "float64"):
        assert max(found.values()) > 0.1


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("wrong", hes.WRONG.values(), ids=hes.WRONG.keys())
def test_wrong_products(name, wrong):
    """Zeros, twice, the diagonal alone, the wrong mean, Gauss-Newton, no shift, a class left out."""
    random, found = np.random.default_rng(3), 0.0
    for _, z, y in families(random, name, 3, 3):
        for _, v in hes.directions(random, z, y):
            found = max(found, worst(exact(z, v).error(wrong(z, y, v)), allowance(z, y, v)))
    assert found > 1e4


def test_zeros_fail_on_every_ordinary_row():
    """Rows of moderate logits each show that a product is silently zero; in bfloat16, with 8 bits, most of them."""
    random = np.random.default_rng(5)
    for name, form in FORMATS.items():
        z = random.standard_normal((50, 4)).astype(form.dtype)
        v = random.choice([1.0, -1.0, 2.0], (50, 4))
        v[:, 0] = -3.0
        ratio = exact(z, v).error(np.zeros(z.shape)) / allowance(z, np.zeros(50, int), v.astype(form.dtype))
        assert (ratio.max(1) > 1).mean() >= (0.5 if name == "bfloat16" else 1.0), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("differentiated", FRAMEWORKS)
def test_double_differentiation(differentiated, name):
    """Torch's double backward pass and jax's forward over reverse keep the allowance of class C."""
    losses, product = differentiated("hessian_vector")
    for z, y, v, truth in posed_batches(11, name, ((2, 3), (20, 1))):
        limit = allowance(z, y, v, accuracy="C", compute="same" if FORMATS[name].is_half else None)
        for key, f in losses.items():
            error = truth.error(product(f, z, y, v))
            if key == "log of softmax":
                error = of_label_in_range(name, z, y, v, error)
            assert worst(error, limit) < 1, key
