"""Batches and how they lie in memory."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.batches.layout import LAYOUTS, lay_out

ARRAYS = [
    np.arange(12.0).reshape(3, 4),
    np.arange(12).reshape(3, 4).astype(ml_dtypes.bfloat16),
    np.arange(5, dtype=np.uint8),
    np.zeros((0, 3), np.float32),
    np.full((4, 2), np.nan, np.float16),
    np.array([[1.5]]),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_stay_and_memory_is_fresh(layout: str) -> None:
    """Every layout holds the same bits in memory of its own."""
    for array in ARRAYS:
        laid = lay_out(array, layout)
        assert (laid.dtype, laid.shape, laid.tobytes()) == (array.dtype, array.shape, array.tobytes())
        assert not np.shares_memory(laid, array)


def test_layouts_are_what_they_say() -> None:
    """Strides, flags and alignment are those of the name."""
    array = np.arange(12.0).reshape(3, 4)
    assert lay_out(array, "C").strides == (32, 8)
    assert lay_out(array, "F").strides == (8, 24)
    assert lay_out(array, "strided").strides == (128, 16)
    assert lay_out(array, "reversed").strides == (-32, -8)
    assert not lay_out(array, "readonly").flags.writeable
    assert not lay_out(array, "unaligned").flags.aligned
    assert lay_out(array, "broadcast").strides == (32, 8)
    assert lay_out(np.repeat(array[:1], 3, axis=0), "broadcast").strides == (0, 8)


def test_an_unknown_layout_is_refused() -> None:
    """The error names the layouts there are."""
    with pytest.raises(ValueError, match=r"no layout 'diagonal'.*C, F, strided"):
        lay_out(np.zeros(3), "diagonal")


def test_a_batch_shows_its_shape_and_presents_its_arrays() -> None:
    """n, m and dtype are those of the scores; present gives fresh arrays in the layout."""
    batch = Batch(np.zeros((2, 3), ml_dtypes.bfloat16), np.array([[1], [2]], np.uint8), layout="reversed")
    assert (batch.n, batch.m, batch.dtype) == (2, 3, "bfloat16")
    scores, labels = batch.present()
    assert scores.strides[0] < 0
    assert labels.tolist() == [[1], [2]]
    chosen = batch.rows([1, 0, 1])
    assert chosen.labels.tolist() == [[2], [1], [2]]
    assert chosen.layout == "reversed"


def test_one_hot_rows_of_any_integers() -> None:
    """Labels of shape (n,) or (n, 1) and any integer dtype give the same rows; no label gives no row."""
    rows = [[0, 1, 0], [0, 0, 1]]
    for labels in (np.array([1, 2]), np.array([[1], [2]], np.uint8)):
        assert one_hot(labels, 3, np.float32).tolist() == rows
    assert one_hot(np.zeros(0, np.int64), 3, np.float32).shape == (0, 3)
