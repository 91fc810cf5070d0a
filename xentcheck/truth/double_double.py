"""Double-double arithmetic on numpy arrays: numbers written as an unevaluated sum high + low of two float64.

Every pair is normalised: high is the float64 nearest to high + low. The error bounds named below are relative to
the exact result and hold while nothing overflows; `UNDERFLOW` covers products below the normal range.

Sources: Dekker, Numer. Math. 18 (1971), for `two_sum` and `two_product`; Joldes, Muller and Popescu, ACM Trans. Math.
Softw. 44 (2017), for the bounds of `add` (3 u^2 + 13 u^3) and `multiply` (7 u^2), with u = 2^-53; Rump, Ogita and
Oishi, SIAM J. Sci. Comput. 31 (2008), lemma 3.3, for the extraction in `row_sum`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ADD_ERROR = 2.0**-104
MULTIPLY_ERROR = 2.0**-103
RECIPROCAL_ERROR = 2.0**-100
# A product is assembled from four partial products, two cross products and the rounded product itself, its radius (in
# `Ball`) from four more. Each that falls below the normal range is off by at most 2^-1075, and 2^-1071 is more than
# all eleven together.
UNDERFLOW = 2.0**-1071
# From here on the error of a product of two float64 is a multiple of 2^-1074 and at least as large, as its parts are.
EXACT_PRODUCT = 2.0**-900
_SPLITTER = 2.0**27 + 1.0


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the rounded sum and its error: together exactly a + b, in any order of magnitude."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def fast_two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return what `two_sum` does, for |a| >= |b| or a = 0."""
    total = a + b
    return total, b - (total - a)


def split(a: Floats) -> tuple[Floats, Floats]:
    """Return two numbers of at most 26 bits whose sum is a; exact for |a| < 2^996, subnormal numbers included."""
    scaled = a * _SPLITTER
    high = scaled - (scaled - a)
    return high, a - high


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the rounded product and its error: together exactly a * b, up to `UNDERFLOW` below `EXACT_PRODUCT`."""
    product = a * b
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def add(a: Floats, a_low: Floats | None, b: Floats, b_low: Floats | None) -> tuple[Floats, Floats]:
    """Return a sum of pairs to within `ADD_ERROR`; exact where both are single numbers (low None)."""
    high, low = two_sum(a, b)
    if a_low is None and b_low is None:
        return high, low
    if a_low is None or b_low is None:
        single = a_low if b_low is None else b_low
        assert single is not None
        return fast_two_sum(high, low + single)
    middle, error = two_sum(a_low, b_low)
    high, low = fast_two_sum(high, low + middle)
    return fast_two_sum(high, low + error)


def multiply(a: Floats, a_low: Floats | None, b: Floats, b_low: Floats | None) -> tuple[Floats, Floats]:
    """Return a product of pairs to within `MULTIPLY_ERROR` relative and `UNDERFLOW` absolute.

    Where both are single numbers (low None) only `UNDERFLOW` is left.
    """
    high, low = two_product(a, b)
    if a_low is None and b_low is None:
        return high, low
    if b_low is not None and a_low is not None:
        cross = a * b_low + a_low * b
    else:
        cross = a * b_low if b_low is not None else b * a_low  # type: ignore[operator]
    return fast_two_sum(high, low + cross)


def reciprocal(b: Floats, b_low: Floats | None) -> tuple[Floats, Floats]:
    """Return one over a pair to within `RECIPROCAL_ERROR`, for 2^-1000 < |b| < 2^900.

    One Newton step from the rounded quotient q. With r = 1 - b q, |r| <= 3 u, one over b is q (1 + r + ...); the
    terms left out are below 10 u^2, the roundings in r below 6 u^2, that of the product q r below 3 u^2. Where the
    product's error falls below the normal range it is 2^-1071 against 1.
    """
    quotient = 1.0 / b
    product, error = two_product(b, quotient)
    rest = (1.0 - product) - error
    if b_low is not None:
        rest = rest - b_low * quotient
    return fast_two_sum(quotient, rest * quotient)


def row_sum(high: Floats, low: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Return the sums along the last axis, kept as an axis of length 1, and a bound of their errors.

    Parameters
    ----------
    high, low : ndarray of float64, shape (..., m)
        Normalised pairs; low None where all of them are zero.

    Returns
    -------
    high, low, error : ndarray of float64, shape (..., 1)

    Notes
    -----
    Adding and taking away sigma, a power of two of at least (m + 2) max|x|, leaves the leading bits of every term,
    whose sum is exact in any order; what remains of a term is exact and at most 2^-53 sigma. The same is done to the
    remainders and the low parts (2 m numbers, hence one bit more) with a second sigma2 = 2^(-52 + ceil(log2(m + 2)))
    sigma. Only the second remainders are added with rounding: 2 m numbers of at most 2^-53 sigma2, by m + (m - 1)
    additions whose results are at most m 2^-52 sigma2, so all roundings together are below m^2 2^-104 sigma2. The
    two additions of the three partial sums are exact but for one rounding of at most 2^-106 of the result and of
    2^-53 of the second remainders' sum.
    """
    m = high.shape[-1]
    if m == 0:
        zero = np.zeros((*high.shape[:-1], 1))
        return zero, zero, zero
    extra = math.ceil(math.log2(m + 2))
    peak = np.abs(high).max(-1, keepdims=True)
    sigma = np.ldexp(1.0, np.frexp(peak)[1] + extra)
    sigma2 = sigma * 2.0 ** (extra - 52)
    leading = (sigma + high) - sigma
    rest = high - leading
    middle = (sigma2 + rest) - sigma2
    rest = rest - middle
    if low is not None:
        leading_low = (sigma2 + low) - sigma2
        rest = rest + (low - leading_low)
        middle = middle + leading_low
    total, error = two_sum(leading.sum(-1, keepdims=True), middle.sum(-1, keepdims=True))
    total, error = two_sum(total, error + rest.sum(-1, keepdims=True))
    bound = np.where(peak > 0, (m * m * 2.0**-103) * sigma2 + 2.0**-105 * np.abs(total), 0.0)
    return total, error, bound
