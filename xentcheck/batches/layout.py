"""How an array lies in memory when a target is given it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYOUTS = ("C", "F", "strided", "reversed", "readonly", "unaligned", "broadcast")
_IN_ONE_PIECE = ("C", "readonly", "unaligned")


def few_layouts(dtype: str) -> tuple[str, ...]:
    """Return layouts of which a compiler has to see few strides: those in one piece, and one other for a dtype."""
    return (*_IN_ONE_PIECE, "F" if dtype in ("float64", "bfloat16") else "strided")


def lay_out(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """Return a fresh array with the values of `array` and the memory layout named.

    Parameters
    ----------
    array : ndarray
    layout : str
        "C" and "F" contiguous; "strided": every second element of a larger array along each axis;
        "reversed": negative strides; "readonly"; "unaligned": data that starts one byte off; "broadcast":
        zero strides along the first axis where all rows are equal (read-only too), else C.
    """
    fresh: NDArray[Any]
    if layout == "C":
        return np.array(array, order="C", copy=True)
    if layout == "F":
        return np.array(array, order="F", copy=True)
    if layout == "strided":
        fresh = np.zeros(tuple(2 * size for size in array.shape), array.dtype)[(slice(None, None, 2),) * array.ndim]
        fresh[...] = array
        return fresh
    if layout == "reversed":
        flip = (slice(None, None, -1),) * array.ndim
        return np.array(array[flip], order="C", copy=True)[flip]
    if layout == "readonly":
        fresh = np.array(array, order="C", copy=True)
        fresh.flags.writeable = False
        return fresh
    if layout == "unaligned":
        raw = np.zeros(array.nbytes + 1, np.uint8)
        fresh = raw[1:].view(array.dtype).reshape(array.shape)
        fresh[...] = array
        return fresh
    if layout == "broadcast":
        if array.shape[0] > 0 and array.tobytes() == np.repeat(array[:1], array.shape[0], axis=0).tobytes():
            return np.broadcast_to(np.array(array[:1], order="C", copy=True), array.shape)
        return np.array(array, order="C", copy=True)
    raise ValueError(f"There is no layout {layout!r}; the layouts are {', '.join(LAYOUTS)}.")
