"""Overflow, underflow, cancellation, narrow sums, and partial blocks."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tests.diagnosis.posing import (
    given,
    hot,
    likely_cause,
    losses,
    name,
    softmax,
)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_overflow_without_the_maximum(dtype: str, part: str) -> None:
    """The exp of large logits gives inf / inf = nan, or log inf = inf."""
    z = np.array([[1000.0, 0.0], [0.5, 1.0]], dtype)
    problem = given(z, [0, 1], dtype=dtype, reduction="none")
    with np.errstate(all="ignore"):
        e = np.exp(z)
        p = e / e.sum(-1, keepdims=True)
        got = -np.log(p)[[0, 1], [0, 1]] if part == "loss" else p - hot(np.array([0, 1]), 2)
        lse = np.log(e.sum(-1)) - z[[0, 1], [0, 1]]
    assert name(problem, part, got.astype(float)) == "no_maximum"
    if part == "loss":
        assert name(problem, part, lse.astype(float)) == "no_maximum"


def test_underflow_without_the_maximum() -> None:
    """Large negative logits: 0 / 0 in one dtype, log 0 in another; and the batch's maximum in place of the row's."""
    z = np.array([[-1000.0, -1001.0], [0.5, 1.0]])
    problem = given(z, [0, 1], reduction="none")
    with np.errstate(all="ignore"):
        nan = -np.log(np.exp(z) / np.exp(z).sum(-1, keepdims=True))[[0, 1], [0, 1]]
        batch = np.log(np.exp(z - 1.0).sum(-1)) - (z - 1.0)[[0, 1], [0, 1]]
    assert name(problem, "loss", nan) == "no_maximum"
    low = np.array([[-1000.0, -1001.0], [800.0, 801.0]])
    with np.errstate(all="ignore"):
        d = low - low.max()
        batch = np.log(np.exp(d).sum(-1)) - d[[0, 1], [0, 1]]
    assert name(given(low, [0, 1], reduction="none"), "loss", batch) == "batch_maximum"


def test_log_of_an_underflowed_softmax() -> None:
    """p_y underflows, so the loss is inf where it is 800."""
    z = np.array([[0.0, 800.0]])
    assert name(given(z, [0]), "loss", np.inf) == "log_of_softmax"


def test_cancellation_under_an_offset() -> None:
    """logsumexp(z) - z_y of equal logits at 1e6 in float32 is 0.6875, at 1e8 it is 0."""
    for offset, got in ((1e4, 0.693359375), (1e6, 0.6875), (1e8, 0.0)):
        z = np.full((1, 2), offset, np.float32)
        assert name(given(z, [0], dtype="float32"), "loss", got) == "lse_minus_label"


def test_another_exp_still_shows_the_cancellation() -> None:
    """A value one step of the log-sum-exp away from numpy's is explained by the size of the error."""
    z = np.full((1, 2), 1e6, np.float32)
    assert name(given(z, [0], dtype="float32"), "loss", 0.75) == "lse_minus_label"


def test_lost_small_terms_where_relative_accuracy_is_promised() -> None:
    """A confident row costs 4.2e-18 and not 0, which only a promise of relative accuracy makes a mistake."""
    z = np.array([[40.0, 0.0]])
    assert name(given(z, [0], accuracy="B+"), "loss", 0.0) is not None
    assert name(given(z, [0]), "loss", 0.0) is None
    assert name(given(z, [0]), "loss", 0.0, held=1e-30) == "log1p_missing"


def test_sixteen_bit_accumulation() -> None:
    """A bfloat16 sum of 1000 ones stops at 256, and a float16 sum of losses overflows."""
    z = np.zeros((1, 1000), ml_dtypes.bfloat16)
    got = float(ml_dtypes.bfloat16(np.log(256.0)))
    assert name(given(z, [3], dtype=ml_dtypes.bfloat16), "loss", got) == "accumulation_16_bit"
    z = np.tile(np.array([[0.0, 2000.0]], np.float16), (40, 1))
    assert name(given(z, np.zeros(40, int), dtype="float16"), "loss", np.inf) == "accumulation_16_bit"


def test_narrow_and_rounded_labels() -> None:
    """Labels above 127 wrap in int8, above 256 they are rounded by bfloat16."""
    z = (np.sin(np.arange(2 * 600.0) * 1.7) * 3).reshape(2, 600)
    y = np.array([130, 7])
    wrapped = y.astype(np.int8).astype(int) % 600
    assert name(given(z, y), "loss", losses(z, hot(wrapped, 600)).mean()) == "labels_wrapped"
    y = np.array([515, 7])
    rounded = y.astype(ml_dtypes.bfloat16).astype(int)
    assert name(given(z, y), "gradient", (softmax(z) - hot(rounded, 600)) / 2) == "labels_rounded"


def test_partial_blocks() -> None:
    """Rows or classes beyond the last whole block are lost."""
    z = np.sin(np.arange(21 * 27.0) * 1.3).reshape(21, 27) * 2
    y = np.arange(21) % 16
    rows = losses(z, hot(y, 27))
    cause = likely_cause(given(z, y, reduction="sum"), "loss", rows[:16].sum())
    assert cause is not None
    assert (cause.mechanism, "block of 16" in cause.sentence) == ("last_chunk_dropped", True)
    cause = likely_cause(given(z[:17], y[:17], reduction="sum"), "loss", rows[:16].sum())
    assert cause is None or not cause.shown  # one row of few
    z65, y65 = np.sin(np.arange(65 * 3.0) * 1.3).reshape(65, 3), np.arange(65) % 3
    cause = likely_cause(given(z65, y65, reduction="sum"), "loss", losses(z65, hot(y65, 3))[:64].sum())
    assert cause is not None
    assert (cause.mechanism, "block of 64" in cause.sentence) == ("last_chunk_dropped", True)
    got = np.log(np.exp(z[:, :24]).sum(-1)) - z[range(21), y]
    cause = likely_cause(given(z, y, reduction="none"), "loss", got)
    assert cause is not None
    assert (cause.mechanism, "block of 8" in cause.sentence) == ("last_chunk_dropped", True)
