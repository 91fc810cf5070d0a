"""exp(d) for d <= 0, and nan for nan, in arithmetic that a compiler can do on a whole vector at once.

With n the integer next to d / log 2 and r = d - n log 2, which is at most 0.3466 in size,

    exp(d) = 2**n exp(r),    exp(r) = 1 + r + r**2 (1/2! + r/3! + ... + r**(k-2)/k!)

log 2 is split in two, so that n times the first part is exact (Cody and Waite, "Software Manual for the Elementary
Functions", 1980). The series is that of Taylor: what is left out is below 0.13 u of the result for k = 7 and
u = 2**-24, and below 0.06 u for k = 13 and u = 2**-53. With the roundings of r (0.35 u), of the terms from r**2 on
(0.3 u) and of the two sums (0.45 u and u) the relative error is below 2.3 u. Results below the smallest normal number
are rounded once more.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np

LOG2_TAIL = 2.319046813846299558e-17
"""log 2 less the float64 next to it."""


class Format(NamedTuple):
    """A floating-point format, and what the formula needs in it.

    Attributes
    ----------
    real, unsigned, signed : type
        The numpy scalar types of its numbers, and of integers as wide.
    degree : int
        k.
    split : int
        How many bits of log 2 its first part has.
    least : float
        What is below has 0 for its exponential, when rounded to nearest.
    digits, bias : int
        Of the significand as stored, and of the exponent.
    """

    real: type[np.floating[Any]]
    unsigned: type[np.unsignedinteger[Any]]
    signed: type[np.signedinteger[Any]]
    degree: int
    split: int
    least: float
    digits: int
    bias: int


SINGLE = Format(np.float32, np.uint32, np.int32, 7, 15, -104.0, 23, 127)
DOUBLE = Format(np.float64, np.uint64, np.int64, 13, 32, -746.0, 52, 1023)


def exponential(form: Format) -> Any:
    """Return the function, to be called by other compiled ones with one number of the format."""
    F, U = form.real, form.unsigned
    split = 2.0**form.split
    first = round(math.log(2.0) * split) / split
    log2_first, log2_rest = F(first), F(math.log(2.0) - first + LOG2_TAIL)
    per_log2, least, one = F(1.0 / math.log(2.0)), F(form.least), F(1.0)
    # Added to a number and taken off again, it leaves an integer; its last bits are that integer meanwhile.
    shift = F(1.5 * 2.0**form.digits)
    zero = U(int(shift.view(U)) - 2 * form.bias)
    half, digits = U(1), U(form.digits)
    coefficients = tuple(F(1.0 / math.factorial(k)) for k in range(form.degree, 1, -1))

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def function(d: Any) -> Any:
        clipped = least if d < least else d  # nan stays nan
        shifted = clipped * per_log2 + shift
        n = shifted - shift
        r = (clipped - n * log2_first) - n * log2_rest
        p = coefficients[0]
        for c in coefficients[1:]:
            p = p * r + c
        p = p * (r * r) + r + one
        # 2**n in two factors, since it may be too small for one: n + 2 bias is their exponents' sum.
        exponents = U(F(shifted).view(U) - zero)
        small = U(exponents >> half)
        return p * U(small << digits).view(F) * U(U(exponents - small) << digits).view(F)

    return function
