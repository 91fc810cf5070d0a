"""The loss and the gradient of a batch, block by block: what the public functions of `sparse` and `onehot` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.blocks import Floats, Scratch, width
from xentcheck.reference.checks import Doubles
from xentcheck.reference.reductions import reduce_losses, row_factors

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


@dataclass(eq=False, slots=True)
class Batch:
    """Logits, and where the answers go.

    Parameters
    ----------
    z : ndarray, shape (n, m)
        As they were given.
    losses : ndarray of float64, shape (n,)
    gradient : ndarray, shape (n, m), in the dtype of the answer; or None if it is not wanted
    factors : ndarray of float64, shape () or (n,)
        What the rows of the gradient are multiplied by.
    dtype : dtype
        That of the answer.
    reduction : {"none", "sum", "mean"}
    """

    z: NDArray[Any]
    losses: Doubles
    gradient: NDArray[Any] | None
    factors: Doubles
    dtype: np.dtype[Any]
    reduction: str

    @classmethod
    def loss_only(cls, z: NDArray[Any], dtype: np.dtype[Any], reduction: str) -> Self:
        """Return a batch whose gradient is not wanted."""
        return cls(z, np.empty(len(z)), None, row_factors(reduction, None, len(z)), dtype, reduction)

    @classmethod
    def with_gradient(
        cls,
        z: NDArray[Any],
        labels: NDArray[Any],
        dtype: np.dtype[Any],
        reduction: str,
        upstream: ArrayLike | None,
        out: NDArray[Any] | None,
    ) -> Self:
        """Return a batch whose gradient is wanted, in `out` or in a new array."""
        factors = row_factors(reduction, upstream, len(z))
        gradient = checks.output(out, z.shape, dtype, z, labels)
        return cls(z, np.empty(len(z)), gradient, factors, dtype, reduction)

    @property
    def working(self) -> np.dtype[Any]:
        """The dtype of the arithmetic: float64 for float64 and integers, else float32."""
        return DOUBLE if self.dtype == DOUBLE else SINGLE

    def loss(self) -> Any:
        """Return the reduced loss in the dtype of the answer."""
        return reduce_losses(self.losses, self.reduction, self.dtype)

    def piece(self, rows: slice, dtype: np.dtype[Any]) -> Floats:
        """Return the logits of some rows, C-contiguous, in the dtype of the arithmetic."""
        return contiguous(self.z[rows], dtype)

    def factors_of(self, rows: slice) -> Doubles:
        """Return the factors of some rows, one or one for each."""
        return self.factors[rows] if self.factors.ndim else self.factors

    def target(self, rows: slice) -> NDArray[Any] | None:
        """Return where the gradient of some rows goes."""
        return None if self.gradient is None else self.gradient[rows]


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


def at_rim(factors: Doubles, n: int, working: np.dtype[Any]) -> NDArray[np.intp]:
    """Return the rows, of n, whose factor is so large, or nan, that a factor times a sum might not be a number."""
    limit = 2.0**100 if working == SINGLE else 2.0**1000
    if factors.ndim == 0 and abs(factors) <= limit:
        return _NONE
    return np.flatnonzero(~(np.abs(np.broadcast_to(factors, n)) <= limit))


_NONE = np.empty(0, np.intp)
