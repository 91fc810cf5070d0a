"""One row of many classes, piece by piece.

Each piece has a maximum M_k and a sum s_k of its own, as if it were a row. With M the largest of them,

    s = s_top + sum over the others of (1 + s_k) exp(M_k - M)        p_j = exp(z_j - M_k) exp(M_k - M) / S

so that the logits are read only once. This is the online normalizer of Milakov and Gimelshein, "Online normalizer
calculation for softmax" (2018), in the form that keeps the digits of a small s.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference.batch import Part, classes, contiguous, pieces
from xentcheck.reference.blocks import Floats, Scratch, share
from xentcheck.reference.checks import Doubles
from xentcheck.reference.rows import exponentiate, multiply_rows, row_sums, subtract_maximum

MINUS_INFINITY = -np.inf


class Survey(NamedTuple):
    """What is known of a long row once all its pieces were read; arrays have shape (1,) if not stated otherwise.

    Attributes
    ----------
    maximum, s : ndarray of float64
        See `softmax.Softmax`.
    T, gaps : ndarray of float64
        The sum of t_j, and that of t_j (M - z_j); 0 if there are no dense labels.
    shares : ndarray of float64, shape (pieces,)
        exp(M_k - M).
    """

    maximum: Doubles
    s: Doubles
    T: Doubles
    gaps: Doubles
    shares: Doubles


def survey(row: Part, t: NDArray[Any] | None, working: np.dtype[Any], threads: int) -> Survey:
    """Read a row. If its gradient can hold the exponentials of the pieces, they are left there.

    Parameters
    ----------
    row : Part
        With n = 1.
    t : ndarray, shape (1, m), or None
        Dense labels, if they are to be summed.
    """
    m = row.z.shape[1]
    count = pieces(m)
    maxima, s, T, gaps = np.zeros((4, count))
    target = row.gradient if row.held(working) else None

    def read(k: int, scratch: Scratch) -> None:
        z = contiguous(row.z[:, classes(k)], working)
        d = scratch("exponentials", z.shape, working) if target is None else target[:, classes(k)]
        top = subtract_maximum(z, d)
        maxima[k] = top.maximum[0]
        if t is not None:
            weights = contiguous(t[:, classes(k)], working)
            T[k] = row_sums(weights)[0]
            gaps[k] = -row_sums(d, weights)[0]
        s[k] = exponentiate(d, top)[0]
        if maxima[k] == MINUS_INFINITY:
            d[...] = s[k] = 0.0
            gaps[k] = np.inf if T[k] > 0 else 0.0

    share(read, count, threads, m)
    first = maxima.argmax()
    maximum = maxima[first : first + 1]
    shares = np.exp(maxima - maximum)
    sums = (1.0 + s) * shares
    sums[first] = s[first]
    below = np.where(T == 0, 0.0, T * (maximum - maxima))
    return Survey(maximum, sums.sum(keepdims=True), T.sum(keepdims=True), (gaps + below).sum(keepdims=True), shares)


def write_gradient(
    row: Part, scales: Doubles, working: np.dtype[Any], threads: int, t: NDArray[Any] | None = None
) -> None:
    """Write the exponentials of the pieces, times a scale for each; if t is given, less t and times the row's factor.

    Parameters
    ----------
    scales : ndarray of float64, shape (pieces,)
    """
    assert row.gradient is not None
    target, held = row.gradient, row.held(working)

    def write(k: int, scratch: Scratch) -> None:
        wanted = target[:, classes(k)]
        e = wanted if held else _again(contiguous(row.z[:, classes(k)], working), scratch)
        multiply_rows(e, scales[k : k + 1])
        if t is not None:
            e -= contiguous(t[:, classes(k)], working)
            multiply_rows(e, row.factors)
        if not held:
            wanted[...] = e

    share(write, len(scales), threads, row.z.shape[1])


def _again(z: Floats, scratch: Scratch) -> Floats:
    """Return the exponentials of a piece that the gradient could not hold."""
    e = scratch("exponentials", z.shape, z.dtype)
    if subtract_maximum(z, e).maximum[0] == MINUS_INFINITY:
        e[...] = 0.0
    else:
        np.exp(e, out=e)
    return e
