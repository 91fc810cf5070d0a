"""Intervals as double-double centres with a float64 radius: the fast rigorous arithmetic.

Each operation's radius is the sum of what the operands' radii can do and of the proved error of the centre (see
`double_double` and `exponential`), multiplied by `_UP`: a radius is the result of fewer than 16 float64 operations on
positive numbers, each off by a factor of at most 1 + 2^-53, so the factor makes it an upper bound.
A result that overflows has a centre or radius that is not finite, and `enclosure` gives it an infinite radius.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth import double_double as dd
from xentcheck.truth import exponential
from xentcheck.truth.arb_arrays import ArbArray, precision
from xentcheck.truth.hyperbolic import tanh
from xentcheck.truth.real import Floats, Real

_UP = 1.0 + 2.0**-48
_FEW = 24  # up to so many logarithms are quicker one by one in python-flint
_SERIES_LIMIT = 2.0**-4


class Ball(Real):
    """An array of intervals [high + low - radius, high + low + radius].

    Parameters
    ----------
    high : ndarray of float64
    low, radius : ndarray of float64 that broadcasts to the shape of `high`, or None
        None stands for zeros; (high, low) is normalised: high is the float64 nearest to high + low.
    """

    __slots__ = ("high", "low", "radius")

    def __init__(self, high: Floats, low: Floats | None = None, radius: Floats | None = None) -> None:
        self.high = high
        self.low = low
        self.radius = radius

    @classmethod
    def exact(cls, values: Any) -> Self:
        """Return the numbers of a float64 array, without error."""
        return cls(np.asarray(values, np.float64))

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.high.shape

    def _lift(self, other: Self | Floats | float) -> Self:
        return other if isinstance(other, type(self)) else self.exact(other)

    def __neg__(self) -> Self:
        return type(self)(-self.high, None if self.low is None else -self.low, self.radius)

    def __add__(self, other: Self | Floats | float) -> Self:
        """Return the sum; without error where both are exact single numbers."""
        other = self._lift(other)
        high, low = dd.add(self.high, self.low, other.high, other.low)
        radius = _sum_of(self.radius, other.radius)
        if self.low is not None or other.low is not None:
            radius = _sum_of(radius, np.abs(high) * dd.ADD_ERROR)
        return type(self)(high, low, None if radius is None else radius * _UP)

    def __mul__(self, other: Self | Floats | float) -> Self:
        """Return the product: |x| r_y + |y| r_x + r_x r_y and the centre's error; |x| <= |high| (1 + 2^-52).

        A product with an exact zero is exact, and so is that of two single numbers far above the smallest one.
        Everywhere else `UNDERFLOW` is added, also where the centres' product is zero: the radii's products may
        underflow as well, and what is lost there may be multiplied by 1e300 next.
        """
        other = self._lift(other)
        if self.low is None and other.low is None and self.radius is None and other.radius is None:
            return self._product(other)
        high, low = dd.multiply(self.high, self.low, other.high, other.low)
        lost = dd.UNDERFLOW if high.all() else (self._not_zero() & other._not_zero()) * dd.UNDERFLOW
        radius = np.abs(high) * dd.MULTIPLY_ERROR + lost
        if self.radius is not None:
            reach = np.abs(other.high)
            radius = radius + (reach if other.radius is None else reach + other.radius) * self.radius
        if other.radius is not None:
            radius = radius + np.abs(self.high) * other.radius
        return type(self)(high, low, radius * _UP)

    def _product(self, other: Self) -> Self:
        """Return the product of single numbers known exactly; see `dd.two_product`."""
        high, low = dd.two_product(self.high, other.high)
        lost = (np.abs(high) < dd.EXACT_PRODUCT) & (self.high != 0) & (other.high != 0)
        # Where nothing is left over the product is a single number again, which is added exactly.
        return type(self)(high, low if low.any() else None, lost * dd.UNDERFLOW if lost.any() else None)

    def _not_zero(self) -> NDArray[np.bool_]:
        """Return where a number may differ from zero."""
        found: NDArray[np.bool_] = self.high != 0
        return found if self.radius is None else found | (self.radius != 0)

    def reciprocal(self) -> Self:
        """Return one over: an operand off by r changes it by at most r / (|x| (|x| - r)); infinite if 0 is inside."""
        high, low = dd.reciprocal(self.high, self.low)
        size = np.abs(high)
        radius = size * dd.RECIPROCAL_ERROR + dd.UNDERFLOW
        if self.radius is not None:
            nearest = np.abs(self.high) * (1 - 2.0**-50) - self.radius
            radius = radius + np.where(nearest > 0, size * self.radius / np.abs(nearest), np.inf)
        return type(self)(high, low, radius * _UP)

    def exp(self) -> Self:
        """Return the exponentials: an argument off by r <= 1/2 changes them by a factor within 1 +- (r + r^2).

        Arguments that are certainly below those of which `exponential` returns 0 may be off by anything.
        """
        high, low = exponential.exponential(self.high, self.low)
        if self.radius is None:
            return type(self)(high, low, (high * exponential.RELATIVE_ERROR + exponential.ABSOLUTE_ERROR) * _UP)
        factor = np.where(self.radius <= 0.5, self.radius + self.radius**2 + exponential.RELATIVE_ERROR, np.inf)
        factor = np.where((self.high + self.radius) * (1 - 2.0**-50) < exponential.LOWEST - 1.0, 0.0, factor)
        return type(self)(high, low, (high * factor + 2 * exponential.ABSOLUTE_ERROR * (1 + factor)) * _UP)

    def log(self) -> Self:
        """Return the logarithms; see `_logarithm`."""
        if self.high.size <= _FEW:
            return self._one_by_one("log")
        return type(self)(*_logarithm(self, self - 1.0))

    def log1p(self) -> Self:
        """Return log(1 + x); see `_logarithm`."""
        if self.high.size <= _FEW:
            return self._one_by_one("log1p")
        return type(self)(*_logarithm(self + 1.0, self))

    def tanh(self) -> Self:
        """Return the hyperbolic tangents; see `hyperbolic`."""
        return tanh(self, np.abs(self.high) + self.reach() <= _SERIES_LIMIT, self.high < 0)

    def _one_by_one(self, function: str) -> Self:
        """Return a logarithm of each element by python-flint, radius included."""
        with precision(128):
            values = ArbArray.from_enclosure(self.high, self.low, self.radius)
            return type(self)(*(values.log() if function == "log" else values.log1p()).enclosure())

    def sum(self) -> Self:
        """Return the sums along the last axis, kept with length 1; the radii are added, m roundings included."""
        high, low, radius = dd.row_sum(self.high, self.low)
        if self.radius is not None:
            radii = _broadcast(self.radius, self.shape).sum(-1, keepdims=True)
            radius = radius + radii * (1.0 + 2.0**-51 * self.shape[-1])
        return type(self)(high, low, radius * _UP)

    def rows(self, index: NDArray[np.int64]) -> Self:
        """Return some rows, in the full shape."""
        return type(self)(*(None if x is None else x[index] for x in self._full()))  # type: ignore[arg-type]

    def reshape(self, shape: tuple[int, ...]) -> Self:
        """Return the numbers in another shape."""
        return type(self)(*(None if x is None else x.reshape(shape) for x in self._full()))  # type: ignore[arg-type]

    def at(self, columns: NDArray[np.int64]) -> Self:
        """Return the elements (i, columns[i, k]), shape of `columns`: (n, k)."""
        places = self._places(columns)
        return type(self)(*(None if x is None else x[places] for x in self._full()))  # type: ignore[arg-type]

    def put(self, columns: NDArray[np.int64], values: Self | float) -> None:
        """Overwrite the elements (i, columns[i, k]) by values of shape (n, k)."""
        values = self._lift(values)
        self.low = self._own(self.low)
        self.radius = self._own(self.radius)
        places = self._places(columns)
        for mine, new in zip((self.high, self.low, self.radius), (values.high, values.low, values.radius), strict=True):
            mine[places] = 0.0 if new is None else new

    def _places(self, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the index of the elements (i, columns[i, k]), which numpy's `take_along_axis` makes slowly."""
        return np.arange(self.shape[0])[:, None], columns

    def _own(self, part: Floats | None) -> Floats:
        """Return low or radius as an array of the full shape that can be written to."""
        if part is None:
            return np.zeros(self.shape)
        return part if part.shape == self.shape else np.broadcast_to(part, self.shape).copy()

    def spread(self, shape: tuple[int, ...]) -> Self:
        """Return a copy, broadcast to a shape."""
        parts = (None if x is None else np.broadcast_to(x, shape).copy() for x in self._full())
        return type(self)(*parts)  # type: ignore[arg-type]

    def where(self, mask: NDArray[np.bool_], other: Self | float) -> Self:
        """Return this where the mask is true, else the other; all broadcast."""
        other = self._lift(other)
        return type(self)(
            np.where(mask, self.high, other.high),
            _chosen(mask, self.low, other.low),
            _chosen(mask, self.radius, other.radius),
        )

    def clip(self, low: float, high: float) -> Self:
        """Return the clipped numbers. Clipping moves no two numbers apart, so the radius may stay as it is."""
        tail = 0.0 if self.low is None else self.low
        below = (self.high < low) | ((self.high == low) & (tail < 0))
        above = (self.high > high) | ((self.high == high) & (tail > 0))
        least, most = (type(self)(np.asarray(limit), None, self.radius) for limit in (low, high))
        return self.where(~below, least).where(~above, most)

    def inside(self, low: float, high: float) -> Self:
        """Return 1 where low < x < high, 0 where x < low or x > high, and [0, 1] at the limits or where unsure."""
        least, most = self.bounds()
        sure_inside = (least > low) & (most < high)
        sure_outside = (most < low) | (least > high)
        unsure = np.where(sure_inside | sure_outside, 0.0, 0.5)
        return type(self)(np.where(sure_inside, 1.0, unsure), None, unsure)

    def hull(self, other: Self) -> Self:
        """Return hulls. A centre at any share of the way from the other's to this one's has a radius that reaches both.

        The share chosen makes the two reaches equal, or stays at the centre of a ball that holds the other one. The
        errors of the three operations on the centres are below 2^-100 of their distance or of the result.
        """
        apart = self - other
        distance = np.abs(apart.high) * _UP
        mine, yours = self.reach(), other.reach()
        share = np.clip(0.5 + 0.5 * (mine - yours) / np.where(distance > 0, distance, 1.0), 0.0, 1.0)
        centre = other + apart * share
        radius = np.maximum(share * distance + yours, (1.0 - share) * distance + mine)
        error = (np.abs(centre.high) + distance) * 2.0**-100 + 2 * dd.UNDERFLOW
        return type(self)(centre.high, centre.low, (radius + error) * _UP)

    def bounds(self) -> tuple[Floats, Floats]:
        """Return float64 arrays that bound the numbers from below and above."""
        spread = np.abs(0.0 if self.low is None else self.low) + (0.0 if self.radius is None else self.radius)
        if self.low is None and self.radius is None:
            return self.high, self.high
        return (
            np.where(spread == 0, self.high, np.nextafter(self.high - np.nextafter(spread, np.inf), -np.inf)),
            np.where(spread == 0, self.high, np.nextafter(self.high + np.nextafter(spread, np.inf), np.inf)),
        )

    def reach(self) -> Floats:
        """Return the radius as an array or a zero."""
        return np.zeros(()) if self.radius is None else self.radius

    def _full(self) -> tuple[Floats | None, ...]:
        """Return high, low and radius in the full shape."""
        return tuple(None if x is None else _broadcast(x, self.shape) for x in (self.high, self.low, self.radius))

    def enclosure(self) -> tuple[Floats, Floats, Floats]:
        """Return float64 arrays high, low, radius; the radius is inf where nothing finite is known."""
        zeros = np.zeros(self.shape)
        high, low, radius = (zeros if x is None else x for x in self._full())
        known = np.isfinite(high) & np.isfinite(low) & np.isfinite(radius)
        if known.all():
            return high, low, radius
        return np.where(known, high, 0.0), np.where(known, low, 0.0), np.where(known, radius, np.inf)


