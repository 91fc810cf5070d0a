"""The four floating-point formats under test and their constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np


@dataclass(frozen=True)
class Format:
    """A binary floating-point format.

    Parameters
    ----------
    name : str
        The dtype's name.
    precision : int
        Significant bits, the hidden one included.
    smallest_exponent, normal_exponent : int
        The smallest subnormal is 2**smallest_exponent, the smallest normal 2**normal_exponent.
    largest : float
        The largest finite number.
    """

    name: str
    precision: int
    smallest_exponent: int
    normal_exponent: int
    largest: float

    @property
    def unit_roundoff(self) -> float:
        """Half the distance from 1 to the next number above it."""
        return 2.0**-self.precision

    @property
    def eps(self) -> float:
        """The distance from 1 to the next number above it, as ``numpy.finfo`` has it."""
        return 2.0 * self.unit_roundoff

    @property
    def smallest_subnormal(self) -> float:
        """The smallest positive number."""
        return 2.0**self.smallest_exponent

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number where subnormal ones are flushed to zero."""
        return 2.0**self.normal_exponent

    @property
    def is_half(self) -> bool:
        """Whether this is a 16-bit format, for which float32 accumulation is expected."""
        return self.precision < 24

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype; bfloat16 is that of ml_dtypes."""
        return np.dtype(getattr(ml_dtypes, self.name) if self.name == "bfloat16" else self.name)

    def ulp(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the distance between neighbouring numbers at each |value|, never below the subnormal step."""
        sizes = np.abs(np.asarray(values, np.float64))
        _, exponent = np.frexp(np.where(sizes == 0.0, self.smallest_subnormal, sizes))  # the exponent of 0 is 0
        return np.asarray(np.ldexp(1.0, np.maximum(exponent - self.precision, self.smallest_exponent)))


FORMATS = {
    format_.name: format_
    for format_ in (
        Format("float16", 11, -24, -14, 65504.0),
        Format("bfloat16", 8, -133, -126, float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)),
        Format("float32", 24, -149, -126, float(np.finfo(np.float32).max)),
        Format("float64", 53, -1074, -1022, float(np.finfo(np.float64).max)),
    )
}
