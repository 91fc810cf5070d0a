"""Legitimate entropies and their gradients keep the allowance, held against mpmath; mistaken ones do not."""

from __future__ import annotations

from functools import cache

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import pose

PLAIN = Contract(output="entropy", reduction="none")
CLOSE = Contract(output="entropy", reduction="none", accuracy="C")
RELATIVE = Contract(output="entropy", reduction="none", accuracy="B+")
GIVEN = Contract(output="entropy", reduction="none", input="probabilities")


def shifted(z):
    return z - z.max(axis=1, keepdims=True)


def log_softmax(z):
    d = shifted(z)
    return d - np.log(np.exp(d).sum(axis=1, keepdims=True))


def softmax(z):
    e = np.exp(shifted(z))
    return e / e.sum(axis=1, keepdims=True)


def lse(z):
    top = z.max(axis=1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(axis=1, keepdims=True))


def by_log_softmax(z):
    logs = log_softmax(z)
    return -(np.exp(logs) * logs).sum(axis=1)


def by_both(z):
    return -(softmax(z) * log_softmax(z)).sum(axis=1)


def by_distances(z):
    d = shifted(z)
    e = np.exp(d)
    return np.log(e.sum(axis=1)) - (e * d).sum(axis=1) / e.sum(axis=1)


def by_log_of_softmax(z):
    p = softmax(z)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)


def one_after_the_other(z):
    logs = log_softmax(z)
    total = np.zeros(len(z), z.dtype)
    for column in logs.T:
        total = total - np.exp(column) * column
    return total


def by_log1p(z):
    d = shifted(z)
    e = np.exp(d)
    others = e.copy()
    others[np.arange(len(e)), d.argmax(axis=1)] = 0
    return np.log1p(others.sum(axis=1)) - (e * d).sum(axis=1) / (1 + others.sum(axis=1))


def by_logsumexp(z):
    return lse(z)[:, 0] - (softmax(z) * z).sum(axis=1)


def by_logits_less_logsumexp(z):
    logs = z - lse(z)
    return -(np.exp(logs) * logs).sum(axis=1)


def slope_by_entropy(z):
    logs = log_softmax(z)
    p = np.exp(logs)
    return -p * (logs - (p * logs).sum(axis=1, keepdims=True))


def slope_by_distances(z):
    d, p = shifted(z), softmax(z)
    return p * ((p * d).sum(axis=1, keepdims=True) - d)


def slope_step_by_step(z):
    """Both the derivative by p and that by log p, as automatic differentiation adds them up."""
    logs = log_softmax(z)
    p = softmax(z)
    by_p = p * (-logs - (p * -logs).sum(axis=1, keepdims=True))
    e = np.exp(logs)
    return by_p + (e * p.sum(axis=1, keepdims=True) - p)


def slope_with_ones(z):
    p = softmax(z)
    a = -(log_softmax(z) + 1)
    return p * (a - (p * a).sum(axis=1, keepdims=True))


VALUES = (by_log_softmax, by_both, by_distances, by_log_of_softmax, one_after_the_other)
SLOPES = (slope_by_entropy, slope_by_distances, slope_step_by_step, slope_with_ones)


@cache
def batches(dtype, offsets=True):
    rng = np.random.default_rng(7)
    found = []
    for n, m, scale, offset in (
        (1, 1, 1, 0),
        (5, 2, 1, 0),
        (4, 3, 30, 0),
        (3, 17, 5, 1000),
        (2, 60, 80, -1e4),
        (6, 2, 3e3, 0),
        (4, 5, 12, 1e6),
        (3, 4, 0, 7),
    ):
        z = scale * rng.standard_normal((n, m)) + offset * offsets
        found.append(z.astype(dtype))
    found.append(np.array([[0.0, np.log(2.0**-24)], [0.0, -16.0], [0.0, -40.0], [0.0, -100.0]]).astype(dtype))
    return found


@cache
def exactly(row, given=False):
    """Return the entropy of a row and its gradient by the logits; 1 less a probability of e-300 keeps digits, too."""
    with mpmath.workdps(400):
        values = [mpmath.mpf(float(v)) for v in row]
        if not given:
            top = max(values)
            e = [mpmath.exp(v - top) for v in values]
            values = [v / mpmath.fsum(e) for v in e]
        a = [-mpmath.log(p) if p else mpmath.mpf(0) for p in values]
        entropy = mpmath.fsum(p * v for p, v in zip(values, a, strict=True))
        surplus = mpmath.fsum(values) - 1
        return entropy, [p * (v - entropy + surplus) for p, v in zip(values, a, strict=True)]


def allowed(contract, z):
    problem = pose(contract, z, np.zeros(len(z), np.int64), "sparse")
    return conformance(problem, conditions(problem))


def excess(contract, z, values=None, slopes=None):
    """Return the largest error over its allowance, against mpmath."""
    limits, worst = allowed(contract, z), 0.0
    for i, row in enumerate(z):
        entropy, gradient = exactly(tuple(row), contract.input == "probabilities")
        pairs = [] if values is None else [(values[i], entropy, limits.loss[i])]
        if slopes is not None:
            pairs += list(zip(slopes[i], gradient, limits.gradient[i], strict=True))
        for got, exact, limit in pairs:
            if limit < np.inf:
                assert limit > 0
                error = abs(mpmath.mpf(float(got)) - exact) if np.isfinite(got) else mpmath.inf
                worst = max(worst, float(error / limit))
    return worst


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("algorithm", VALUES)
def test_legitimate_values(algorithm, dtype):
    """None is failed, and the bound is not so wide that they come nowhere near it."""
    shares = [excess(PLAIN, z, values=algorithm(z)) for z in batches(dtype)]
    assert 0.02 < max(shares) <= 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("algorithm", SLOPES)
