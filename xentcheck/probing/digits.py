"""Numbers as somebody wrote them, from values that rounding has blurred."""

from __future__ import annotations

DIGITS = 3
"""Of a constant that somebody wrote."""


def is_written(value: float) -> bool:
    """Return whether a number has few enough digits that somebody wrote it."""
    return float(f"{value:.{DIGITS}g}") == value


def nice(value: float, dtype: str) -> float:
    """Return the shortest decimal within what rounding leaves of a value."""
    limit = 1e-9 if dtype == "float64" else 1e-5
    for digits in range(17):
        short = float(f"{value:.{digits}e}")
        if abs(short - value) <= limit * abs(value):
            return short
    return value
