"""Infinities, nan, the largest floats, no rows and one class."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

INF, NAN = np.inf, np.nan
DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]


def both(reference, logits, label):
    """Return loss and gradient of one row, checked to be the same for sparse and one-hot labels."""
    logits = np.atleast_2d(np.asarray(logits))
    onehot = np.eye(logits.shape[1])[[label]]
    loss = reference.loss(logits, [label], "none")
    gradient = reference.gradient(logits, [label], "none")
    np.testing.assert_array_equal(loss, reference.loss(logits, onehot, "none"))
    np.testing.assert_array_equal(gradient, reference.gradient(logits, onehot, "none"))
    return loss[0], gradient[0]


def test_minus_infinity_off_the_label_drops_out(reference):
    """The row counts as if the class were not there, and its gradient is 0."""
    loss, gradient = both(reference, [1.0, -INF, 3.0], 0)
    shorter_loss, shorter_gradient = both(reference, [1.0, 3.0], 0)
    assert loss == shorter_loss
    np.testing.assert_array_equal(gradient, [shorter_gradient[0], 0.0, shorter_gradient[1]])


def test_minus_infinity_at_the_label_costs_infinity(reference):
    """The loss is +inf, the gradient still p - t."""
    loss, gradient = both(reference, [0.0, -INF, 0.0], 1)
    assert loss == INF
    np.testing.assert_array_equal(gradient, [0.5, -1.0, 0.5])


@pytest.mark.parametrize("row", [[-INF, -INF], [INF, 0.0], [0.0, INF], [INF, INF], [INF, -INF], [NAN, 0.0], [0.0, NAN]])
@pytest.mark.parametrize("label", [0, 1])
def test_rows_without_an_answer_are_nan_and_leave_others_alone(reference, row, label):
    """Nothing but -inf, any +inf, any nan: nan throughout the row, and in no other row."""
    loss, gradient = both(reference, row, label)
    assert np.isnan(loss)
    assert np.isnan(gradient).all()
    beside = reference.loss([row, [0.0, 0.0]], [label, 0], "none")
    assert np.isnan(beside[0])
    assert beside[1] == np.log(2.0)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_one_class_without_an_answer(reference, value):
    """The same holds where there is one class, and nothing left to sum."""
    loss, gradient = both(reference, [value], 0)
    assert np.isnan(loss)
    assert np.isnan(gradient).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_class_costs_nothing(reference, dtype):
    """Where m = 1, loss and gradient are 0."""
    loss, gradient = both(reference, np.array([[-7.5]], dtype), 0)
    assert loss == 0
    np.testing.assert_array_equal(gradient, [0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_floats(reference, dtype):
    """A gap above the largest float is +inf, any other is exact; the gradients stay finite."""
    largest = ml_dtypes.finfo(dtype).max
    loss, gradient = both(reference, np.array([[largest, -largest]], dtype), 1)
    assert loss == INF
    np.testing.assert_array_equal(gradient.astype(float), [1.0, -1.0])
    loss, gradient = both(reference, np.array([[largest, -largest]], dtype), 0)
    assert loss == 0
    np.testing.assert_array_equal(gradient.astype(float), [0.0, 0.0])
    loss, _ = both(reference, np.array([[largest, 0]], dtype), 1)
    assert loss == largest


def test_a_weighted_gap_that_fits_does_not_overflow(reference):
    """A quarter of the gap of two largest floats is half of one."""
    largest = np.finfo(float).max
    got = reference.onehot_loss([[largest, -largest]], [[0.75, 0.25]])
    assert got == 0.5 * largest
    assert reference.onehot_loss([[largest, -largest, -INF]], [[0.75, 0.25, 0.0]]) == 0.5 * largest
    assert reference.onehot_loss([[largest, -largest, -INF]], [[0.5, 0.25, 0.25]]) == INF


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mean_of_finite_losses_does_not_overflow(reference, dtype):
    """Their sum does, and only the sum."""
    largest = ml_dtypes.finfo(dtype).max
    logits = np.tile(np.array([[largest, 0]], dtype), (3, 1))
    assert reference.loss(logits, [1, 1, 1], "sum") == INF
    assert reference.loss(logits, [1, 1, 1], "mean") == largest


@pytest.mark.slow
@pytest.mark.parametrize("m", [1, 3, 1024, 70_000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_no_rows(reference, dtype, m):
    """The sum of no losses is 0, their mean nan, their gradient empty, of however many classes."""
    logits = np.zeros((0, m), dtype)
    for labels in (np.zeros(0, int), np.zeros((0, 1), int), np.zeros((0, m)), []):
        assert reference.loss(logits, labels, "none").shape == (0,)
        assert reference.loss(logits, labels, "sum") == 0
        assert np.isnan(reference.loss(logits, labels, "mean"))
        for reduction in ("none", "sum", "mean"):
            assert reference.gradient(logits, labels, reduction).shape == (0, m)


def test_zero_weight_times_infinity_is_zero(reference):
    """0 log 0 = 0: a class of weight 0 costs nothing at -inf, and a row of zeros costs nothing at all."""
    logits = [[0.0, 0.0, -INF]]
    assert reference.onehot_loss(logits, [[0.5, 0.5, 0.0]]) == np.log(2.0)
    assert reference.onehot_loss(logits, [[0.0, 0.0, 0.0]]) == 0
    np.testing.assert_array_equal(reference.onehot_gradient(logits, [[0.0, 0.0, 0.0]]), [[0.0, 0.0, 0.0]])
