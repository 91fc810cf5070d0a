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

from xentcheck.reference.blocks import Scratch, share
from xentcheck.reference.checks import Doubles
from xentcheck.reference.cut import classes, pieces, strips
from xentcheck.reference.part import Part, contiguous, store
from xentcheck.reference.rows import multiply_rows, run_sums


class Survey(NamedTuple):
    """What is known of a long row once all its pieces were read.

    Attributes
    ----------
    maximum, s : ndarray of float64, shape (1,)
        See `softmax.Softmax`.
    T, gaps : ndarray of float64, shape (1,)
        The sum of t_j, and that of t_j (M - z_j); 0 if there are no dense labels.
    maxima, shares : ndarray of float64, shape (pieces,)
        M_k and exp(M_k - M).
    """

    maximum: Doubles
    s: Doubles
    T: Doubles
    gaps: Doubles
    maxima: Doubles
    shares: Doubles


def survey(row: Part, working: np.dtype[Any], threads: int, t: NDArray[Any] | None = None) -> Survey:
    """Read a row. If its gradient can hold the exponentials of the pieces, they are left there.

    Parameters
    ----------
    row : Part
        With n = 1.
    t : ndarray, shape (1, m), optional
        Dense labels, if they are to be summed.
    """
    m = row.z.shape[1]
    count = pieces(m)
    maxima, s, T, gaps = np.zeros((4, count))
    target = row.gradient if row.held(working) else None

    def read(k: int, scratch: Scratch) -> None:
        z = contiguous(row.z[:, classes(k)], working)
        top = int(z.argmax())
        maximum = z[:, top]
        sums: list[list[Doubles]] = [[], [], []]
        for strip in strips(z.shape[1], target is not None):
            part = z[:, strip]
            d = scratch(part.shape, working) if target is None else target[:, classes(k)]
            np.subtract(part, maximum, out=d)
            if t is not None:
                weights = contiguous(t[:, classes(k)][:, strip], working)
                sums[1].append(run_sums(weights))
                sums[2].append(run_sums(d, weights))
            np.exp(d, out=d)
            here = strip.start <= top < strip.stop
            if here:
                d[0, top - strip.start] -= 1.0  # to 0, or nan where M_k is not finite
            sums[0].append(run_sums(d))
            if here:
                d[0, top - strip.start] = 1.0
        maxima[k], s[k] = maximum[0], _total(sums[0])
        if t is not None:
            T[k], gaps[k] = _total(sums[1]), -_total(sums[2])
        if maxima[k] == -np.inf:  # which leaves nothing, unless it is so in all pieces
            s[k], gaps[k] = 0.0, np.inf if T[k] > 0 else 0.0
            if target is not None:
                target[:, classes(k)] = 0.0

    share(read, count, threads, m)
    first = maxima.argmax()
    maximum = maxima[first : first + 1]
    shares = np.exp(maxima - maximum)
    sums = (1.0 + s) * shares
    sums[first] = s[first] + 0.0 * maximum[0]
    gaps += np.where(T == 0, 0.0, T * (maximum - maxima))
    total, weight, gap = (terms.sum(keepdims=True) for terms in (sums, T, gaps))
    return Survey(maximum, total, weight, gap, maxima, shares)


def write_gradient(
    row: Part, seen: Survey, scale: Doubles, working: np.dtype[Any], threads: int, t: NDArray[Any] | None = None
) -> None:
    """Write exp(z - M), times a scale; if t is given, less t and times the row's factor.

    Parameters
    ----------
    scale : ndarray of float64, shape (1,)
    """
    assert row.gradient is not None
    target, held = row.gradient, row.held(working)
    scales = seen.shares * scale

    def write(k: int, scratch: Scratch) -> None:
        wanted = target[:, classes(k)]
        for strip in strips(wanted.shape[1], held):
            e = wanted[:, strip]
            if not held:  # the exponentials are not there any more
                e = scratch(e.shape, working)
                np.subtract(contiguous(row.z[:, classes(k)][:, strip], working), working.type(seen.maxima[k]), out=e)
                np.exp(e, out=e)
                if seen.maxima[k] == -np.inf:
                    e[...] = 0.0
            multiply_rows(e, scales[k : k + 1])
            if t is not None:
                e -= contiguous(t[:, classes(k)][:, strip], working)
                multiply_rows(e, row.factors)
            if not held:
                store(e, wanted[:, strip])

    share(write, len(scales), threads, row.z.shape[1])


def _total(sums: list[Doubles]) -> float:
    return float(np.add.reduce(np.concatenate(sums, axis=1), axis=1)[0])
