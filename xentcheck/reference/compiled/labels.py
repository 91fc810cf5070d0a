"""Finding the class of one-hot rows."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

U = np.uintp


def label_loop(bits: np.dtype[Any]) -> Any:
    """Return the function that `compiled.finder` describes, to be compiled."""
    entry = _entry(np.int64 if bits.itemsize == 8 else np.int32)

    def loop(bits: Any, y: Any) -> bool:
        n, m = bits.shape
        flat = bits.reshape(-1)
        for i in range(n):
            entries, place, signs = entry(flat, i * m, m)
            if entries != 1 or signs < 0:
                return False
            y[i] = place
        return True

    return loop


def _entry(Int: type[np.signedinteger[Any]]) -> Any:
    """Return what tells how many numbers are not 0, where the only one is, and a negative number if one is negative.

    `Int` is no wider than it must be: so many more of them fit into a vector.
    """

    @numba.njit
    def function(bits: Any, start: int, count: int) -> Any:
        entries, place, signs = Int(0), Int(0), Int(0)
        for j in range(count):
            b = Int(bits[U(start + j)])
            is_entry = Int(b != 0)
            entries = Int(entries + is_entry)
            place = Int(place + Int(is_entry * Int(j)))
            signs = Int(signs | b)
        return entries, place, signs

    return function
