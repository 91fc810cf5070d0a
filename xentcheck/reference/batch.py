"""A batch: what is given, what is wanted, and how it is cut into parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.blocks import Floats, Scratch, share, workers
from xentcheck.reference.checks import Doubles
from xentcheck.reference.reductions import ONE, reduce_losses, row_factors

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)

BLOCK = 2**21
"""Bytes of logits in a block, in the dtype in which they are worked on: they and their gradient stay in cache.

Threads wait for one another between any two calls of numpy, so that it should not be much less.
"""
LEAST = 2**20
"""Bytes of logits, in that dtype, for which a thread is worth while."""
ROW = 32
"""Elements that count for what is done once a row, and for the numbers that there are one of in each."""
STRIP = 2**16
"""Elements that are worked on at a time where the gradient does not hold them; longer rows go piece by piece there.

All threads together may keep more of them, up to a sixteenth of the logits' bytes.
"""
ALONE = 16 * STRIP
"""Elements for which a thread is worth while where only the loss is wanted: its strip is to be small beside them."""
PIECE = 2**18
"""Classes of a long row that are worked on at a time; shorter ones are worked on whole. Answers depend on it."""


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
    """

    z: NDArray[Any]
    labels: NDArray[Any]
    factors: Doubles
    losses: Doubles | None
    gradient: NDArray[Any] | None

    def rows(self, chosen: slice) -> Part:
        """Return some of the rows, without copying."""
        return Part(
            self.z[chosen],
            self.labels[chosen],
            self.factors[chosen] if self.factors.ndim else self.factors,
            None if self.losses is None else self.losses[chosen],
            None if self.gradient is None else self.gradient[chosen],
        )

    def held(self, working: np.dtype[Any]) -> bool:
        """Whether the gradient can hold what is worked on."""
        return self.gradient is not None and self.gradient.dtype == working and self.gradient.flags.c_contiguous

    def buffer(self, working: np.dtype[Any], scratch: Scratch) -> Floats:
        """Return where to work on these rows: the gradient itself if it can hold them."""
        if self.held(working):
            assert self.gradient is not None
            return self.gradient
        return scratch("exponentials", self.z.shape, working)

    def keep(self, gradient: Floats) -> None:
        """Round the gradient to where it is wanted, if it is not there yet."""
        if self.gradient is not None and gradient is not self.gradient:
            store(gradient, self.gradient)


Short = Callable[[Part, Scratch], None]
Long = Callable[[Part, int], None]


class Form(NamedTuple):
    """A form of labels.

    Parameters
    ----------
    check : callable (labels, n, m) -> ndarray
        Returns what is accepted.
    evaluate : callable (Part, dtype, threads) -> None
        Fills losses and gradient as far as they are wanted; the dtype is that of the arithmetic.
    """

    check: Callable[[ArrayLike, int, int], NDArray[Any]]
    evaluate: Callable[[Part, np.dtype[Any], int | None], None]


def answer(
    form: Form,
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str,
    threads: int | None,
    *,
    loss: bool,
    gradient: bool = True,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
) -> tuple[Any, Any]:
    """Return the reduced loss and the gradient in the dtype of the answer, or None for what is not wanted.

    The parameters are those of the public functions.
    """
    z, dtype = checks.real_rows(logits)
    n, m = z.shape
    accepted = form.check(labels, n, m)
    with np.errstate(all="ignore"):
        factors = row_factors(reduction, upstream, n) if gradient else ONE
        written = checks.output(out, z.shape, dtype, z, accepted) if gradient else None
        part = Part(z, accepted, factors, np.empty(n) if loss else None, written)
        form.evaluate(part, DOUBLE if dtype == DOUBLE else SINGLE, threads)
        return None if part.losses is None else reduce_losses(part.losses, reduction, dtype), written


def each_part(whole: Part, working: np.dtype[Any], threads: int | None, short: Short, long: Long) -> None:
    """Call `short` with blocks of rows, or `long` with each row if they are too long for that.

    The latter is told how many threads to use.
    """
    if whole.z.shape[1] > (PIECE if whole.held(working) else STRIP):
        _each_row(whole, working, threads, long)
    else:
        _each_block(whole, working, threads, short)


def _each_row(whole: Part, working: np.dtype[Any], threads: int | None, long: Long) -> None:
    n, m = whole.z.shape
    least = ALONE if whole.gradient is None else LEAST // working.itemsize
    if pieces(m) >= (2 if n < 4 else 8):
        count = workers(threads, pieces(m), m // least)
        for i in range(n):
            long(whole.rows(slice(i, i + 1)), count)
        return
    count = workers(threads, n, n * m // least)
    share(lambda i, _: long(whole.rows(slice(i, i + 1)), 1), n, count, m)


def _each_block(whole: Part, working: np.dtype[Any], threads: int | None, short: Short) -> None:
    n, m = whole.z.shape
    counted = n * (m + ROW)
    count = workers(threads, n, n * m // ALONE if whole.gradient is None else counted * working.itemsize // LEAST)
    size = BLOCK // working.itemsize
    if whole.held(working):
        tasks = min(n, round(counted / size))
    else:
        copies = 1 if whole.z.dtype == working else 2
        size = min(size, max(STRIP, whole.z.nbytes // (16 * count * copies * working.itemsize)))
        tasks = -(-n // max(1, size // m))
    tasks = max(count, tasks)
    if tasks == 1:
        share(lambda _, scratch: short(whole, scratch), min(n, 1), 1, m)
        return
    rows = -(-n // tasks)
    share(lambda k, scratch: short(whole.rows(slice(k * rows, (k + 1) * rows)), scratch), -(-n // rows), count, m)


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


def pieces(m: int) -> int:
    """Return into how many pieces a row of m classes is cut."""
    return -(-m // PIECE)


def classes(k: int) -> slice:
    """Return the classes of piece k."""
    return slice(k * PIECE, (k + 1) * PIECE)


def strips(width: int, held: bool) -> list[slice]:
    """Return how a piece is cut: into strips, or not at all where the gradient holds what is worked on."""
    return [slice(0, width)] if held else [slice(first, first + STRIP) for first in range(0, width, STRIP)]


def contiguous(rows: NDArray[Any], dtype: np.dtype[Any]) -> Floats:
    """Return rows as they are if they are C-contiguous and in that dtype, else such a copy."""
    return rows.astype(dtype, order="C", copy=False)


def at_rim(factors: Doubles, n: int, working: np.dtype[Any]) -> NDArray[np.intp]:
    """Return the rows, of n, whose factor is so large, or nan, that a factor times a sum might not be a number."""
    limit = 2.0**100 if working == SINGLE else 2.0**1000
    if abs(factors) <= limit if factors.ndim == 0 else (np.abs(factors) <= limit).all():
        return NONE
    return np.flatnonzero(~(np.abs(np.broadcast_to(factors, n)) <= limit))


NONE = np.empty(0, np.intp)
