"""How the reference treats its inputs: layouts, dtypes, purity, reductions, upstream gradients."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck import reference
from xentcheck.batches.layout import LAYOUTS, lay_out

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
RNG = np.random.default_rng(22)
LOGITS = RNG.normal(size=(6, 40))
LABELS = np.array([0, 1, 2, 3, 39, 0])
SOFT = RNG.dirichlet(np.ones(40), 6)
P = RNG.dirichlet(np.ones(40), 6)
CALLS = {
    "sparse_loss": (reference.sparse_loss, LOGITS, LABELS),
    "sparse_gradient": (reference.sparse_gradient, LOGITS, LABELS),
    "onehot_loss": (reference.onehot_loss, LOGITS, SOFT),
    "onehot_gradient": (reference.onehot_gradient, LOGITS, SOFT),
    "sparse_loss_from_probabilities": (reference.sparse_loss_from_probabilities, P, LABELS),
    "sparse_gradient_from_probabilities": (reference.sparse_gradient_from_probabilities, P, LABELS),
    "onehot_loss_from_probabilities": (reference.onehot_loss_from_probabilities, P, SOFT),
    "onehot_gradient_from_probabilities": (reference.onehot_gradient_from_probabilities, P, SOFT),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_the_memory_layout_does_not_matter(name, layout):
    """Every layout gives the same bits."""
    call, scores, labels = CALLS[name]
    got = call(lay_out(scores, layout), lay_out(labels, layout), "none")
    np.testing.assert_array_equal(got, call(scores, labels, "none"))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("name", CALLS)
def test_inputs_are_left_alone_and_outputs_alias_nothing(name, reduction):
    """Inputs keep their bytes, and share no memory with what is returned."""
    call, scores, labels = CALLS[name]
    scores, labels = scores.copy(), labels.copy()
    before = scores.tobytes(), labels.tobytes()
    got = call(scores, labels, reduction)
    assert (scores.tobytes(), labels.tobytes()) == before
    assert not np.shares_memory(got, scores)
    assert not np.shares_memory(got, labels)
    np.testing.assert_array_equal(call(scores, labels, reduction), got)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_the_answer_has_the_dtype_of_the_scores(name, dtype):
    """Labels of another width do not change it."""
    call, scores, labels = CALLS[name]
    for reduction in ("none", "sum", "mean"):
        assert call(scores.astype(dtype), labels, reduction).dtype == dtype
    assert reference.loss([[1, 2]], [0]).dtype == np.float64
    assert reference.loss(LOGITS.astype(">f4"), LABELS, "none").dtype == np.dtype("=f4")


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_integer_dtype_and_both_shapes_of_labels(dtype):
    """Narrow, wide and unsigned labels and a column of labels mean the same."""
    labels = LABELS.astype(dtype)
    for shape in ((6,), (6, 1)):
        assert reference.loss(LOGITS, labels.reshape(shape)) == reference.loss(LOGITS, LABELS)
        np.testing.assert_array_equal(
            reference.gradient(LOGITS, labels.reshape(shape)), reference.gradient(LOGITS, LABELS)
        )


def test_dense_labels_of_integers_and_booleans():
    """One-hot rows may be held in any real dtype."""
    for dtype in (bool, np.int8, np.uint64, np.float16, ml_dtypes.bfloat16, np.float32):
        assert reference.loss(LOGITS, np.eye(40)[LABELS].astype(dtype)) == reference.loss(LOGITS, LABELS)


@pytest.mark.parametrize("name", [name for name in CALLS if "loss" in name])
def test_sum_and_mean_of_the_rows(name):
    """Sum and mean are those of the losses that "none" returns."""
    call, scores, labels = CALLS[name]
    rows = call(scores, labels, "none")
    assert call(scores, labels, "sum") == pytest.approx(rows.sum(), rel=1e-15)
    assert call(scores, labels, "mean") == call(scores, labels) == pytest.approx(rows.mean(), rel=1e-15)


@pytest.mark.parametrize("name", [name for name in CALLS if "gradient" in name])
def test_upstream_multiplies_the_gradient(name):
    """One number a row for "none", one in all otherwise; the mean divides by n."""
    call, scores, labels = CALLS[name]
    rows = call(scores, labels, "none")
    upstream = np.array([1.0, -2.0, 0.0, 0.5, 4.0, -1.0])
    np.testing.assert_array_equal(call(scores, labels, "none", upstream=upstream), upstream[:, np.newaxis] * rows)
    np.testing.assert_array_equal(call(scores, labels, "sum"), rows)
    np.testing.assert_array_equal(call(scores, labels, "sum", upstream=-2.0), -2.0 * rows)
    np.testing.assert_allclose(call(scores, labels, "mean", upstream=3), 3 * rows / 6, rtol=1e-15)
    for wrong in (np.ones(6), np.ones((6, 1))):
        with pytest.raises(ValueError, match=r"upstream must have the loss's shape \(\)"):
            call(scores, labels, "mean", upstream=wrong)
    with pytest.raises(ValueError, match=r"upstream must have the loss's shape \(6,\)"):
        call(scores, labels, "none", upstream=1.0)


def test_large_sums_of_half_precision_are_accumulated_wider():
    """100,000 equal losses: a float16 sum would stall or overflow, the mean is right."""
    logits = np.zeros((100_000, 2), np.float16)
    labels = np.zeros(100_000, int)
    assert reference.loss(logits, labels) == np.float16(np.log(2.0))
    assert reference.loss(logits, labels, "sum") == np.inf
    assert reference.loss(logits.astype(ml_dtypes.bfloat16), labels, "sum") == ml_dtypes.bfloat16(69314.71805599453)


def test_gradients_from_probabilities():
    """By the logits p - t, by the probabilities -t / p; 0 where t is 0, also at p = 0."""
    p, t = np.array([[0.5, 0.5, 0.0]]), np.array([[0.25, 0.75, 0.0]])
    np.testing.assert_array_equal(
        reference.onehot_gradient_from_probabilities(p, t, wrt="probabilities"), [[-0.5, -1.5, 0.0]]
    )
    np.testing.assert_array_equal(reference.onehot_gradient_from_probabilities(p, t), [[0.25, -0.25, 0.0]])
    np.testing.assert_array_equal(
        reference.sparse_gradient_from_probabilities(p, [2], wrt="probabilities"), [[0.0, 0.0, -np.inf]]
    )
    assert reference.sparse_loss_from_probabilities(p, [2]) == np.inf
    assert reference.onehot_loss_from_probabilities(p, t) == pytest.approx(np.log(2.0), rel=1e-15)
    with_nan = [[np.nan, 0.5, 0.5], [0.5, 0.25, 0.25]]
    np.testing.assert_array_equal(
        np.isnan(reference.sparse_loss_from_probabilities(with_nan, [1, 1], "none")), [True, False]
    )
