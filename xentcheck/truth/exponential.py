"""The exponential function in double-double arithmetic, from a table that ball arithmetic certifies.

Method (Tang, ACM Trans. Math. Softw. 15 (1989)): x = k ln(2)/4096 + r with |r| <= ln(2)/8192, k = 4096 q + i, so that
exp(x) = 2^q t_i exp(r) with t_i = 2^(i/4096) from the table.

Proof of the bound, with u = 2^-53:

- Reduction. ln(2)/4096 = C1 + C2 + C3, C1 and C2 of 30 bits each, |C2| <= 2^-43, |C3| <= 2^-73. As |k| < 2^23, k C1 and
  k C2 are exact; x - k C1 is exact (it is a multiple of 2^-66 below 2^-13, or k = 0), and `two_sum` takes away k C2
  exactly. What is rounded (k C3, and two additions of numbers below 2^-43) is off by less than 2^-94.
- Polynomial. exp(r) - 1 = r + r^2/2 + ... + r^5/120 up to 2^-90. All but r itself is computed in float64 from the
  high part of r, |r| < 2^-13.52: leaving the low part out costs 2^-80.0, the roundings 3.01 u r^2/2 < 2^-79.4, the
  addition to the low part of r 2^-81.0. Together below 2^-78.4.
- Table. t_i = A + B, A of 26 bits, so that its products with the two halves of (exp(r) - 1) are exact; B is a
  float64 below 2^-26 and off by at most 2^-80. Of the additions that are rounded one is as large as 2^-26 and off by
  2^-79; the others are off by less than 2^-90 together.
- Sum: 2^-78.4 + 2^-80 + 2^-79 + 2^-90 < 2^-77, relative to t_i exp(r) > 0.9999. `RELATIVE_ERROR` is twice that.
- The multiplication by 2^q is exact, or rounds each half once below the normal range, by 2^-1075 each.
  Arguments below -746 are taken as -746: exp(-746) < 2^-1076 is returned as 0. `ABSOLUTE_ERROR` covers both.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from xentcheck.truth.double_double import fast_two_sum, split, two_sum

Floats = NDArray[np.float64]

RELATIVE_ERROR = 2.0**-76
ABSOLUTE_ERROR = 2.0**-1073
LOWEST = -746.0
HIGHEST = 720.0
ENTRIES = 4096
_CHUNK = 8192


class Table(NamedTuple):
    """The constants: t_i = high + low, and ln(2)/4096 = the sum of the three pieces of `step`."""

    high: Floats
    low: Floats
    step: tuple[float, float, float]


@cache
def table() -> Table:
    """Return the certified table; it is made once, in some 15 ms."""
    before = ctx.prec
    ctx.prec = 192
    try:
        logarithm = arb(2).log() / ENTRIES
        first = _truncated(logarithm, 42)
        second = _truncated(logarithm - arb(first), 72)
        third = float(logarithm - arb(first) - arb(second))
        _certify(abs(logarithm - arb(first) - arb(second) - arb(third)) < arb(2) ** -124, "ln(2)/4096")
        root, power = logarithm.exp(), arb(1)
        entries = []
        limit = arb(2) ** -80 + arb(2) ** -100
        for _ in range(ENTRIES):
            high = _truncated(power, 25)
            low = float(power - high)
            _certify(abs(power - high - low) < limit, "an entry of the table of exp")
            entries.append((high, low))
            power *= root
    finally:
        ctx.prec = before
    array = np.array(entries)
    return Table(array[:, 0].copy(), array[:, 1].copy(), (first, second, third))


def exponential(high: Floats, low: Floats | None) -> tuple[Floats, Floats]:
    """Return exp(high + low) as a normalised pair.

    Parameters
    ----------
    high, low : ndarray of float64, any shape
        A normalised pair, high in [-inf, 720]; low None for zeros.

    Returns
    -------
    high, low : ndarray of float64
        Off by at most `RELATIVE_ERROR` of the exact value plus `ABSOLUTE_ERROR`; inf and nan above 709.7.
    """
    high = np.asarray(high)
    if high.size <= _CHUNK + _CHUNK // 2:
        return _exponential(high, low)
    flat_high = high.ravel()
    flat_low = None if low is None else low.ravel()
    result = np.empty((2, high.size))
    for start in range(0, high.size, _CHUNK):  # blocks that stay in the cache
        part = slice(start, start + _CHUNK)
        result[:, part] = _exponential(flat_high[part], None if flat_low is None else flat_low[part])
    return result[0].reshape(high.shape), result[1].reshape(high.shape)


def _exponential(high: Floats, low: Floats | None) -> tuple[Floats, Floats]:
    """Return exp(high + low) of one block; the steps are those of the proof above."""
    entry, entry_low, (first, second, third) = table()
    if high.size and not (high.min() >= LOWEST and high.max() <= HIGHEST):
        inside = (high >= LOWEST) & (high <= HIGHEST)
        low = None if low is None else np.where(inside, low, 0.0)
        high = np.clip(high, LOWEST, HIGHEST)
    k = np.rint(high * (1.0 / first))
    r, r_low = two_sum(high - k * first, -(k * second))
    r_low = r_low - k * third if low is None else r_low + (low - k * third)
    r, r_low = fast_two_sum(r, r_low)
    tail = (r * r) * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120))))
    r, r_low = fast_two_sum(r, r_low + tail)
    index = k.astype(np.int64)
    chosen = index & (ENTRIES - 1)
    a, b = entry.take(chosen), entry_low.take(chosen)
    r_first, r_second = split(r)
    total, error = fast_two_sum(a, a * r_first)
    total, error = fast_two_sum(total, b + ((a * r_second + error) + (a * r_low + b * r)))
    index >>= 12
    if high.size and index.min() > -900 and index.max() < 1000:
        scale = ((index + 1023) << 52).view(np.float64)
        return total * scale, error * scale
    return np.ldexp(total, index), np.ldexp(error, index)


def _truncated(value: arb, bits: int) -> float:
    """Return a multiple of 2^-bits next to the middle of a ball."""
    return float(np.ldexp(np.rint(np.ldexp(float(value), bits)), -bits))


def _certify(proved: bool, what: str) -> None:
    """Raise ArithmeticError unless ball arithmetic has proved a bound."""
    if not proved:
        raise ArithmeticError(
            f"Ball arithmetic could not certify {what}: this is a fault of xentcheck or of python-flint."
        )
