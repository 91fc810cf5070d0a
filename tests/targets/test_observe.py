"""Whether an array was changed is decided bit by bit, whatever its dtype and layout."""

import sys

import ml_dtypes
import numpy as np
import pytest

from xentcheck.targets.call.observe import EarlierResults, Environment, same_bits

KINDS = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.longdouble, np.int8, np.int64, np.bool_]


@pytest.mark.parametrize("kind", KINDS)
def test_one_changed_number_is_seen_and_none_is_not(kind):
    array = np.ones((3, 4), kind)
    assert same_bits(array, array.copy())
    other = array.copy()
    other[2, 1] = 0
    assert not same_bits(array, other)


@pytest.mark.parametrize("kind", KINDS[:4])
def test_nan_is_itself_and_the_zeros_differ(kind):
    array = np.array([np.nan, 0.0], kind)
    assert same_bits(array, array.copy())
    assert not same_bits(array, np.array([np.nan, -0.0], kind))


def test_layout_does_not_matter_and_shape_and_dtype_of_other_width_do():
    array = np.arange(12.0).reshape(3, 4)
    assert same_bits(array, np.asfortranarray(array))
    assert same_bits(array[:, ::2], array[:, ::2].copy())
    assert same_bits(np.array(1.5), np.array(1.5))
    assert same_bits(np.empty((0, 4)), np.empty((0, 4)))
    assert not same_bits(array, array.astype(np.float32))
    assert not same_bits(array, array[:2])


def test_modules_that_a_call_takes_away_come_back() -> None:
    """What reads its answer imports from there."""
    modules, path = dict(sys.modules), list(sys.path)
    try:
        with Environment(exclusive=True).watched(set()):
            sys.modules.clear()
            sys.path.clear()
        assert "numpy" in sys.modules
        assert sys.path == path
    finally:
        sys.modules.update(modules)
        sys.path[:] = path


@pytest.mark.parametrize(
    ("size", "buffers", "seen"), [(3, 1, True), (3, 8, True), (3, 9, False), (1000, 2, True), (1000, 3, False)]
)
def test_rings_of_buffers_are_seen(size, buffers, seen):
    """Small results are watched until eight calls later, large ones until the second."""
    earlier, changed = EarlierResults(), False
    ring = [np.zeros(size) for _ in range(buffers)]
    for call in range(20):
        ring[call % buffers][:] = call
        changed |= earlier.changed()
        earlier.keep(ring[call % buffers])
    assert changed == seen
