"""Numbers as somebody wrote them, from values that rounding has blurred."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

DIGITS = 3
"""Of a constant that somebody wrote."""
_MOST_WRITTEN = 7
_HIGHEST = 1000
_BLUR = 1e-13
"""How far off, relatively, the value of a fraction may be, of which there are too many for less."""


def is_written(value: float) -> bool:
    """Return whether a number has few enough digits that somebody wrote it."""
    return float(f"{value:.{DIGITS}g}") == value


def nice(value: float, dtype: str) -> float:
    """Return the number that a value may have been written as.

    The shortest decimal within what rounding leaves of it; of float64, where that would have more digits than anybody
    writes, a fraction of small numbers, as weights by counts are, or else the value itself.

    Examples
    --------
    >>> nice(0.30000000000012, "float64"), nice(3.3333333333333312, "float64"), nice(0.1000000015, "float32")
    (0.3, 3.3333333333333335, 0.1)
    """
    wide = dtype == "float64"
    limit = 1e-9 if wide else 1e-5
    for digits in range(_MOST_WRITTEN if wide else 17):
        short = float(f"{value:.{digits}e}")
        if abs(short - value) <= limit * abs(value):
            return short
    fraction = float(Fraction(value).limit_denominator(_HIGHEST)) if wide and np.isfinite(value) else value
    return fraction if abs(fraction - value) <= _BLUR * abs(value) else value