def _broadcast(x: Floats, shape: tuple[int, ...]) -> Floats:
    """Return what `numpy.broadcast_to` does, which takes far longer than the comparison where nothing is to be done."""
    return x if x.shape == shape else np.broadcast_to(x, shape)


def _chosen(mask: NDArray[np.bool_], a: Floats | None, b: Floats | None) -> Floats | None:
    if a is None and b is None:
        return None
    return np.where(mask, 0.0 if a is None else a, 0.0 if b is None else b)


def _sum_of(a: Floats | None, b: Floats | None) -> Floats | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _logarithm(x: Ball, t: Ball) -> tuple[Floats, Floats | None, Floats | None]:
    """Return log(x) where x = 1 + t, both enclosed, as the parts of a `Ball`; accurate to some 2^-69 of itself.

    Notes
    -----
    |t| <= 1/16: log(1 + t) = 2 artanh(w) = 2 w (1 + z/3 + z^2/5 + ...) with w = t / (2 + t) and z = w^2 < 2^-9.9. Left
    out is less than z^8/16 < 2^-83 relative. From z^4 on, the terms are summed in float64 to within 2^-50 of them;
    their derivative by z is below 1, so the radius of z bounds what it does to them.

    Elsewhere: one Newton step from any float64 y near log(x). With x exp(-y) = 1 + delta, log(x) = y + log(1 + delta),
    and log(1 + delta) is within delta^2 of delta for |delta| <= 1/2. Nothing is taken on trust from numpy's log: were
    it wrong, delta^2 would show it. exp(-y/2) is applied twice so that nothing overflows.
    """
    near = np.abs(t.high) + t.reach() <= _SERIES_LIMIT  # the whole ball, or the series' remainder is not bounded
    if near.all():
        chosen = _series(t)
    elif near.any():
        chosen = _series(t).where(near, _newton(x))
    else:
        chosen = _newton(x)
    return chosen.high, chosen.low, chosen.radius


