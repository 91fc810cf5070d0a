"""Finding the class of one-hot rows."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

U = np.uintp


@numba.njit
def entry(bits: Any, start: int, count: int) -> Any:
    """Return how many numbers are not 0, where the only one is, and a negative number if one is negative."""
    entries, place, signs = 0, 0, bits[U(start)]
    for j in range(count):
        b = bits[U(start + j)]
        is_entry = b != 0
        entries += is_entry
        place += j if is_entry else 0
        signs |= b
    return entries, place, signs


def label_loop(bits: Any, y: Any) -> bool:
    """Do what `compiled.finder` describes; to be compiled."""
    n, m = bits.shape
    flat = bits.reshape(-1)
    for i in range(n):
        entries, place, signs = entry(flat, i * m, m)
        if entries != 1 or signs < 0:
            return False
        y[i] = place
    return True
