"""Losses and gradients of a block of rows: the formulas of `plain`, in place and piece by piece.

A block is a few rows, or one long row that is worked on in pieces. s is summed in the working dtype, float64 for
float64 and else float32. What there is only one of in each row is done in float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference.blocks import Floats, Scratch, width
from xentcheck.reference.checks import Doubles

Classes = NDArray[np.intp]


class Sums(NamedTuple):
    """What the sums over a block's rows give; see `softmax.Softmax` for M and s, `plain` for T.

    Attributes
    ----------
    rows, top : ndarray of int, shape (n,)
        0, 1, ..., and the class where the maximum is.
    maximum, s : ndarray of float64, shape (n,)
        s is nan where M is not finite.
    T, gaps : ndarray of float64, shape (n,)
        The sum of t_j, and that of t_j (M - z_j); empty where there are no dense labels.
    """

    rows: Classes
    top: Classes
    maximum: Doubles
    s: Doubles
    T: Doubles
    gaps: Doubles


def exponentials(z: Floats, e: Floats, t: NDArray[Any] | None = None, scratch: Scratch | None = None) -> Sums:
    """Write exp(z - M) to `e`, but 0 at the top class, and return the sums.

    Parameters
    ----------
    z : ndarray, shape (n, m)
        C-contiguous, in the working dtype. More than one row only if the rows fit into a block.
    e : ndarray of the dtype of `z`, shape (n, m)
        Or less wide, if only the sums are wanted.
    t : ndarray, shape (n, m), optional
        Dense labels.
    """
    n, m = z.shape
    rows, top = np.arange(n), z.argmax(axis=1)
    maximum = z[rows, top]
    exact = maximum.astype(np.float64, copy=False)
    s = 0.0 * exact  # nan where M is not finite, even if m = 1 leaves nothing to sum
    T, gaps = (_NONE, _NONE) if t is None else (np.zeros(n), np.zeros(n))
    shift, step = maximum[:, np.newaxis], width(z.dtype)
    for first in range(0, m, step):
        piece = z[:, first : first + step] if m > step else z
        size = piece.shape[1]
        part = e if e.shape[1] == size else e[:, first : first + size] if e.shape[1] == m else e[:, :size]
        np.subtract(piece, shift, out=part)
        if t is not None and scratch is not None:
            weights = t[:, first : first + size].astype(z.dtype, order="C", copy=False)
            gaps -= np.add.reduce(np.multiply(weights, part, out=scratch("products", part.shape, z.dtype)), axis=1)
            T += np.add.reduce(weights, axis=1)
        np.exp(part, out=part)
        if size == m:
            part[rows, top] = 0.0
        elif 0 <= top[0] - first < size:
            part[0, top[0] - first] = 0.0
        s = s + np.add.reduce(part, axis=1)
    return Sums(rows, top, exact, s, T, gaps)


def label_losses(z: Floats, y: Classes, sums: Sums) -> Doubles:
    """Return the losses log1p(s) + (M - z_y)."""
    losses: Doubles = np.log1p(sums.s) + (sums.maximum - z[sums.rows, y])
    return losses


def label_gradients(e: Floats, y: Classes, factors: Doubles, sums: Sums) -> None:
    """Turn exponentials into p_j - [j = y], times a factor for each row or for all, in place."""
    scale = factors / (1.0 + sums.s)
    # -s at the top class, where e is 0 as yet, and e_y - S elsewhere.
    at_label = (e[sums.rows, y] - sums.s - (y != sums.top)) * scale
    e[sums.rows, sums.top] = 1.0
    _scale(e, scale)
    e[sums.rows, y] = at_label


def dense_gradients(e: Floats, t: NDArray[Any], factors: Doubles, sums: Sums, scratch: Scratch) -> None:
    """Turn exponentials into T p_j - t_j, times a factor for each row or for all, in place."""
    scale = sums.T * factors / (1.0 + sums.s)
    e[sums.rows, sums.top] = 1.0
    _scale(e, scale)
    column, step = factors.astype(e.dtype)[..., np.newaxis], width(e.dtype)
    for first in range(0, e.shape[1], step):
        part = e[:, first : first + step]
        weights = t[:, first : first + step].astype(e.dtype, order="C", copy=False)
        part -= np.multiply(weights, column, out=scratch("products", part.shape, e.dtype))


def _scale(e: Floats, scale: Doubles) -> None:
    np.multiply(e, scale.astype(e.dtype)[:, np.newaxis], out=e)


_NONE = np.empty(0)
