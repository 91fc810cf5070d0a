"""Some rows of a batch: what is given, and where to put what is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference.blocks import Floats, Scratch
from xentcheck.reference.checks import Doubles

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
NONE = np.empty(0, np.intp)


class Part(NamedTuple):
    """Some rows of a batch, or all.

    Parameters
    ----------
    z : ndarray, shape (n, m)
    labels : ndarray, shape (n,) or (n, m)
    factors : ndarray of float64, shape () or (n,)
        What the rows of the gradient are multiplied by.
    losses : ndarray of float64, shape (n,), or None if they are not wanted
    gradient : ndarray, shape (n, m), in the dtype of the answer, or None if it is not wanted
    sums : ndarray of float64, or None
        In place of losses: their sums by groups of rows, see `cut.GROUP`.
    kernel : callable or None
        What works on rows in one class instead of numpy, see `compiled`. Then z has the dtype that is worked in.
    """

    z: NDArray[Any]
    labels: NDArray[Any]
    factors: Doubles
    losses: Doubles | None
    gradient: NDArray[Any] | None
    sums: Doubles | None = None
    kernel: Callable[..., None] | None = None

    def rows(self, chosen: slice) -> Part:
        """Return some of the rows, without copying."""
        return self._replace(
            z=self.z[chosen],
            labels=self.labels[chosen],
            factors=self.factors[chosen] if self.factors.ndim else self.factors,
            losses=None if self.losses is None else self.losses[chosen],
            gradient=None if self.gradient is None else self.gradient[chosen],
        )

    def read_straight(self, working: np.dtype[Any]) -> bool:
        """Whether the logits are read where they are, and not from a copy."""
        return self.z.dtype == working and self.z.flags.c_contiguous and self.z.flags.aligned

    def held(self, working: np.dtype[Any]) -> bool:
        """Whether the gradient can hold what is worked on."""
        return self.gradient is not None and self.gradient.dtype == working and self.gradient.flags.carray

    def streamed(self) -> bool:
        """Whether a kernel works on all rows in one class, and needs no memory for it."""
        in_place = self.gradient is None or self.held(self.z.dtype)
        return self.kernel is not None and self.read_straight(self.z.dtype) and in_place

    def buffer(self, working: np.dtype[Any], scratch: Scratch) -> Floats:
        """Return where to work on these rows: the gradient itself if it can hold them."""
        if self.gradient is not None and self.held(working):
            return self.gradient
        return scratch(self.z.shape, working)

    def keep(self, gradient: Floats) -> None:
        """Round the gradient to where it is wanted, if it is not there yet."""
        if self.gradient is not None and gradient is not self.gradient:
            store(gradient, self.gradient)


def store(values: Floats, target: NDArray[Any]) -> None:
    """Round values to the dtype of a target; those for float16 are altered.

    numpy signals each inexact subnormal of float16, which takes ten times as long as all the rest. So they are made
    exact before: multiples of 2**-24, which is the ulp of 0.75 in float32 and that of float16 below 2**-13.
    """
    if target.dtype == np.float16:
        shift = values.dtype.type(0.75 if values.dtype == SINGLE else 0.75 * 2.0**29)
        small = np.abs(values) < 2.0**-13
        rounded = values + shift
        rounded -= shift
        np.copyto(values, rounded, where=small)
    target[...] = values


def contiguous(rows: NDArray[Any], dtype: np.dtype[Any]) -> Floats:
    """Return rows as they are if they are C-contiguous, aligned and in that dtype, else such a copy."""
    return rows.astype(dtype, order="C", copy=not rows.flags.aligned)


def at_rim(factors: Doubles, n: int, working: np.dtype[Any]) -> NDArray[np.intp]:
    """Return the rows, of n, whose factor is so large, or nan, that a factor times a sum might not be a number."""
    limit = 2.0**100 if working == SINGLE else 2.0**1000
    if abs(factors) <= limit if factors.ndim == 0 else (np.abs(factors) <= limit).all():
        return NONE
    return np.flatnonzero(~(np.abs(np.broadcast_to(factors, n)) <= limit))
