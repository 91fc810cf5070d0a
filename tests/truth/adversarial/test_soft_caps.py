"""Legitimate soft caps keep their allowances, mistaken ones do not."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial import soft_caps as cap
from tests.truth.adversarial.exact import pair
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import HALVES, InputSpace, allowances, loss_error, posed, tight_bounds, worst
from xentcheck.truth.allowance_logits import (
    logit_error,
    logsumexp_move,
    probability_move,
    row_error,
    slope_error,
)
from xentcheck.truth.allowance_model import conforming
from xentcheck.truth.conditions import conditions

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SETTINGS = ("float32", "float64", *HALVES, "float16 in float32", "bfloat16 in float32", "float32 in float64")
SHAPES = ((1, 1), (2, 5), (5, 3), (40, 1))
LOSSES = (alg.plain, alg.recursive, alg.log1p_form, alg.online, alg.base_two, alg.softmax_then_log, alg.label_shifted)
LOSSES_C = (alg.lse_minus_label, alg.repeated_logaddexp, alg.online_lse)
GRADIENTS = (alg.gradient_softmax, alg.gradient_exp_log_softmax, alg.gradient_complement, alg.gradient_recursive)


def batches(name, seed, shapes=SHAPES):
    """Yield (family, z, y, c): the families as they are and spread out to 1/10 to 20 caps, whose sizes vary."""
    rng = np.random.default_rng(seed)
    largest = 11.0 if name == "float16" else 20.0
    for m, n in shapes:
        for family, z, y in families(rng, name, m, n):
            c = float(rng.choice([30.0, 50.0, 5.0, 1.0, 0.3, 1000.0, 2.0**largest, 10.0 ** (largest / 4), 2.0**-10]))
            yield family, z, y, c
            size = np.abs(z.astype(np.float64)).max()
            if size > 0:
                wide = z.astype(np.float64) / size * c * rng.choice([0.1, 1.0, 3.0, 20.0])
                yield f"{family}, spread", wide.astype(z.dtype), y, c


def chosen(space, functions):
    """Return those that take the format."""
    native = space.name == "bfloat16" and space.inside is None
    return [f for f in functions if not (native and f.__name__ in alg.NEEDS_NATIVE_TYPE)]


def ratios(space, z, y, c):
    """Yield (what, largest error / allowance) of every algorithm on one batch."""
    rows, gradient = cap.capped_cross_entropy(z, c, alg.one_hot(z.astype(np.float64), y).tolist())
    own = {a: allowances(space.posed(z, y, soft_cap=c, accuracy=a)) for a in ("B", "C", "B+")}
    kinds = [("B", LOSSES, cap.CAPS), ("C", (*LOSSES, *LOSSES_C), cap.CAPS | cap.CAPS_C)]
    for accuracy, functions, caps in (*kinds, ("B+", (alg.log1p_form,), cap.CAPS)):
        for name, capped in caps.items():
            for f in chosen(space, functions):

                def loss(z, y, f=f, capped=capped):
                    return f(capped(z, c), y)

                yield (
                    (name, f.__name__, accuracy),
                    worst(loss_error(space, f.__name__, loss, z, y, rows), own[accuracy].rows),
                )
    slopes = list(cap.SLOPES.items())
    for accuracy, functions, caps in (
        ("B", GRADIENTS, cap.CAPS),
        ("C", (*GRADIENTS, alg.gradient_exp_minus_lse), cap.CAPS | cap.CAPS_C),
        ("B+", (alg.gradient_complement,), cap.CAPS),
    ):
        for k, (name, capped) in enumerate(caps.items()):
            for i, f in enumerate(functions):
                for slope, by in slopes if k == i == 0 else [slopes[(i + k) % len(slopes)]]:

                    def product(z, y, f=f, capped=capped, by=by):
                        return f(capped(z, c), y) * by(z, c)

                    error = gradient.error(space.run(product, z, y))
                    yield (name, f.__name__, slope, accuracy), worst(error, own[accuracy].gradient)


@pytest.mark.slow
@pytest.mark.parametrize("text", SETTINGS)
def test_legitimate(text):
    """Six ways to cap and six to differentiate, through several losses and gradients, in every space."""
    space, found = InputSpace(text), []
    for family, z, y, c in batches(space.name, 31):
        found += [(ratio, family, z.shape, c, what) for what, ratio in ratios(space, z, y, c)]
    assert len(found) > 1000
    assert max(found)[0] <= 1, sorted(found, reverse=True)[:10]


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_plain_code_keeps_the_tight_bounds(name):
    """The grades' bounds R, B and C hold for the natural cap with plain code."""
    forms = {"R": (alg.log1p_form,), "B": (alg.plain, alg.recursive), "C": (alg.lse_minus_label,)}
    slopes = {"R": (alg.gradient_complement,), "B": (alg.gradient_softmax,), "C": (alg.gradient_exp_minus_lse,)}
    for family, z, y, c in batches(name, 32):
        rows, gradient = cap.capped_cross_entropy(z, c, alg.one_hot(z, y).astype(float).tolist())
        bounds = tight_bounds(InputSpace(name).posed(z, y, soft_cap=c))
        s = cap.natural(z, c)
        for form in forms:
            for f in forms[form]:
                assert worst(rows.error(f(s, y)), bounds[form].rows) <= 1, (form, f.__name__, family, c)
            for f in slopes[form]:
                error = gradient.error(f(s, y) * cap.by_square(z, c))
                assert worst(error, bounds[form].gradient) <= 1, (form, f.__name__, family, c)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_soft_labels_and_z_loss(name):
    """Several coefficients, and the square of the capped logsumexp, in loss and gradient."""
    rng = np.random.default_rng(35)
    for family, z, _, c in batches(name, 34, ((2, 4), (5, 4))):
        t = rng.dirichlet(np.full(z.shape[1], 0.5), len(z)).astype(z.dtype)
        strength = 0.25
        rows, gradient = cap.capped_cross_entropy(z, c, t.astype(float).tolist(), strength)
        stated = {"soft_cap": c, "z_loss": strength, "soft_rows": "any", "reduction": "none"}
        allowance = allowances(posed(z, t, "soft", **stated))
        s, kind = cap.natural(z, c), z.dtype.type
        lse, T, p = alg.logsumexp(s), t.sum(1), alg.softmax(s)
        loss = -(t * alg.log_softmax(s)).sum(1) + kind(strength) * lse * lse
        assert worst(rows.error(loss), allowance.rows) <= 1, (family, c)
        by_s = p * T[:, None] - t + p * (kind(2 * strength) * lse)[:, None]
        for slope in (cap.by_square, cap.by_cosh, cap.of_capped):
            assert worst(gradient.error(by_s * slope(z, c)), allowance.gradient) <= 1, (family, c, slope.__name__)


