"""Where a family's numbers come from: bytes that Hypothesis drew and shrinks, or a seed.

A family is written once, as array arithmetic over a source of numbers. `Coded` turns each byte of a small
batch into one number of a palette whose simplest numbers come first, so that a byte that shrinks to 0
is a number that shrinks to something readable. `Seeded` makes a large batch of few numbers, which are then
what shrinks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.input_space import InputSpace
from xentcheck.truth.formats import FORMATS

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

WIDEST = 8
"""The most classes of a small batch."""
_ROW_CODES = 8
_ELEMENT_BLOCKS = 3
ROW_BYTES = _ROW_CODES + _ELEMENT_BLOCKS * WIDEST
"""The bytes from which one row of a small batch is made."""

_INTEGERS = (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8, -8, 9, -9, 10, -10)
_DECIMALS = (0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.7, -0.7, 0.25, -0.25)
_LONGER = (12, -12, 15, -20, 20, -30, 30, -50, 50, 90, -100, 100, 3.14, -2.72, 0.01, -0.01, 1e-3, -1e-3, 1e-5, -1e-5)


class Numbers(Protocol):
    """A source of numbers for n rows of m classes."""

    space: InputSpace
    n: int
    m: int

    def labels(self) -> Labels:
        """Return a class for each row, shape (n,)."""
        ...

    def pick(self, palette: Sequence[float], *, rows: bool = False) -> Floats:
        """Return members of a palette, simplest first: shape (n, m), or (n, 1) one for each row."""
        ...

    def between(self, low: float, high: float, *, rows: bool = False) -> Floats:
        """Return numbers in [low, high]: shape (n, m), or (n, 1) one for each row."""
        ...

    def normal(self) -> Floats:
        """Return numbers of moderate size and both signs, shape (n, m)."""
        ...


class Coded:
    """Numbers of a small batch, one byte each.

    Parameters
    ----------
    space : InputSpace
    m : int
        At most `WIDEST`.
    codes : ndarray of uint8, shape (n, ROW_BYTES)
        For each row its label, the codes of its row numbers and the blocks of codes of its elements. A column
        beyond m is not read, so that a class can be dropped without a change to the others.
    """

    def __init__(self, space: InputSpace, m: int, codes: NDArray[np.uint8]) -> None:
        self.space = space
        self.n, self.m = codes.shape[0], m
        self._codes = codes
        self._rows_read = 1
        self._blocks_read = 0

    def labels(self) -> Labels:
        """Return a class for each row, shape (n,); the code 0 is class 0."""
        return (self._codes[:, 0] % self.m).astype(np.int64)

    def pick(self, palette: Sequence[float], *, rows: bool = False) -> Floats:
        """Return members of a palette, the code 0 giving its first: shape (n, m) or (n, 1)."""
        numbers = np.asarray(palette, np.float64)
        return numbers[self._next(rows) % numbers.size]

    def between(self, low: float, high: float, *, rows: bool = False) -> Floats:
        """Return numbers of a grid on [low, high], those of few digits first: shape (n, m) or (n, 1)."""
        return self.pick(_grid(low, high), rows=rows)

    def normal(self) -> Floats:
        """Return readable numbers: integers, then short decimals, then special values of the dtype."""
        return self.pick(readable(self.space.dtype))

    def _next(self, rows: bool) -> NDArray[np.uint8]:
        if rows:
            column = 1 + (self._rows_read - 1) % (_ROW_CODES - 1)
            self._rows_read += 1
            return self._codes[:, column : column + 1]
        start = _ROW_CODES + WIDEST * (self._blocks_read % _ELEMENT_BLOCKS)
        self._blocks_read += 1
        return self._codes[:, start : start + self.m]


class Seeded:
    """Numbers of a large batch, of a seed and a scale.

    Parameters
    ----------
    space : InputSpace
    n, m : int
    seed : int
    scale : float
        The standard deviation of `normal`.
    """

    def __init__(self, space: InputSpace, n: int, m: int, seed: int, scale: float = 1.0) -> None:
        self.space = space
        self.n, self.m = n, m
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._scale = scale

    def labels(self) -> Labels:
        """Return a class for each row, shape (n,): anywhere, or all the last, the first or one class."""
        kind = self._random.integers(6)
        if kind > 2:
            return self._random.integers(0, self.m, self.n)
        one = (self.m - 1, 0, int(self._random.integers(self.m)))[kind]
        return np.full(self.n, one, np.int64)

    def pick(self, palette: Sequence[float], *, rows: bool = False) -> Floats:
        """Return members of a palette: shape (n, m) or (n, 1)."""
        numbers = np.asarray(palette, np.float64)
        return numbers[self._random.integers(0, numbers.size, self._shape(rows))]

    def between(self, low: float, high: float, *, rows: bool = False) -> Floats:
        """Return numbers uniform in [low, high): shape (n, m) or (n, 1)."""
        return low + (high - low) * self._random.random(self._shape(rows))

    def normal(self) -> Floats:
        """Return normal numbers of mean 0 and standard deviation `scale`, shape (n, m)."""
        return self._random.standard_normal((self.n, self.m)) * self._scale

    def _shape(self, rows: bool) -> tuple[int, int]:
        return (self.n, 1 if rows else self.m)


@lru_cache(maxsize=8)
def readable(dtype: str) -> tuple[float, ...]:
    """Return moderate numbers, simplest first: integers, decimals, then special values of a dtype."""
    format_ = FORMATS[dtype]
    u = format_.unit_roundoff
    special = (-0.0, 1 - u, 1 + 2 * u, -1 - 2 * u, 2 - 2 * u, u, -u / 2, format_.smallest_normal)
    tiny = (format_.smallest_subnormal, -format_.smallest_subnormal, 3 * format_.smallest_subnormal)
    return (*_INTEGERS, *_DECIMALS, *_LONGER, *special, *tiny)


@lru_cache(maxsize=256)
def _grid(low: float, high: float) -> tuple[float, ...]:
    """Return numbers from low to high, those of two digits first, then those of three, then the exact ends."""
    points = np.linspace(low, high, 24)[1:-1].tolist()
    short = [float(f"{value:.{digits}g}") for digits in (2, 3) for value in points]
    return tuple(dict.fromkeys([*(value for value in short if low <= value <= high), low, high]))
