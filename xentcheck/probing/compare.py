"""Whether an answer is what a convention gives, and answers in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TOLERANCE = {"float64": 1e-9, "float32": 2e-5, "float16": 6e-3, "bfloat16": 5e-2}
"""How far an answer may be from what a convention says, relative to the larger of it and 1."""
LOOSE = 2e-3
"""The same where small constants are not known yet."""


def same(got: Floats | None, wanted: Floats, tolerance: float) -> bool:
    """Return whether an answer has the shape and, within a tolerance, the numbers wanted; nan is nan."""
    if got is None or got.shape != wanted.shape:
        return False
    with np.errstate(all="ignore"):
        near = np.abs(got - wanted) <= tolerance * np.maximum(1.0, np.abs(wanted))
    return bool(np.all((near & np.isfinite(wanted)) | (got == wanted) | (np.isnan(got) & np.isnan(wanted))))


def answered(got: Floats | None) -> str:
    """Return an answer in words."""
    if got is None:
        return "no number"
    return "nothing" if got.size == 0 else np.array2string(got, precision=6, separator=", ", threshold=12)


def without_axis(numbers: Floats, axis: str) -> Floats:
    """Return losses without an axis of 1: the last, the first, or each of the only number; others as they are."""
    if axis == "each":
        return numbers.reshape(()) if numbers.size == 1 else numbers
    if axis and numbers.ndim > 1 and numbers.shape[-1 if axis == "last" else 0] == 1:
        return numbers[..., 0] if axis == "last" else numbers[0]
    return numbers