@pytest.mark.parametrize("text", SETTINGS)
def test_single_steps(text):
    """Every cap is within the error of a logit, and every slope within that of 1 - tanh^2."""
    space, greatest = InputSpace(text), [0.0, 0.0]
    for family, z, y, c in batches(space.name, 36, ((2, 8), (5, 8))):
        problems = {a: space.posed(z, y, soft_cap=c, accuracy=a) for a in ("B", "C")}
        on = {a: conditions(problem) for a, problem in problems.items()}
        by = {a: conforming(problem, a) for a, problem in problems.items()}
        if by["B"].leaves_range(on["B"]).any():
            continue
        exact_s, exact_slopes = exact_caps(z, c)
        further = by["B"].stored(exact_s.high, np.zeros(z.shape))
        for accuracy, caps in (("B", cap.CAPS), ("C", cap.CAPS | cap.CAPS_C)):
            allowed = logit_error(on[accuracy], by[accuracy]) + further
            for name, f in caps.items():
                ratio = worst(exact_s.error(space.run(lambda z, y, f=f, c=c: f(z, c), z, y)), allowed)
                assert ratio <= 1, (name, family, c, ratio)
                greatest[0] = max(greatest[0], ratio)
        for name, f in cap.SLOPES.items():
            got = space.run(lambda z, y, f=f, c=c: f(z, c), z, y)
            ratio = worst(exact_slopes.error(got), np.full(z.shape, slope_error(on["B"], by["B"]) + by["B"].u_output))
            assert ratio <= 1, (name, family, c, ratio)
            greatest[1] = max(greatest[1], ratio)
    assert min(greatest) > 0.01


def exact_caps(z, c):
    """Return the capped logits and their slopes as Pairs."""
    previous, ctx.prec = ctx.prec, 256
    try:
        rows = [cap.capped(row, c) for row in z.astype(np.float64).tolist()]
        return tuple(pair([x for row in rows for x in row[k]], z.shape) for k in (0, 1))
    finally:
        ctx.prec = previous


def test_class_c_is_not_class_b():
    """A tanh by exponentials has an absolute error: class C allows it for logits far below the cap."""
    z, y, c = np.array([[0.3, -0.2, 0.1]], np.float32), np.array([0]), 1000.0
    rows, _ = cap.capped_cross_entropy(z, c, alg.one_hot(z, y).astype(float).tolist())
    for f in cap.CAPS_C.values():
        error = rows.error(alg.plain(f(z, c), y))
        assert worst(error, allowances(posed(z, y, soft_cap=c, reduction="none")).rows) > 1
        assert worst(error, allowances(posed(z, y, soft_cap=c, reduction="none", accuracy="C")).rows) < 1


