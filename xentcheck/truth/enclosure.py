"""Rigorous intervals for exact values, as float64 arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.double_double import two_sum

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Enclosure:
    """The exact value lies in [hi + lo - radius, hi + lo + radius].

    Parameters
    ----------
    hi, lo, radius : ndarray of float64, all of one shape
        Where the exact value is +-inf or nan, hi is that and lo = radius = 0. Where nothing is known here (the value
        lies beyond the range of float64, or the contract leaves it open) radius is inf.
    """

    hi: Floats
    lo: Floats
    radius: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array enclosed."""
        return self.hi.shape

    def __getitem__(self, index: Any) -> Enclosure:
        return Enclosure(np.asarray(self.hi[index]), np.asarray(self.lo[index]), np.asarray(self.radius[index]))

    def bounds(self) -> tuple[Floats, Floats]:
        """Return the lower and the upper bounds as float64 arrays, rounded outward; exact values are kept."""
        return _outward(self.hi, self.lo, -self.radius, -np.inf), _outward(self.hi, self.lo, self.radius, np.inf)


def _outward(hi: Floats, lo: Floats, shift: Floats, direction: float) -> Floats:
    """Return hi + lo + shift, rounded in one direction: a step is taken wherever a rounding went the other way."""
    with np.errstate(invalid="ignore", over="ignore"):
        inner, error = two_sum(lo, shift)
        inner = np.where(error * direction > 0, np.nextafter(inner, direction), inner)
        total, error = two_sum(hi, inner)
        total = np.where(error * direction > 0, np.nextafter(total, direction), total)
        # Beyond the range of float64 the errors are nan; the total is then at the right end already or is taken there.
        total = np.where(np.isinf(total) & np.isfinite(hi) & np.isfinite(shift), _overflowed(total, direction), total)
    return np.where(np.isfinite(hi), np.where(np.isinf(shift), direction, total), hi)


def _overflowed(total: Floats, direction: float) -> Floats:
    """Return an overflowed bound: infinite on its own side, else the largest finite number."""
    largest = np.finfo(np.float64).max
    return np.where(total * direction > 0, total, np.copysign(largest, total))
