"""No legitimate derivative along a tangent exceeds its allowance, and known mistakes do by orders of magnitude."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial import directional_algorithms as along
from tests.truth.adversarial.differentiated import FRAMEWORKS
from tests.truth.adversarial.exact import pair
from tests.truth.adversarial.families import families
from tests.truth.adversarial.hessian_algorithms import directions
from tests.truth.adversarial.judging import worst
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import pose

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SHAPES = ((1, 1), (2, 4), (3, 3), (30, 1))


def exact_balls(z, y, v):
    """Return sum p_k (v_k - v_y) of every row as balls of 512 bits."""
    previous, ctx.prec = ctx.prec, 512
    try:
        found = []
        for row, label, tangent in zip(z.astype(float).tolist(), y.tolist(), v.astype(float).tolist(), strict=True):
            e = [(arb(x) - arb(max(row))).exp() for x in row]
            total = sum(e, arb(0))
            distances = [arb(w) - arb(tangent[label]) for w in tangent]
            found.append(sum((x / total * d for x, d in zip(e, distances, strict=True)), arb(0)))
        return found
    finally:
        ctx.prec = previous


def exact(z, y, v):
    return pair(exact_balls(z, y, v), (len(z),))


def allowance(z, y, v, reduction="none", **keys):
    """Return the conformance allowance of the derivative."""
    problem = pose(Contract(reduction=reduction, dtypes=[z.dtype.name], **keys), z, y, "sparse", tangent=v)
    return conformance(problem, conditions(problem)).jvp


def posed_batches(seed, name, shapes):
    """Yield logits, labels, a tangent and the exact derivatives: families and tangents in turn."""
    random, turn = np.random.default_rng(seed), 0
    for m, n in shapes:
        for _, z, y in families(random, name, m, n):
            turn += 1
            v = list(directions(random, z, y))[turn % 5][1]
            yield z, y, v, exact(z, y, v)


def of_label_in_range(name, z, y, error):
    """Errors of code that divides by p_y, where that and what it is made of are normal numbers."""
    deepest = -np.log(FORMATS[name].smallest_normal) - 2 * np.log(z.shape[1]) - 6
    return np.where(alg.plain(z.astype(np.float64), y) < deepest, error, 0.0)


def ratios(text, seed, shapes=SHAPES):
    """Return the worst ratio of each algorithm over families of logits and tangents."""
    name, _, inside = text.partition(" in ")
    compute = name if FORMATS[name].is_half and not inside else None
    found = {}
    for z, y, v, truth in posed_batches(seed, name, shapes):
        wide = (z.astype(inside), v.astype(inside)) if inside else (z, v)
        limits = {grade: allowance(z, y, v, compute=compute, accuracy=grade) for grade in "BC"}
        for grade, kinds in zip("BC", along.KINDS, strict=True):
            for kind, softmax in kinds.items():
                p = softmax(wide[0])
                for form, f in along.OF_SOFTMAX.items():
                    error = truth.error(f(p, y, wide[1]).astype(z.dtype))
                    key = f"{kind}, {form}"
                    found[key] = max(found.get(key, 0.0), worst(error, limits[grade]))
        for key, f in along.WHOLE.items():
            error = truth.error(f(wide[0], y, wide[1]).astype(z.dtype))
            if key == "logarithm_of_softmax":
                error = of_label_in_range(name, z, y, error)
            found[key] = max(found.get(key, 0.0), worst(error, limits["B"]))
    return found


@pytest.mark.parametrize("text", ["float32", "float64", "float16", "bfloat16", "float16 in float32"])
def test_legitimate_derivatives(text):
    """By p.v, by the gradient, by log_softmax, by a quotient, by -log(softmax), through the maximum, in any order."""
    found = ratios(text, seed=7)
    assert max(found.values()) < 1, max(found.items(), key=lambda item: item[1])
    # The allowances are of the size of the errors, not of another order of magnitude.
    if text in ("float32", "float64"):
        assert max(found.values()) > 0.05


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_reduced_in_any_order(name, reduction):
    """Rows summed first, all products at once, one after the other, each divided by n before."""
    worst_of = 0.0
    for z, y, v, _ in posed_batches(9, name, ((2, 5), (10, 7), (40, 9))):
        n, kind = len(z), z.dtype.type
        previous, ctx.prec = ctx.prec, 512
        truth = pair([sum(exact_balls(z, y, v), arb(0)) / (n if reduction == "mean" else 1)], ())
        ctx.prec = previous
        limit = allowance(z, y, v, reduction)
        p, t, by = alg.softmax(z), alg.one_hot(z, y), kind(n if reduction == "mean" else 1)
        g = p - t
        for got in (
            along.weighted(p, y, v).sum() / by,
            np.cumsum(g * v)[-1] / by,
            ((g / by) * v).sum(),
            np.vdot(p / by - t / by, v),
            np.cumsum((p * v).ravel())[-1] / by - alg.at(v, y).sum() / by,
            (along.quotient(z, y, v) * (kind(1) / by)).sum(),
        ):
            worst_of = max(worst_of, worst(truth.error(got), limit))
    assert worst_of < 1
    assert worst_of > 0.005


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("wrong", along.WRONG.values(), ids=along.WRONG.keys())
def test_wrong_derivatives(name, wrong):
    """No label, no softmax, the negative, zero, another label, over the classes, no shift, a class left out."""
    random, found = np.random.default_rng(3), 0.0
    for _, z, y in families(random, name, 3, 3):
        for _, v in directions(random, z, y):
            found = max(found, worst(exact(z, y, v).error(wrong(z, y, v)), allowance(z, y, v)))
    assert found > 1e4


def test_zero_fails_on_ordinary_rows():
    """Rows of moderate logits show that a derivative is silently zero, nearly each of them, in every dtype."""
    random = np.random.default_rng(5)
    for name, form in FORMATS.items():
        z, y = random.standard_normal((50, 4)).astype(form.dtype), random.integers(0, 4, 50)
        v = random.choice([1.0, -1.0, 2.0, -3.0], (50, 4)).astype(form.dtype)
        ratio = exact(z, y, v).error(np.zeros(50)) / allowance(z, y, v)
        assert (ratio > 1).mean() >= 0.8, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("differentiated", FRAMEWORKS)
def test_forward_mode(differentiated, name):
    """Forward mode of torch and of jax, through five forms of the loss and three, keeps the allowance of class C."""
    losses, derivative = differentiated("jvp")
    for z, y, v, truth in posed_batches(11, name, ((2, 3), (20, 1))):
        limit = allowance(z, y, v, accuracy="C", compute="same" if FORMATS[name].is_half else None)
        for key, f in losses.items():
            error = truth.error(derivative(f, z, y, v))
            if key == "log of softmax":
                error = of_label_in_range(name, z, y, error)
            assert worst(error, limit) < 1, key
