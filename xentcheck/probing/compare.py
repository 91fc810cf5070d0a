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
