"""The loss and the gradient of a batch, block by block: what the public functions of `sparse` and `onehot` share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference.blocks import Floats, Scratch, width
from xentcheck.reference.checks import Doubles
from xentcheck.reference.reductions import reduce_losses

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


class Part(NamedTuple):
    """Some rows of a batch, or all: the parameters are those of `Batch`."""

    z: NDArray[Any]
    labels: NDArray[Any]
    factors: Doubles
    losses: Doubles | None
    gradient: NDArray[Any] | None


class Batch(NamedTuple):
    """What is given, what is wanted, and where it goes.

    Parameters
    ----------
    z : ndarray, shape (n, m)
        As they were given.
    labels : ndarray, shape (n,) or (n, m)
    dtype : dtype
        That of the answer.
    reduction : {"none", "sum", "mean"}
    factors : ndarray of float64, shape () or (n,)
        What the rows of the gradient are multiplied by.
    losses : ndarray of float64, shape (n,), or None if they are not wanted
    gradient : ndarray, shape (n, m), in the dtype of the answer, or None if it is not wanted
    """

    z: NDArray[Any]
    labels: NDArray[Any]
    dtype: np.dtype[Any]
    reduction: str
    factors: Doubles
    losses: Doubles | None
    gradient: NDArray[Any] | None

    @property
    def working(self) -> np.dtype[Any]:
        """The dtype of the arithmetic: float64 for float64 and integers, else float32."""
        return DOUBLE if self.dtype == DOUBLE else SINGLE

    def loss(self) -> Any:
        """Return the reduced loss in the dtype of the answer."""
        assert self.losses is not None
        return reduce_losses(self.losses, self.reduction, self.dtype)

    def part(self, rows: slice) -> Part:
        """Return some of the rows, without copying."""
        return Part(
            self.z[rows],
            self.labels[rows],
            self.factors[rows] if self.factors.ndim else self.factors,
            None if self.losses is None else self.losses[rows],
            None if self.gradient is None else self.gradient[rows],
        )


def contiguous(rows: NDArray[Any], dtype: np.dtype[Any]) -> Floats:
    """Return rows as they are if they are C-contiguous and in that dtype, else such a copy."""
    return rows.astype(dtype, order="C", copy=False)


def buffer(z: Floats, target: NDArray[Any] | None, scratch: Scratch) -> Floats:
    """Return where the exponentials of rows z may be worked on: in the gradient itself if it can hold them.

    Where no gradient is wanted, it is no wider than a block.
    """
    n, m = z.shape
    if target is None:
        return scratch("exponentials", (n, min(m, width(z.dtype))), z.dtype)
    if target.dtype == z.dtype and target.flags.c_contiguous:
        return target
    return scratch("exponentials", (n, m), z.dtype)


def share(batch: Batch) -> int:
    """Return for how many elements a thread is worth while.

    Starting one takes about as long as 2**18 elements do. Where only the loss is wanted each thread brings a block of
    its own, which is to be small beside its share of the logits.
    """
    return 2**18 if batch.gradient is not None else 2**20


def at_rim(factors: Doubles, n: int, working: np.dtype[Any]) -> NDArray[np.intp]:
    """Return the rows, of n, whose factor is so large, or nan, that a factor times a sum might not be a number."""
    limit = 2.0**100 if working == SINGLE else 2.0**1000
    if abs(factors) <= limit if factors.ndim == 0 else (np.abs(factors) <= limit).all():
        return _NONE
    return np.flatnonzero(~(np.abs(np.broadcast_to(factors, n)) <= limit))


_NONE = np.empty(0, np.intp)
