"""Legitimate divisions by a temperature keep their allowances, mistaken ones do not."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial import soft_caps as cap
from tests.truth.adversarial.exact import pair
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import HALVES, InputSpace, allowances, loss_error, posed, tight_bounds, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SETTINGS = ("float32", "float64", *HALVES, "float16 in float32", "bfloat16 in float32", "float32 in float64")
SHAPES = ((1, 1), (2, 5), (5, 3), (40, 1))
LOSSES = (alg.plain, alg.recursive, alg.log1p_form, alg.online, alg.base_two, alg.softmax_then_log, alg.label_shifted)
LOSSES_C = (alg.lse_minus_label, alg.repeated_logaddexp, alg.online_lse)
GRADIENTS = (alg.gradient_softmax, alg.gradient_exp_log_softmax, alg.gradient_complement, alg.gradient_recursive)


def quotient(z, T):
    return z / z.dtype.type(T)


def by_reciprocal(z, T):
    return z * (z.dtype.type(1) / z.dtype.type(T))


def after_the_maximum(z, T):
    return (z - z.max(axis=1, keepdims=True)) / z.dtype.type(T)


def wide_inside(z, T):
    return (z.astype(np.float64) / T).astype(z.dtype)


WAYS = (quotient, by_reciprocal, wide_inside)
SCALES = (quotient, by_reciprocal)


def exact(z, T, c):
    """Return rows sum c_j (-log p_j) of p = softmax(z / T), and gradients by z."""
    losses, gradients = [], []
    previous, ctx.prec = ctx.prec, 256
    try:
        for row, weights in zip(z.astype(np.float64).tolist(), c, strict=True):
            loss, by_s = cap.softmax_row([arb(x) / arb(T) for x in row], [arb(w) for w in weights], arb(0))
            losses.append(loss)
            gradients.extend(g / arb(T) for g in by_s)
        return pair(losses, (len(z),)), pair(gradients, z.shape)
    finally:
        ctx.prec = previous


def batches(name, seed, shapes=SHAPES):
    """Yield (family, z, y, T) of temperatures from 1/50 to 200."""
    rng = np.random.default_rng(seed)
    for m, n in shapes:
        for family, z, y in families(rng, name, m, n):
            yield family, z, y, float(rng.choice([2.0, 0.5, 0.7, 0.07, 1.0, 3.3, 100.0, 0.02, 200.0]))


def chosen(space, functions):
    """Return those that take the format."""
    native = space.name == "bfloat16" and space.inside is None
    return [f for f in functions if not (native and f.__name__ in alg.NEEDS_NATIVE_TYPE)]


def ratios(space, z, y, T):
    """Yield (what, largest error / allowance) of every algorithm on one batch."""
    rows, gradient = exact(z, T, alg.one_hot(z.astype(np.float64), y).tolist())
    own = {a: allowances(space.posed(z, y, temperature=T, accuracy=a)) for a in ("B", "C", "B+")}
    kinds = (("B", LOSSES), ("C", (*LOSSES, *LOSSES_C)), ("B+", (alg.log1p_form,)))
    for accuracy, functions in kinds:
        for way in (*WAYS, after_the_maximum):
            for f in chosen(space, functions):

                def loss(z, y, f=f, way=way):
                    return f(way(z, T), y)

                error = loss_error(space, f.__name__, loss, z, y, rows)
                yield (way.__name__, f.__name__, accuracy), worst(error, own[accuracy].rows)
    kinds = (
        ("B", GRADIENTS),
        ("C", (*GRADIENTS, alg.gradient_exp_minus_lse)),
        ("B+", (alg.gradient_complement,)),
    )
    for accuracy, functions in kinds:
        for way in (*WAYS, after_the_maximum):
            for f in functions:
                for scale in SCALES:

                    def product(z, y, f=f, way=way, scale=scale):
                        return scale(f(way(z, T), y), T)

                    error = gradient.error(space.run(product, z, y))
                    yield (way.__name__, f.__name__, scale.__name__, accuracy), worst(error, own[accuracy].gradient)

    def term_by_term(z, y):
        return by_reciprocal(alg.softmax(quotient(z, T)), T) - by_reciprocal(alg.one_hot(z, y), T)

    yield ("term by term",), worst(gradient.error(space.run(term_by_term, z, y)), own["B"].gradient)


@pytest.mark.slow
@pytest.mark.parametrize("text", SETTINGS)
def test_legitimate(text):
    """Four ways to divide and two to scale the gradient, through several losses and gradients, in every space."""
    space, found = InputSpace(text), []
    for family, z, y, T in batches(space.name, 41):
        found += [(ratio, family, z.shape, T, what) for what, ratio in ratios(space, z, y, T)]
    assert len(found) > 1000
    assert max(found)[0] <= 1, sorted(found, reverse=True)[:10]
    assert max(found)[0] > 0.1


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_plain_code_keeps_the_tight_bounds(name):
    """The grades' bounds R, B and C hold for the quotient with plain code."""
    forms = {"R": (alg.log1p_form,), "B": (alg.plain, alg.recursive), "C": (alg.lse_minus_label,)}
    slopes = {"R": (alg.gradient_complement,), "B": (alg.gradient_softmax,), "C": (alg.gradient_exp_minus_lse,)}
    for family, z, y, T in batches(name, 42):
        rows, gradient = exact(z, T, alg.one_hot(z, y).astype(float).tolist())
        bounds = tight_bounds(InputSpace(name).posed(z, y, temperature=T))
        s = quotient(z, T)
        for form in forms:
            for f in forms[form]:
                assert worst(rows.error(f(s, y)), bounds[form].rows) <= 1, (form, f.__name__, family, T)
            for f in slopes[form]:
                error = gradient.error(quotient(f(s, y), T))
                assert worst(error, bounds[form].gradient) <= 1, (form, f.__name__, family, T)


WRONG = {
    "not at all": lambda z, T: z,
    "times": lambda z, T: z * z.dtype.type(T),
    "twice": lambda z, T: quotient(quotient(z, T), T),
    "one part in a thousand off": lambda z, T: z / z.dtype.type(1.001 * T),
}


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_temperatures(name, wrong):
    """Other divisions exceed the allowances of loss and gradient by orders of magnitude."""
    found, slopes = 0.0, 0.0
    for _, z, y, T in batches(name, 43, ((2, 4), (5, 3))):
        rows, gradient = exact(z, T, alg.one_hot(z, y).astype(float).tolist())
        allowance = allowances(posed(z, y, temperature=T, reduction="none"))
        found = max(found, worst(rows.error(alg.plain(WRONG[wrong](z, T), y)), allowance.rows))
        got = WRONG[wrong](alg.gradient_softmax(quotient(z, T), y), T)
        slopes = max(slopes, worst(gradient.error(got), allowance.gradient))
    assert found > 100
    assert slopes > 100
