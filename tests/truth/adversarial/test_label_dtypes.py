"""Labels in a dtype other than the scores': conversions, and sums in the labels' own dtype, stay inside."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import pose

FLOATS = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}


def problem(scores, labels, **contract):
    contract = Contract(
        labels=["soft"], reduction="none", dtypes=list(FLOATS), dense_label_dtypes=list(FLOATS), **contract
    )
    return pose(contract, scores, labels, "soft", {})


def shares(got, asked, part):
    """Return the errors of a part in units of its allowance."""
    enclosed = getattr(enclose(asked), part)
    low, high = enclosed.bounds()
    error = np.maximum(np.maximum(low - got, got - high), 0.0)
    return float((error / getattr(conformance(asked, conditions(asked)), part)).max())


def exact_answer(scores, t, smoothing=0.0):
    """Return loss and gradient in float64, as good as exact beside a conversion to 32 bits or less."""
    z = scores.astype(np.float64)
    t = (1 - smoothing) * t + smoothing / t.shape[1]
    log_p = z - z.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    return -(t * log_p).sum(axis=1), t.sum(axis=1, keepdims=True) * np.exp(log_p) - t


@pytest.mark.parametrize("soft_rows", ["any", "renormalised"])
@pytest.mark.parametrize(("own", "given"), [("float32", "float64"), ("float16", "float32"), ("bfloat16", "float64")])
def test_labels_converted_to_the_scores_dtype(own, given, soft_rows):
    """What the conversion does alone is inside; a conversion to the next narrower format is far outside."""
    random = np.random.default_rng(5)
    worst, wrong = 0.0, 0.0
    narrower = {"float32": np.float16, "float16": ml_dtypes.float8_e4m3fn, "bfloat16": ml_dtypes.float8_e4m3fn}[own]
    for size in (1e-9, 1e-5, 0.1, 1.0, 3.0):
        scores = (8 * random.standard_normal((40, 7))).astype(FLOATS[own])
        labels = (size * random.random((40, 7))).astype(FLOATS[given])
        asked = problem(scores, labels, soft_rows=soft_rows)
        for dtype in (FLOATS[own], narrower):
            t = labels.astype(dtype).astype(np.float64)
            if soft_rows == "renormalised":
                total = t.sum(axis=1, keepdims=True)
                t = t / np.where(total == 0, 1, total)
            loss, gradient = exact_answer(scores, t)
            share = max(shares(loss, asked, "loss"), shares(gradient, asked, "gradient"))
            if dtype is narrower:
                wrong = max(wrong, share)
            elif size > 1e-6 or own == "float32":
                worst = max(worst, share)
    assert worst <= 1.0
    assert wrong > 4.0


def test_underflow_of_a_label_is_covered():
    """A label of 1e-9 is 0 in float16, and so is its row: nothing of it need be left."""
    scores = np.array([[0.0, 5.0]], np.float16)
    labels = np.array([[1e-9, 0.0]], np.float32)
    asked = problem(scores, labels, soft_rows="any")
    assert shares(np.zeros(1), asked, "loss") <= 1.0
    assert shares(np.zeros((1, 2)), asked, "gradient") <= 1.0


def test_labels_that_are_held_give_no_room():
    """The allowance of whole labels is that of labels in the scores' own dtype, whatever the wider dtype is."""
    scores = np.array([[0.5, -1.0, 2.0]], np.float32)
    allowed = []
    for dtype in (np.float32, np.float64, np.uint8, np.bool_):
        asked = problem(scores, np.eye(3)[[1]].astype(dtype))
        allowed.append(conformance(asked, conditions(asked)))
    for one in allowed[1:]:
        assert np.array_equal(one.loss, allowed[0].loss)
        assert np.array_equal(one.gradient, allowed[0].gradient)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_narrower_labels_are_summed_and_smoothed_in_their_own_dtype(smoothing):
    """float32 labels of float64 scores: sum t and (1 - eps) t + eps/m in float32 are inside, in float16 far outside."""
    random = np.random.default_rng(6)
    scores = 4 * random.standard_normal((60, 9))
    labels = random.random((60, 9)).astype(np.float32)
    asked = problem(scores, labels, soft_rows="any", label_smoothing=smoothing)
    for dtype, inside in ((np.float32, True), (np.float16, False)):
        t = labels.astype(dtype)
        if smoothing:
            t = dtype(1 - smoothing) * t + dtype(smoothing / 9)
        assert t.dtype == dtype
        loss, gradient = exact_answer(scores, t.astype(np.float64))
        total = t.sum(axis=1, keepdims=True, dtype=dtype).astype(np.float64)
        gradient += (total - t.astype(np.float64).sum(axis=1, keepdims=True)) * (
            np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        )
        share = max(shares(loss, asked, "loss"), shares(gradient, asked, "gradient"))
        assert share <= 1.0 if inside else share > 100.0
