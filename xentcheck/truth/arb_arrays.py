"""Arrays of python-flint's balls: the slow rigorous arithmetic of any precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from xentcheck.truth.real import Floats, Real

Objects = NDArray[np.object_]


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Calculate with so many bits inside; python-flint's precision is global, and is restored."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


class ArbArray(Real):
    """An array of `arb`. Every operation is python-flint's, at the precision set around it.

    Parameters
    ----------
    values : ndarray of object
        Of `arb` and nothing else.
    """

    __slots__ = ("values",)

    def __init__(self, values: Objects) -> None:
        self.values = values

    @classmethod
    def exact(cls, values: Any) -> Self:
        """Return the numbers of a float64 array, without error."""
        array = np.asarray(values, np.float64)
        return cls._from([arb(x) for x in array.ravel().tolist()], array.shape)

    @classmethod
    def from_enclosure(cls, high: Floats, low: Floats | None, radius: Floats | None) -> Self:
        """Return high + low +- radius; exact at 128 bits unless low is below 2^-128 high."""
        result = cls.exact(high)
        if low is not None:
            result = result + np.broadcast_to(low, high.shape)
        if radius is not None:
            spread = np.broadcast_to(radius, high.shape).ravel().tolist()
            flat = result.values.ravel().tolist()
            result = cls._from([x + arb(0, r) for x, r in zip(flat, spread, strict=True)], high.shape)
        return result

    @classmethod
    def _from(cls, items: list[arb], shape: tuple[int, ...]) -> Self:
        array = np.empty(len(items), object)
        array[:] = items
        return cls(array.reshape(shape))

    def _map(self, function: Callable[[arb], arb]) -> Self:
        return self._from([function(x) for x in self.values.ravel().tolist()], self.shape)

    def _lift(self, other: Self | Floats | float) -> Objects:
        return other.values if isinstance(other, ArbArray) else self.exact(other).values

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.values.shape

    def __neg__(self) -> Self:
        return self._map(arb.__neg__)

    def __add__(self, other: Self | Floats | float) -> Self:
        return type(self)(np.asarray(self.values + self._lift(other), object))

    def __mul__(self, other: Self | Floats | float) -> Self:
        return type(self)(np.asarray(self.values * self._lift(other), object))

    def reciprocal(self) -> Self:
        """Return one over each number."""
        return self._map(lambda x: 1 / x)

    def exp(self) -> Self:
        """Return e to the power of each number."""
        return self._map(arb.exp)

    def log(self) -> Self:
        """Return the natural logarithm; of 0 or less it is not finite."""
        return self._map(arb.log)

    def log1p(self) -> Self:
        """Return log(1 + x), accurate relative to itself; of -1 or less it is not finite."""
        return self._map(arb.log1p)

    def tanh(self) -> Self:
        """Return the hyperbolic tangent, accurate relative to itself."""
        return self._map(arb.tanh)

    def sum(self) -> Self:
        """Return the sums along the last axis, which is kept with length 1."""
        shape = (*self.shape[:-1], 1)
        rows = self.values.reshape(math.prod(shape), self.shape[-1])
        return self._from([sum(row, arb(0)) for row in rows.tolist()], shape)

    def rows(self, index: NDArray[np.int64]) -> Self:
        """Return some rows, in the full shape."""
        return type(self)(self.values[index])

    def reshape(self, shape: tuple[int, ...]) -> Self:
        """Return the numbers in another shape."""
        return type(self)(self.values.reshape(shape))

    def at(self, columns: NDArray[np.int64]) -> Self:
        """Return the elements (i, columns[i, k]), shape of `columns`: (n, k)."""
        return type(self)(np.take_along_axis(self.values, columns, -1))

    def put(self, columns: NDArray[np.int64], values: Self | float) -> None:
        """Overwrite the elements (i, columns[i, k]) by values of shape (n, k)."""
        np.put_along_axis(self.values, columns, self._lift(values), -1)

    def spread(self, shape: tuple[int, ...]) -> Self:
        """Return a copy, broadcast to a shape."""
        return type(self)(np.broadcast_to(self.values, shape).copy())

    def where(self, mask: NDArray[np.bool_], other: Self | float) -> Self:
        """Return this where the mask is true, else the other; all broadcast."""
        return type(self)(np.where(mask, self.values, self._lift(other)))

    def clip(self, low: float, high: float) -> Self:
        """Return min(max(x, low), high)."""
        least, most = arb(low), arb(high)
        return self._map(lambda x: x.max(least).min(most))

    def inside(self, low: float, high: float) -> Self:
        """Return 1 where low < x < high, 0 where x < low or x > high, and [0, 1] at the limits or where unsure."""
        least, most = arb(low), arb(high)

        def indicator(x: arb) -> arb:
            if least < x and x < most:
                return arb(1)
            return arb(0) if x < least or x > most else arb(0.5, 0.5)

        return self._map(indicator)

    def hull(self, other: Self) -> Self:
        """Return the smallest enclosures that hold both."""
        pairs = zip(self.values.ravel().tolist(), other.values.ravel().tolist(), strict=True)
        return self._from([a.union(b) for a, b in pairs], self.shape)

    def enclosure(self) -> tuple[Floats, Floats, Floats]:
        """Return float64 arrays high, low, radius; the radius is inf where nothing finite is known."""
        triples = np.array([_triple(x) for x in self.values.ravel().tolist()], np.float64).reshape(-1, 3)
        high, low, radius = (triples[:, i].reshape(self.shape) for i in range(3))
        return high, low, radius


def _triple(x: arb) -> tuple[float, float, float]:
    """Return float64 high, low, radius of one ball; (0, 0, inf) if it is not finite or beyond float64."""
    high = float(x) if x.is_finite() else math.inf
    if not math.isfinite(high):
        return 0.0, 0.0, math.inf
    rest = x - high
    low = float(rest)
    return high, low, upward(abs(rest - low))


def upward(x: arb) -> float:
    """Return a float64 that is certainly at least as large as every number in the ball; inf for nan."""
    bound = float(x.upper())
    while not arb(bound) >= x:
        if math.isnan(bound) or bound == math.inf:
            return math.inf
        bound = math.nextafter(bound, math.inf)
    return bound
