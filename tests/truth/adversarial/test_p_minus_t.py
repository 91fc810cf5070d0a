"""p - t for soft rows of any sum, as a policy: right code keeps the allowances, the derivative of the loss does not."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial import hessian_algorithms as hes
from tests.truth.adversarial.exact import pair, scaled, softmax
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst
from tests.truth.adversarial.test_hessian_vector import exact as exact_product
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.arb_arrays import precision
from xentcheck.truth.conditions import conditions
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import pose

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
STATED = {"soft_rows": "any", "gradient_of": "p - t"}
SHAPES = ((1, 4), (2, 6), (10, 5))
DTYPES = ("float32", "float64")


def batches(name, seed, shapes=SHAPES):
    """Yield logits and soft rows: of several coefficients, of one (that is 1, or is not), of none; a generator."""
    rng = np.random.default_rng(seed)
    for m, n in shapes:
        for family, z, y in families(rng, name, m, n):
            t = rng.dirichlet(np.full(m, 0.3), n) * rng.choice([1.0, 3.7, 1e-3], (n, 1))
            t[::3] = alg.one_hot(z, y)[::3] * rng.choice([1.0, 0.5, 2.0, 0.0], (len(t[::3]), 1))
            yield rng, family, z, t.astype(z.dtype)


def exact(z, t):
    """Return p - t for rows t of floats or balls: where t is one number, 1, minus the sum of the other p."""
    with precision(256):
        found = []
        for p, row in zip(softmax(z), t, strict=True):
            c = [arb(x) for x in row]
            single = [j for j, x in enumerate(c) if x != 0]
            found += [
                -sum((x for k, x in enumerate(p) if k != j), arb(0)) if single == [j] and c[j] == 1 else p[j] - c[j]
                for j in range(len(p))
            ]
        return pair(found, z.shape)


def softmaxes(z):
    """Yield softmaxes of class B, and then of class C."""
    d = alg.shifted(z)
    e = np.exp(d)
    yield "B", e / e.sum(1, keepdims=True)
    yield "B", e * (1 / e.sum(1, keepdims=True))
    yield "B", np.exp(d - np.log(e.sum(1, keepdims=True)))
    yield "B", np.exp2(d * z.dtype.type(np.log2(np.e))) / np.exp2(d * z.dtype.type(np.log2(np.e))).sum(1, keepdims=True)
    yield "C", np.exp(z - alg.logsumexp(z)[:, None])


def keep(got, exactly, allowance, what):
    """Assert that every value keeps its allowance."""
    ratio = worst(exactly.error(got), allowance)
    assert ratio <= 1, (what, ratio)


@pytest.mark.parametrize("name", DTYPES)
def test_each_softmax_less_the_target(name):
    """Subtracted, or in the numerator; of the size of the allowances, tight ones too."""
    largest = 0.0
    for _, family, z, t in batches(name, 1):
        exactly = exact(z, t.astype(float).tolist())
        by = {grade: allowances(posed(z, t, "soft", reduction="none", accuracy=grade, **STATED)) for grade in "BC"}
        tight = tight_bounds(posed(z, t, "soft", reduction="none", **STATED))["B"]
        for grade, p in softmaxes(z):
            keep(p - t, exactly, by[grade].gradient, (family, grade))
            largest = max(largest, worst(exactly.error(p - t), by[grade].gradient))
        keep(alg.softmax(z) - t, exactly, tight.gradient, (family, "tight"))
        e = np.exp(alg.shifted(z))
        total = e.sum(1, keepdims=True)
        with np.errstate(all="ignore"):
            keep((e - total * t) / total, exactly, by["B"].gradient, (family, "in the numerator"))
    assert largest > 0.1


@pytest.mark.parametrize("name", DTYPES)
def test_weights_reductions_and_cotangents(name):
    """Each factor multiplies the difference, or its terms; no sum of the targets is taken."""
    for rng, family, z, t in batches(name, 2):
        n, number = len(z), z.dtype.type
        v = rng.choice([1e-3, 0.1, 1.0, 3.1, 1000.0], n).astype(z.dtype)
        up = rng.choice([1.0, -2.0, 1 / 3, 1e3], n).astype(z.dtype)
        exactly, p = exact(z, t.astype(float).tolist()), alg.softmax(z)
        options = {"row_weights": v}
        stated = {**STATED, "row_weights": {"argument": "v"}}
        with precision(256):
            weighted = scaled(exactly, [arb(float(x)) for x in v])
            mean = scaled(exactly, [arb(float(x)) / n for x in v])
            pulled = scaled(exactly, [arb(float(x)) * arb(float(y)) for x, y in zip(v, up, strict=True)])
        each = allowances(posed(z, t, "soft", options, reduction="none", **stated))
        over = allowances(posed(z, t, "soft", options, reduction="mean", **stated))
        vjp = allowances(posed(z, t, "soft", options, up, reduction="none", **stated))
        v, up = v[:, None], up[:, None]
        for value in (v * (p - t), v * p - v * t):
            keep(value, weighted, each.gradient, (family, "weights"))
            keep(value / number(n), mean, over.gradient, (family, "mean"))
            keep(value * number(1 / n), mean, over.gradient, (family, "mean by a factor"))
            keep(value * up, pulled, vjp.gradient, (family, "upstream"))
        keep((v * up) * p - (v * up) * t, pulled, vjp.gradient, (family, "upstream first"))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("over", ["all", "others"])
@pytest.mark.parametrize("amount", [0.1, 0.9, 0.999])
def test_smoothed_rows(name, over, amount):
    """p - t' with t' by its definition, or as a t + b."""
    for _, family, z, t in batches(name, 3, ((2, 8), (10, 4))):
        m, number = z.shape[1], z.dtype.type
        share, kept = arb(amount) / (m if over == "all" else m - 1), 1 - arb(amount)
        with precision(256):
            rest = arb(0) if over == "all" else share
            smooth = [[(kept - rest) * arb(x) + share for x in row] for row in t.astype(float).tolist()]
        stated = {"label_smoothing": amount, "smoothing_over": over, "reduction": "none", **STATED}
        by = allowances(posed(z, t, "soft", **stated)).gradient
        eps, p = number(amount), alg.softmax(z)
        part = eps / number(m if over == "all" else m - 1)
        ways = [(1 - eps) * t + part * (1 if over == "all" else 1 - t)]
        ways.append((1 - eps - (0 if over == "all" else part)) * t + part)
        exactly = exact(z, smooth)
        for soft in ways:
            keep(p - soft, exactly, by, (family, over, amount))


@pytest.mark.parametrize("wrong", ["(sum t) p - t", "p - t / sum t", "not smoothed", "smoothed over one class less"])
def test_what_is_no_p_minus_t(wrong):
    """The derivative of the loss, rows divided by their sum, and labels that are smoothed otherwise: far outside."""
    rng = np.random.default_rng(4)
    for name in DTYPES:
        z = rng.standard_normal((40, 4)).astype(name)
        t = (rng.random((40, 4)) * 2).astype(name)
        eps = 0.1 if "smoothed" in wrong else 0.0
        by = allowances(posed(z, t, "soft", label_smoothing=eps, reduction="none", **STATED)).gradient
        with precision(256):
            exactly = exact(z, [[arb(x) * (1 - arb(eps)) + arb(eps) / 4 for x in row] for row in t.astype(float)])
        p, total = alg.softmax(z), t.sum(1, keepdims=True)
        got = {
            "(sum t) p - t": total * p - t,
            "p - t / sum t": p - t / total,
            "not smoothed": p - t,
            "smoothed over one class less": p - ((1 - eps) * t + eps / 3),
        }[wrong]
        assert (exactly.error(got) / by).max(axis=1).min() > 1e3


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_hessian_vector_products(name):
    """Every product of a softmax with a vector keeps the allowance; (sum t) times it does not."""
    random, worst_wrong = np.random.default_rng(5), 0.0
    compute = name if FORMATS[name].is_half else None
    for m, n in ((1, 1), (2, 4), (10, 2)):
        for _, z, y in families(random, name, m, n):
            v = random.choice([1.0, -1.0, 2.0, -0.5], z.shape).astype(z.dtype)
            t = (alg.one_hot(z, y) * 2 + 0.5).astype(z.dtype)
            truth = exact_product(z, v)
            for grade, kinds in (("B", hes.SOFTMAX), ("C", hes.SOFTMAX_C)):
                keys = {"labels": ["soft"], "dtypes": [name], "accuracy": grade, "compute": compute}
                problem = pose(Contract(reduction="none", **keys, **STATED), z, t, "soft", vector=v)
                by = conformance(problem, conditions(problem)).hessian_vector
                for kind, function in kinds.items():
                    p = function(z)
                    for product, f in hes.PRODUCTS.items():
                        keep(f(p, v).astype(z.dtype), truth, by, (kind, product))
                    worst_wrong = max(worst_wrong, worst(truth.error(t.sum(1, keepdims=True) * f(p, v)), by))
            keep(hes.WHOLE["quotient_rule"](z, y, v).astype(z.dtype), truth, by, "quotient rule")
    assert worst_wrong > (1 if compute else 1e4)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision(name):
    """Every result rounded to 16 bits as between a framework's operators, or float32 inside and once at the end."""
    for _, family, z, t in batches(name, 6):
        exactly = exact(z, t.astype(float).tolist())
        for compute, inside in (("same", z.dtype), (None, np.dtype(np.float32))):
            by = allowances(posed(z, t, "soft", reduction="none", compute=compute, **STATED)).gradient
            e = np.exp(alg.shifted(z.astype(inside)))
            p = e / e.astype(np.float32).sum(1, keepdims=True).astype(inside)
            keep((p - t.astype(inside)).astype(z.dtype), exactly, by, (family, compute))
