"""How rows are spread over several axes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xentcheck.batches.extra_axes import number_of, row_sizes, split, spread


@pytest.mark.parametrize("extra", [0, 1, 2, 3])
def test_sizes_have_the_product_of_the_rows(extra):
    """For each number of rows, none included, and whatever the number of classes."""
    for n in (*range(40), 64, 1025, 65537, 65536):
        for m in (1, 2, 5):
            sizes = split(n, m, extra)
            assert len(sizes) == extra + 1
            assert math.prod(sizes) == n


def test_splits_by_hand():
    """Prime factors are dealt in turn; a prime lies along either axis, by the classes."""
    assert split(12, 2, 1) == (6, 2)
    assert split(12, 3, 1) == (2, 6)
    assert split(12, 3, 2) == (3, 2, 2)
    assert {split(7, m, 1) for m in range(4)} == {(7, 1), (1, 7)}
    assert {split(0, m, 1) for m in range(4)} == {(0, 2), (2, 0)}
    assert split(0, 3, 0) == (0,)


def test_every_number_of_axes_takes_its_turn():
    """By n + m; one alone is always that."""
    assert {number_of((0, 1, 2), n, 3) for n in range(3)} == {0, 1, 2}
    assert {number_of((2,), n, 3) for n in range(5)} == {2}
    assert row_sizes((0,), 6, 4) == (6,)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_spread_rows_are_those_rows(axis):
    """Element by element, with the classes at the axis."""
    rows = np.arange(24.0).reshape(6, 4)
    given = spread(rows, (3, 2), axis)
    for place in range(6):
        index = list(np.unravel_index(place, (3, 2)))
        index.insert(2 if axis == -1 else axis, slice(None))
        np.testing.assert_array_equal(given[tuple(index)], rows[place])
