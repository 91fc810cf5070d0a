"""What the definition asks of an arithmetic: arrays of real numbers, each known up to a rigorous error.

The formulas of `definition` are written once, for this interface. `Ball` is the fast arithmetic (double-double in
numpy), `ArbArray` the slow one of any precision (python-flint); they share no rounding and check one another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Real(ABC):
    """An array of enclosed real numbers. Operands may also be float64 arrays or floats, which count as exact."""

    __array_ufunc__ = None  # so that an array on the left of an operator leaves the operation to this class

    @classmethod
    @abstractmethod
    def exact(cls, values: Any) -> Self:
        """Return the numbers of a float64 array, without error."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""

    @abstractmethod
    def __neg__(self) -> Self: ...

    @abstractmethod
    def __add__(self, other: Self | Floats | float) -> Self: ...

    @abstractmethod
    def __mul__(self, other: Self | Floats | float) -> Self: ...

    @abstractmethod
    def reciprocal(self) -> Self:
        """Return one over each number."""

    @abstractmethod
    def exp(self) -> Self:
        """Return e to the power of each number."""

    @abstractmethod
    def log(self) -> Self:
        """Return the natural logarithm; of 0 or less it is not finite."""

    @abstractmethod
    def log1p(self) -> Self:
        """Return log(1 + x), accurate relative to itself; of -1 or less it is not finite."""

    @abstractmethod
    def tanh(self) -> Self:
        """Return the hyperbolic tangent, accurate relative to itself."""

    @abstractmethod
    def sum(self) -> Self:
        """Return the sums along the last axis, which is kept with length 1."""

    @abstractmethod
    def rows(self, index: NDArray[np.int64]) -> Self:
        """Return some rows, in the full shape."""

    @abstractmethod
    def reshape(self, shape: tuple[int, ...]) -> Self:
        """Return the numbers in another shape."""

    @abstractmethod
    def at(self, columns: NDArray[np.int64]) -> Self:
        """Return the elements (i, columns[i, k]), shape of `columns`: (n, k)."""

    @abstractmethod
    def put(self, columns: NDArray[np.int64], values: Self | float) -> None:
        """Overwrite the elements (i, columns[i, k]) by values of shape (n, k)."""

    @abstractmethod
    def spread(self, shape: tuple[int, ...]) -> Self:
        """Return a copy, broadcast to a shape."""

    @abstractmethod
    def where(self, mask: NDArray[np.bool_], other: Self | float) -> Self:
        """Return this where the mask is true, else the other; all broadcast."""

    @abstractmethod
    def clip(self, low: float, high: float) -> Self:
        """Return min(max(x, low), high)."""

    @abstractmethod
    def inside(self, low: float, high: float) -> Self:
        """Return 1 where low < x < high, 0 where x < low or x > high, and [0, 1] at the limits or where unsure."""

    @abstractmethod
    def hull(self, other: Self) -> Self:
        """Return the smallest enclosures that hold both."""

    @abstractmethod
    def enclosure(self) -> tuple[Floats, Floats, Floats]:
        """Return float64 arrays high, low, radius; the radius is inf where nothing finite is known."""

    def __sub__(self, other: Self | Floats | float) -> Self:
        return self + -other

    def __rsub__(self, other: Floats | float) -> Self:
        return -self + other

    def __rmul__(self, other: Floats | float) -> Self:
        return self * other

    def __truediv__(self, other: Self) -> Self:
        return self * other.reciprocal()
