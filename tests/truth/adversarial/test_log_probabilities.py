"""Legitimate log-probabilities keep the allowance of the loss, held against mpmath; mistaken ones do not."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.answer import Answer
from xentcheck.properties.batch_truth import Truth
from xentcheck.targets.outcome import Outcome

CONTRACT = Contract(output="log_probability", reduction="none")
CLOSE = Contract(output="log_probability", reduction="none", accuracy="C")


def log_softmax(z, y):
    d = z - z.max(axis=1, keepdims=True)
    return (d - np.log(np.exp(d).sum(axis=1, keepdims=True)))[np.arange(len(z)), y]


def minus_a_loss(z, y):
    d = z - z.max(axis=1, keepdims=True)
    return -(np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(z)), y])


def log1p_of_the_others(z, y):
    top = z.argmax(axis=1)
    d = z - z.max(axis=1, keepdims=True)
    e = np.exp(d)
    e[np.arange(len(z)), top] = 0
    return d[np.arange(len(z)), y] - np.log1p(e.sum(axis=1))


def logits_less_logsumexp(z, y):
    return z[np.arange(len(z)), y] - np.logaddexp.reduce(z, axis=1)


def eps(z, y):
    return np.log(np.exp(log_softmax(z, y)) + z.dtype.type(1e-4))


def unturned(z, y):
    return -log_softmax(z, y)


def lost_class(z, y):
    others = np.delete(np.concatenate([z[:, :1], z], axis=1), -1, axis=1)
    d = z - z.max(axis=1, keepdims=True)
    return d[np.arange(len(z)), y] - np.log(np.exp(others - z.max(axis=1, keepdims=True)).sum(axis=1))


def batches(dtype):
    rng = np.random.default_rng(7)
    for n, m, scale, offset in (
        (1, 1, 1, 0),
        (5, 2, 1, 0),
        (4, 3, 30, 0),
        (3, 17, 5, 1000),
        (2, 400, 80, -1e4),
        (6, 2, 3e3, 0),
    ):
        z = (scale * rng.standard_normal((n, m)) + offset).astype(dtype)
        yield z, rng.integers(m, size=n)


def by_mpmath(z, y):
    """Return log p of each label, to 60 digits."""
    with mpmath.workdps(60):
        rows = [[mpmath.mpf(float(v)) for v in row] for row in z]
        return [row[k] - mpmath.log(mpmath.fsum(mpmath.exp(v) for v in row)) for row, k in zip(rows, y, strict=True)]


def answered(contract, z, y, returned):
    batch = Batch(z, y)
    return Answer(contract, batch, Outcome(loss=returned), Truth(contract, batch, None, False))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("algorithm", "contract"),
    [
        (log_softmax, CONTRACT),
        (minus_a_loss, CONTRACT),
        (log1p_of_the_others, CONTRACT),
        (logits_less_logsumexp, CLOSE),
    ],
)
def test_legitimate_algorithms(algorithm, contract, dtype):
    """None is failed, and each is as near the value of mpmath as the allowance says."""
    for z, y in batches(dtype):
        returned = algorithm(z, y)
        answer = answered(contract, z, y, returned)
        assert answer.violation("loss") is None
        for got, exact, allowed in zip(returned, by_mpmath(z, y), answer.allowances.loss, strict=True):
            assert abs(mpmath.mpf(float(got)) - exact) <= allowed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("algorithm", [eps, unturned, lost_class])
def test_mistaken_algorithms(algorithm, dtype):
    """Each is failed on some batch, and on none where mpmath has it within the allowance."""
    failed = 0
    for z, y in batches(dtype):
        with np.errstate(divide="ignore"):
            returned = algorithm(z, y)
        answer = answered(CONTRACT, z, y, returned)
        far = [
            not np.isfinite(got) or abs(mpmath.mpf(float(got)) - exact) > allowed
            for got, exact, allowed in zip(returned, by_mpmath(z, y), answer.allowances.loss, strict=True)
        ]
        assert (answer.violation("loss") is not None) == any(far)
        failed += any(far)
    assert failed > 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_interval_holds_the_value_of_mpmath(dtype):
    """Of what is wrong, the certified bounds are minus those of a report."""
    for z, y in batches(dtype):
        low, high = answered(CONTRACT, z, y, log_softmax(z, y)).enclosed.loss.bounds()
        for exact, least, most in zip(by_mpmath(z, y), low, high, strict=True):
            slack = mpmath.mpf(10) ** -50  # what 60 digits leave
            assert mpmath.mpf(float(least)) - slack <= -exact <= mpmath.mpf(float(most)) + slack