def test_legitimate_gradients(algorithm, dtype):
    """None is failed, step by step or by the formula."""
    shares = [excess(PLAIN, z, slopes=algorithm(z)) for z in batches(dtype)]
    assert 0.02 < max(shares) <= 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("algorithm", [by_logsumexp, by_logits_less_logsumexp])
def test_an_offset_is_promised_by_class_c_alone(algorithm, dtype):
    """Both are right in class C, under offsets, too, and fail B there."""
    assert max(excess(CLOSE, z, values=algorithm(z)) for z in batches(dtype)) <= 1.0
    assert max(excess(PLAIN, z, values=algorithm(z)) for z in batches(dtype)) > 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_confident_rows_are_relative_from_b_plus(dtype):
    """Log1p of the other terms keeps it; -p log p of the largest probability loses its digits."""
    assert 0.02 < max(excess(RELATIVE, z, values=by_log1p(z)) for z in batches(dtype)) <= 1.0
    assert max(excess(RELATIVE, z, values=by_log_softmax(z)) for z in batches(dtype)) > 1e3


@pytest.mark.parametrize(("dtype", "normal", "subnormal"), [("float32", -80.0, -88.0), ("float64", -700.0, -709.0)])
def test_what_is_flushed_to_zero_is_lost(dtype, normal, subnormal):
    """Without subnormal numbers a confident row has an entropy and a gradient of 0: right there, and nowhere else."""
    nothing = np.zeros((1, 2), dtype)
    for distance, right in ((normal, False), (subnormal, True)):
        z = np.array([[0.0, distance]], dtype)
        assert (excess(RELATIVE, z, values=nothing[:, 0]) <= 1.0) is right
        assert (excess(RELATIVE, z, slopes=nothing) <= 1.0) is right


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "mistaken",
    [
        lambda z: by_log_softmax(z) * z.dtype.type(1.4426950408889634),
        lambda z: -by_log_softmax(z),
        lambda z: -(softmax(z) * np.log(softmax(z) + z.dtype.type(1e-4))).sum(axis=1),
        lambda z: by_log_softmax(z[:, :-1]) if z.shape[1] > 1 else by_log_softmax(z),
        lambda z: by_log_softmax(z) + z.dtype.type(1e-3),
    ],
)
def test_mistaken_values(mistaken, dtype):
    """Each is far outside on some batch."""
    assert max(excess(PLAIN, z, values=mistaken(z)) for z in batches(dtype)) > 10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "mistaken",
    [
        lambda z: -softmax(z) * log_softmax(z),
        lambda z: -softmax(z) * (log_softmax(z) + 1),
        lambda z: -slope_by_entropy(z),
        lambda z: slope_by_entropy(z) / softmax(z).max(axis=1, keepdims=True),
    ],
)
def test_mistaken_gradients(mistaken, dtype):
    """Each is far outside on some batch."""
    assert max(excess(PLAIN, z, slopes=mistaken(z)) for z in batches(dtype)) > 10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_that_are_given(dtype):
    """Of the numbers as they are, a 0 among them; the gradient by the logits behind them, whatever they sum to."""
    worst = 0.0
    for z in batches(dtype, offsets=False):
        p = softmax(z)
        safe = np.where(p > 0, p, 1)
        assert excess(GIVEN, p, values=-(p * np.log(safe)).sum(axis=1)) <= 1.0
        by_p = np.where(p > 0, -(np.log(safe) + 1), 0)
        assert excess(GIVEN, p, slopes=p * (by_p - (p * by_p).sum(axis=1, keepdims=True))) <= 1.0
        worst = max(worst, excess(GIVEN, p, values=-(p * np.log(safe + z.dtype.type(1e-3))).sum(axis=1)))
    assert worst > 10


@pytest.mark.parametrize("contract", [PLAIN, GIVEN])
def test_the_interval_holds_the_value_of_mpmath(contract):
    """Of entropy and gradient, and it is narrower than a rounding error of float64 beside the entropy."""
    for z in batches("float64"):
        given = z if contract is PLAIN else softmax(z)
        problem = pose(contract, given, np.zeros(len(z), np.int64), "sparse")
        enclosed = enclose(problem)
        assert enclosed.gradient is not None
        low, high = enclosed.loss.bounds()
        least, most = enclosed.gradient.bounds()
        for i, row in enumerate(given):
            entropy, gradient = exactly(tuple(row), contract is GIVEN)
            slack = mpmath.mpf(10) ** -350  # what 400 digits leave
            assert mpmath.mpf(float(low[i])) - slack <= entropy <= mpmath.mpf(float(high[i])) + slack
            assert high[i] - low[i] <= 2.0**-50 * max(float(entropy), 1e-12)
            for j, exact in enumerate(gradient):
                assert mpmath.mpf(float(least[i, j])) - slack <= exact <= mpmath.mpf(float(most[i, j])) + slack