WRONG_CAPS = {
    "clipped": lambda z, c: np.clip(z, -z.dtype.type(c), z.dtype.type(c)),
    "without its factor": lambda z, c: np.tanh(z / z.dtype.type(c)),
    "times the logit": lambda z, c: z * np.tanh(z / z.dtype.type(c)),
    "twice": lambda z, c: cap.natural(cap.natural(z, c), c),
    "not at all": lambda z, c: z,
}
WRONG_SLOPES = {
    "none": lambda z, c: np.ones_like(z),
    "1 - t": lambda z, c: z.dtype.type(1) - np.abs(np.tanh(z / z.dtype.type(c))),
    "at the capped logit": lambda z, c: cap.by_square(cap.natural(z, c), c),
    "over c": lambda z, c: cap.by_square(z, c) / z.dtype.type(c),
}


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("wrong", WRONG_CAPS)
def test_wrong_caps(name, wrong):
    """Other caps exceed the allowance of the loss by orders of magnitude."""
    found = 0.0
    for _, z, y, c in batches(name, 37, ((2, 4), (5, 3))):
        rows, _ = cap.capped_cross_entropy(z, c, alg.one_hot(z, y).astype(float).tolist())
        allowance = allowances(posed(z, y, soft_cap=c, reduction="none")).rows
        found = max(found, worst(rows.error(alg.plain(WRONG_CAPS[wrong](z, c), y)), allowance))
    assert found > 1e3


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("wrong", WRONG_SLOPES)
def test_wrong_slopes(name, wrong):
    """So do other derivatives, that of the gradient."""
    found = 0.0
    for _, z, y, c in batches(name, 37, ((2, 4), (5, 3))):
        _, gradient = cap.capped_cross_entropy(z, c, alg.one_hot(z, y).astype(float).tolist())
        allowance = allowances(posed(z, y, soft_cap=c, reduction="none")).gradient
        got = alg.gradient_softmax(cap.natural(z, c), y) * WRONG_SLOPES[wrong](z, c)
        found = max(found, worst(gradient.error(got), allowance))
    assert found > 1e3


@pytest.mark.parametrize("name", ["float32", *HALVES])
@pytest.mark.parametrize("accuracy", ["B", "C"])
def test_every_shift_of_the_capped_logits(name, accuracy):
    """Capped logits moved by all that they may be off, toward a larger and a smaller loss and at random."""
    rng, greatest = np.random.default_rng(9), {"loss": 0.0, "p": 0.0, "lse": 0.0}
    for family, z, y, c in batches(name, 33, ((2, 4), (5, 4), (40, 1))):
        problem = InputSpace(name).posed(z, y, soft_cap=c, accuracy=accuracy)
        on, by = conditions(problem), conforming(problem, accuracy)
        if by.leaves_range(on).any():
            continue
        delta, bound = logit_error(on, by), row_error(on, by)
        by_p, by_lse = on.p * probability_move(on, by, np.zeros(z.shape)), logsumexp_move(on, by)
        toward = np.where(np.arange(z.shape[1]) == y[:, None], -1.0, 1.0)
        for sign in (toward, -toward, rng.choice([-1.0, 1.0], z.shape)):
            for i in range(len(z)):
                what = (family, z.shape, c, i)
                loss, p, lse = moved_row(z[i], c, y[i], delta[i] * sign[i])
                for part, error, allowed in (("loss", loss, bound[i]), ("p", p, by_p[i]), ("lse", lse, by_lse[i])):
                    ratio = worst(np.asarray(error), np.where(np.isnan(allowed), np.inf, allowed) * (1 + 1e-6) + 1e-70)
                    assert ratio <= 1, (part, ratio, *what)
                    greatest[part] = max(greatest[part], ratio)
    assert min(greatest.values()) > 0.8, greatest


def moved_row(row, c, label, shift):
    """Return how much the loss, the probabilities and logsumexp change when the capped logits are shifted."""
    previous, ctx.prec = ctx.prec, 256
    try:
        s, _ = cap.capped(row.astype(np.float64).tolist(), c)
        weights = [arb(int(j == label)) for j in range(len(s))]
        there = [x + arb(float(d)) for x, d in zip(s, shift, strict=True)]
        results = []
        for place in (s, there):
            loss, slopes = cap.softmax_row(place, weights, arb(0))
            results.append((loss, slopes, loss + place[label]))
        (a, f, u), (b, g, v) = results
        return abs(float(a - b)), [abs(float(x - y)) for x, y in zip(f, g, strict=True)], abs(float(u - v))
    finally:
        ctx.prec = previous