def _series(t: Ball) -> Ball:
    """Return log(1 + t) for |t| <= 1/16; see `_logarithm`."""
    w = t / (t + 2.0)
    z = w * w
    power = z.high
    tail = 1 / 9 + power * (1 / 11 + power * (1 / 13 + power / 15))
    polynomial = Ball(tail, None, tail * 2.0**-50 + z.reach())
    for coefficient in (*_odd_reciprocals(), 1.0):
        polynomial = z * polynomial + coefficient
    series = w * polynomial * 2.0
    return Ball(series.high, series.low, series.reach() + np.abs(series.high) * 2.0**-82)


def _newton(x: Ball) -> Ball:
    """Return log(x) for x away from 1; see `_logarithm`."""
    y = np.log(x.high)
    half = Ball.exact(-0.5 * y).exp()
    delta = x * half * half - 1.0
    size = (np.abs(delta.high) + delta.reach()) * _UP
    newton = delta + y
    left_out = np.where(size <= 0.5, size * size, np.inf)
    return Ball(newton.high, newton.low, (newton.reach() + left_out + dd.UNDERFLOW) * _UP)


@cache
def _odd_reciprocals() -> tuple[Ball, Ball, Ball]:
    """Return 1/7, 1/5 and 1/3."""
    return Ball.exact(7.0).reciprocal(), Ball.exact(5.0).reciprocal(), Ball.exact(3.0).reciprocal()
