"""The two presets, each with its exact behaviour."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.reference import AveragedClipped, SummedGuarded
from xentcheck.reference.checks import stochastic_tolerance

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
Y = np.array([[1, 0, 0], [0, 0, 1]])


def test_summed_guarded_at_the_ends():
    """A p of 1 costs -eps, one of 0 costs -log eps, and neither is cut off."""
    assert SummedGuarded.loss([[1, 0]], [[1.0, 0.0]]) == -np.log(1 + 2.0**-52)
    assert SummedGuarded.loss([[0, 1]], [[1.0, 0.0]]) == pytest.approx(52 * np.log(2.0), rel=1e-15)


def test_summed_guarded_gradient():
    """The gradient is p - y, divided by n on request."""
    np.testing.assert_array_equal(SummedGuarded.grad(Y, P), P - Y)
    np.testing.assert_array_equal(SummedGuarded.grad(Y, P, mean=True), (P - Y) / 2)
    assert SummedGuarded.grad(Y, P.astype(np.float32)).dtype == np.float32
    assert SummedGuarded.loss(Y, P.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("call", [SummedGuarded.loss, SummedGuarded.grad])
def test_summed_guarded_refuses(call):
    """Labels that are not binary, rows that are not stochastic, nan, and shapes that differ."""
    with pytest.raises(ValueError, match="labels must be binary"):
        call([[0.5, 0.5, 0.0]] * 2, P)
    with pytest.raises(ValueError, match=r"probabilities\[1\] sum to 0.9.*, but must sum to 1 within 1.0e-05"):
        call(Y, P - [[0.0], [0.03]])
    with pytest.raises(ValueError, match=r"probabilities\[0, 1\] is -0.2"):
        call(Y, [[0.9, -0.2, 0.3], [0.1, 0.5, 0.4]])
    with pytest.raises(ValueError, match="sum to nan"):
        call(Y, [[np.nan, 0.2, 0.1], [0.1, 0.5, 0.4]])
    with pytest.raises(ValueError, match="must have the scores' shape"):
        call([0, 2], P)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("m", [2, 10, 1000, 30_000])
def test_rounded_rows_count_as_stochastic(dtype, m):
    """Exact softmax rows rounded to the dtype, float32 rows promoted too, are accepted; a half is not missed."""
    rng = np.random.default_rng(m)
    z = rng.standard_normal((4, m)) * 4
    e = np.exp(z - z.max(axis=1, keepdims=True))
    rows = (e / e.sum(axis=1, keepdims=True)).astype(dtype)
    y = np.eye(m, dtype=np.int8)[[0, 1, 0, 1]]
    assert np.isfinite(SummedGuarded.loss(y, rows).astype(float))
    if dtype == np.float32:
        assert np.isfinite(SummedGuarded.loss(y, rows.astype(np.float64)))
    assert stochastic_tolerance(m, dtype) < 0.1
    with pytest.raises(ValueError, match="must sum to 1"):
        SummedGuarded.loss(y, (0.5 * rows.astype(float)).astype(dtype))


def test_subnormal_probabilities_count_as_stochastic():
    """Where float16 holds 1/m with five bits, the row's sum is off by more than eight roundoffs."""
    m = 393_216
    row = np.full((1, m), 1 / m, np.float16)
    assert abs(row.astype(float).sum() - 1) > 8 * 2.0**-11
    assert SummedGuarded.loss(np.zeros((1, m)), row) == 0


def test_averaged_clipped_at_the_ends():
    """A p of 0 costs -log 1e-7 and one of 1 costs -log(1 - 1e-7), in float32 with the bounds of float32."""
    ends = np.array([[1.0, 0.0]] * 2)
    np.testing.assert_array_equal(AveragedClipped.forward(ends, [0, 1]), -np.log([1 - 1e-7, 1e-7]))
    narrow = AveragedClipped.forward(ends.astype(np.float32), [0, 1])
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(narrow, (-np.log([1 - 2.0**-23, float(np.float32(1e-7))])).astype(np.float32))
    assert AveragedClipped.forward(ends.astype(np.float16), [0, 1])[0] == 0


def test_averaged_clipped_tells_labels_apart_by_ndim():
    """1-D labels are sparse and 2-D ones one-hot; a column of class numbers is therefore refused."""
    np.testing.assert_array_equal(AveragedClipped.forward(P, [0, 2]), AveragedClipped.forward(P, Y))
    assert (
        AveragedClipped.calculate(P, [0, 2]) == AveragedClipped.calculate(P, Y) == AveragedClipped.forward(P, Y).mean()
    )
    with pytest.raises(ValueError, match="must have the scores' shape"):
        AveragedClipped.forward(P, [[0], [2]])
    with pytest.raises(ValueError, match=r"labels\[0\] is -1"):
        AveragedClipped.calculate(P, [-1, 0])
    assert np.isnan(AveragedClipped.calculate(np.zeros((0, 3)), np.zeros(0, int)))


def test_averaged_clipped_gradient():
    """(p - y) / n for both label forms, from the predictions as given."""
    for labels in ([0, 2], Y):
        np.testing.assert_array_equal(AveragedClipped.gradient(P, labels), (P - Y) / 2)
    np.testing.assert_array_equal(AveragedClipped.gradient([[1.0, 0.0]], [0]), [[0.0, 0.0]])
    with pytest.raises(ValueError, match=r"labels\[1\] is 3"):
        AveragedClipped.gradient(P, [0, 3])
