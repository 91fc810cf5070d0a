"""Clipped probabilities that are divided by their sum: what code does stays inside, what it gets wrong does not."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst
from xentcheck.truth.formats import FORMATS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
LIMITS = ((2.0**-7, 1 - 2.0**-7), (2.0**-20, 1.0), (2.0**-13, 0.75), (2.0**-24, 1.0))
NAMES = ("float32", "float64", "float16 in float32", "bfloat16 in float32", "float16", "bfloat16")


def rows(rng, name, n, m):
    """Return rows of probabilities with zeros and ones, and others whose sums are between 1/4 and 3."""
    z = rng.standard_normal((n, m)) * rng.choice([0.3, 3, 20], (n, 1))
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[::5] = np.where(p[::5] > 0.3, 1.0, 0.0)
    p *= rng.choice([1, 1, 1, 0.25, 3], (n, 1))
    if m == 2:  # nearly certain: the logarithm of the other class is large, and its rounding is in all digits of exp
        rest = 10.0 ** rng.uniform(-6, -2, len(p[1::2]))
        p[1::2] = np.stack([1 - rest, rest], axis=1)
    return p.astype(FORMATS[name].dtype)


def exact(p, t, limits):
    """Return the losses of rows, and their derivatives by the probabilities and by the logits behind, by mpmath."""
    low, high = (mpmath.mpf(limit) for limit in limits)
    losses, by_p, by_z = [], [], []
    with mpmath.workdps(60):
        for row, labels in zip(p.astype(float).tolist(), t.astype(float).tolist(), strict=True):
            b = [min(max(mpmath.mpf(value), low), high) for value in row]
            B, T = mpmath.fsum(b), mpmath.fsum(labels)
            losses.append(T * mpmath.log(B) - mpmath.fsum(c * mpmath.log(x) for c, x in zip(labels, b, strict=True)))
            g = [T / B - c / x if x == value else mpmath.mpf(0) for c, x, value in zip(labels, b, row, strict=True)]
            mean = mpmath.fsum(a * value for a, value in zip(g, row, strict=True))
            by_p.append(g)
            by_z.append([value * (a - mean) for a, value in zip(g, row, strict=True)])
    return losses, by_p, by_z


def error(got, wanted):
    """Return |got - wanted|, the difference taken exactly."""
    flat = np.array(wanted, dtype=object).reshape(np.shape(got))
    return np.array([float(abs(mpmath.mpf(float(a)) - b)) for a, b in zip(got.flat, flat.flat, strict=True)]).reshape(
        np.shape(got)
    )


def quotient(p, t, low, high):
    """The logarithm of the quotient, differentiated step by step, as a backward pass does."""
    b = np.clip(p, low, high)
    B = b.sum(1, keepdims=True)
    f = b / B
    df = -t / f
    db = df / B - (df * b).sum(1, keepdims=True) / (B * B)
    return -(t * np.log(f)).sum(1), np.where((p >= low) & (p <= high), db, 0).astype(p.dtype)


def logarithms(p, t, low, high):
    """The difference of two logarithms, and the formula of its derivative."""
    b = np.clip(p, low, high)
    B, T = b.sum(1, keepdims=True), t.sum(1, keepdims=True)
    loss = T[:, 0] * np.log(B[:, 0]) - (t * np.log(b)).sum(1)
    return loss, np.where((p >= low) & (p <= high), T / B - t / b, 0).astype(p.dtype)


def softmax_of_logarithms(p, t, low, high):
    """The logarithms as the logits of a softmax, and its derivative over b: what Keras has tensorflow do."""
    b = np.clip(p, low, high)
    logs = np.nextafter(np.log(b), p.dtype.type(-np.inf))  # no better than a logarithm has to be
    d = logs - logs.max(1, keepdims=True)
    e = np.exp(d)
    S, T = e.sum(1, keepdims=True), t.sum(1, keepdims=True)
    loss = T[:, 0] * np.log(S[:, 0]) - (t * d).sum(1)
    return loss, np.where((p >= low) & (p <= high), (T * (e / S) - t) / b, 0).astype(p.dtype)


def behind(p, g):
    """Return the derivative by the logits behind p of that by p."""
    return p * (g - (p * g).sum(1, keepdims=True))


def problems(name, wrt, limits):
    """Yield rows and targets with their problem."""
    dtype, _, inside = name.partition(" in ")
    compute = dtype if dtype in ("float16", "bfloat16") and not inside else None
    rng = np.random.default_rng(11)
    for m, n in ((2, 200), (3, 20), (10, 20), (60, 5)):
        p, y = rows(rng, dtype, n, m), rng.integers(0, m, n)
        stated = {"input": "probabilities", "reduction": "none", "gradient_of": "loss", "gradient_wrt": wrt}
        stated |= {"boundary": {"clip": list(limits), "normalise": "after"}, "compute": compute}
        yield p, alg.one_hot(p, y), posed(p, y, **stated)
        t = rng.dirichlet(np.ones(m), n).astype(p.dtype)
        yield p, t, posed(p, t, "soft", soft_rows="any", **stated)


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("name", NAMES)
def test_legitimate_code_stays_inside(name, limits):
    """In the dtype, or in float32 for one of 16 bits and rounded at the end; the tight bounds hold, too."""
    inside = np.dtype(name.partition(" in ")[2] or FORMATS[name].dtype)
    bounded = 0
    for wrt in ("probabilities", "logits"):
        for p, t, problem in problems(name, wrt, limits):
            losses, by_p, by_z = exact(p, t, limits)
            bounds = [allowances(problem)] + ([tight_bounds(problem)["B"]] if " in " not in name else [])
            for f in (quotient, logarithms, softmax_of_logarithms):
                loss, g = f(p.astype(inside), t.astype(inside), inside.type(limits[0]), inside.type(limits[1]))
                g = g if wrt == "probabilities" else behind(p.astype(inside), g)
                loss, g = loss.astype(p.dtype), g.astype(p.dtype)
                for allowed in bounds:
                    assert worst(error(loss, losses), allowed.loss) <= 1, (f.__name__, p.shape, "loss")
                    slopes = by_p if wrt == "probabilities" else by_z
                    assert worst(error(g, slopes), allowed.gradient) <= 1, (f.__name__, wrt, p.shape)
            bounded += np.isfinite(allowances(problem).gradient).mean()
    assert bounded > {"bfloat16": 1, "float16": 5}.get(name, 8)  # of 16: quotients that underflow have no bound


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_mistakes_are_far_outside(name):
    """Divided first, not divided, and derivatives that forget the sum, or the clip."""
    limits = LIMITS[0]
    factors = {}
    for p, t, problem in problems(name, "probabilities", limits):
        losses, by_p, _ = exact(p, t, limits)
        allowed = allowances(problem)
        low, high = (p.dtype.type(limit) for limit in limits)
        b, q = np.clip(p, low, high), np.clip(p / p.sum(1, keepdims=True), low, high)
        B, T = b.sum(1, keepdims=True), t.sum(1, keepdims=True)
        inside = b == p
        wrong = {
            "divided first": (-(t * np.log(q)).sum(1), None),
            "not divided": (-(t * np.log(b)).sum(1), None),
            "without the sum": (None, np.where(inside, -t / b, 0)),
            "without the clip": (None, T / B - t / b),
        }
        for what, (loss, g) in wrong.items():
            off = error(loss, losses) if g is None else error(g, by_p)
            ratio = worst(off, allowed.loss if g is None else allowed.gradient)
            factors[what] = min(factors.get(what, np.inf), ratio)
    least = 1e3 if name == "float32" else 1e11
    assert all(factor > least for factor in factors.values()), factors
