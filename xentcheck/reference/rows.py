"""Losses and gradients of a block of rows: the formulas of `plain`, in place.

The exponentials are in the working dtype, float64 for float64 and else float32. What there is only one of in each row
is done in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference.blocks import Floats
from xentcheck.reference.checks import Doubles

Classes = NDArray[np.intp]

RUN = 1024
"""Elements of a row that are summed in the working dtype; the sums of these runs are added in float64."""


def subtract_maximum(z: Floats, d: Floats) -> tuple[Classes, Classes | int, Floats]:
    """Write z - M to `d`, where M is the maximum of each row.

    Parameters
    ----------
    z, d : ndarray, shape (n, m)
        C-contiguous, in the working dtype.

    Returns
    -------
    at : ndarray of int, shape (n,)
        Where the maximum is, counted in elements of the block.
    first : ndarray of int, shape (n,), or int
        Where the rows begin, counted so: class y of each is at `first + y`.
    maximum : ndarray of the working dtype, shape (n,)
    """
    n, m = z.shape
    at = z.argmax(axis=1)
    if n == 1:
        maximum = z.take(at)
        np.subtract(z, maximum, out=d)
        return at, 0, maximum
    first = np.arange(0, n * m, m)
    at += first
    maximum = z.take(at)
    np.subtract(z, maximum[:, np.newaxis], out=d)
    return at, first, maximum


def exponentiate(d: Floats, at: Classes, maximum: Floats, *, kept: bool = True) -> Doubles:
    """Turn z - M into exp(z - M), in place, and return s: their sum without that of the top class, which is at `at`.

    s is nan where M is not finite. Unless they are kept, the exponentials of the top classes are left at 0.
    """
    np.exp(d, out=d)
    flat = d.reshape(-1)
    flat[at] = maximum - maximum  # 0, or nan where M is not finite
    s = row_sums(d)
    if kept:
        flat[at] = 1.0
    return s


def row_sums(values: Floats, weights: Floats | None = None) -> Doubles:
    """Return the sum of each row, times weights if there are any, in float64."""
    if values.shape[1] < RUN:
        return _run(values, weights)
    runs = run_sums(values, weights)
    sums: Doubles = runs[:, 0] if runs.shape[1] == 1 else np.add.reduce(runs, axis=1)
    return sums


def _run(values: Floats, weights: Floats | None) -> Doubles:
    """Return the sums of rows that are one run each, shape (n,)."""
    sums: Doubles = np.einsum("ij->i", values) if weights is None else np.einsum("ij,ij->i", values, weights)
    return sums.astype(np.float64, copy=False)


def run_sums(values: Floats, weights: Floats | None = None) -> Doubles:
    """Return the sums of the runs of each row, shape (n, runs), in float64.

    einsum adds the numbers of a run in the same order wherever the row is, and much faster than add.reduce.
    """
    n, m = values.shape
    whole = m - m % RUN
    if whole == 0:
        return _run(values, weights)[:, np.newaxis]
    given = (values,) if weights is None else (values, weights)
    sums: Doubles
    runs = [array[:, :whole].reshape(n, -1, RUN) for array in given]
    sums = np.einsum("ijk->ij" if weights is None else "ijk,ijk->ij", *runs).astype(np.float64, copy=False)
    if whole == m:
        return sums
    return np.concatenate((sums, run_sums(*(array[:, whole:] for array in given))), axis=1)


def label_losses(s: Doubles, d: Doubles, losses: Doubles) -> None:
    """Fill losses with log1p(s) - d, for rows whose labels are at d = z_y - M: two terms that are not negative."""
    np.log1p(s, out=losses)
    losses -= d


def label_gradients(s: Doubles, d: Doubles, scale: Doubles) -> Doubles:
    """Return p_y - 1 = (exp(d) - (1 + s)) / S = (expm1(d) - s) / S, times a factor: two terms that are not positive.

    Parameters
    ----------
    d : ndarray of float64, shape (n,)
        Overwritten.
    scale : ndarray of float64, shape (n,)
        Factors over S.
    """
    slopes: Doubles = np.expm1(d, out=d)
    slopes -= s
    slopes *= scale
    return slopes


def multiply_rows(rows: Floats, factors: Doubles) -> None:
    """Multiply each row by its factor, or all by one, in place."""
    if factors.ndim > 0 or factors != 1.0:
        np.multiply(rows, factors.astype(rows.dtype, copy=False)[..., np.newaxis], out=rows)
