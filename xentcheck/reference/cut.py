"""How a batch is cut: into blocks of rows, and long rows into pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xentcheck.reference.blocks import Scratch, share, workers
from xentcheck.reference.part import Part

BLOCK = 2**21
"""Bytes of logits in a block, in the dtype in which they are worked on: they and their gradient stay in cache.

Threads wait for one another between any two calls of numpy, so that it should not be much less.
"""
LEAST = 2**20
"""Bytes of logits, in that dtype, for which a thread is worth while."""
ROW = 32
"""Elements that count for what is done once a row."""
KEPT = 48
"""Bytes of the numbers that there are one of in each row of a block."""
HIGH = 2**13
"""Rows that all threads together work on at a time; more, while KEPT then is below a sixteenth of the logits' bytes."""
STRIP = 2**16
"""Elements that are worked on at a time where the gradient does not hold them; longer rows go piece by piece there.

All threads together may keep more of them, up to a sixteenth of the logits' bytes.
"""
ALONE = 16 * STRIP
"""Elements for which a thread is worth while where only the loss is wanted: its strip is to be small beside them."""
PIECE = 2**18
"""Classes of a long row that are worked on at a time; shorter ones are worked on whole. Answers depend on it."""
FEW = 2**7
"""Classes up to which a loss for each row would be a large part of the logits' bytes."""
WHOLE = 2**15
"""Elements, those of ROW included, up to which a batch is one block for one thread however it is cut."""
GROUP = 2**9
"""Rows whose losses are added up at once where the classes are few. Answers depend on it."""

Short = Callable[[Part, np.dtype[Any], Scratch], None]
Long = Callable[[Part, np.dtype[Any], int], None]


def each_part(whole: Part, working: np.dtype[Any], threads: int | None, short: Short, long: Long) -> None:
    """Call `short` with blocks of rows, or `long` with each row if they are too long for that.

    Both are told the dtype to work in, and the latter how many threads to use.
    """
    n, m = whole.z.shape
    if threads is None and whole.sums is None and 0 < n * (m + ROW) <= WHOLE:
        short(whole, working, Scratch())
        return
    sparse = whole.labels.ndim == 1
    if m > (PIECE if whole.held(working) else STRIP) and not (sparse and whole.streamed()):
        _each_row(whole, working, threads, long)
    else:
        _each_block(whole, working, threads, short)


def grouped(n: int, m: int) -> bool:
    """Whether losses that are to be added up are added up by groups of rows, and not kept."""
    return m <= FEW and n > GROUP


def groups(n: int) -> int:
    """Return into how many groups n rows are put."""
    return -(-n // GROUP)


def _each_row(whole: Part, working: np.dtype[Any], threads: int | None, long: Long) -> None:
    n, m = whole.z.shape
    least = ALONE if whole.gradient is None and not whole.streamed() else LEAST // working.itemsize
    if pieces(m) >= (2 if n < 4 else 8):
        count = workers(threads, pieces(m), m // least)
        for i in range(n):
            long(whole.rows(slice(i, i + 1)), working, count)
        return
    count = workers(threads, n, n * m // least)
    share(lambda i, _: long(whole.rows(slice(i, i + 1)), working, 1), n, count, m)


def _each_block(whole: Part, working: np.dtype[Any], threads: int | None, short: Short) -> None:
    n, m = whole.z.shape
    in_place = whole.held(working) or whole.streamed()
    alone = whole.gradient is None and not in_place
    count = workers(threads, n, n * m // ALONE if alone else n * (m + ROW) * working.itemsize // LEAST)
    rows = _rows(whole, working, count, in_place)

    def block(k: int, scratch: Scratch) -> None:
        part = whole if rows >= n else whole.rows(slice(k * rows, (k + 1) * rows))
        if whole.sums is None:
            short(part, working, scratch)
            return
        losses = np.empty(len(part.z))
        short(part._replace(losses=losses), working, scratch)
        first = np.arange(0, len(losses), GROUP)
        whole.sums[k * rows // GROUP :][: len(first)] = np.add.reduceat(losses, first)

    share(block, -(-n // rows), count, m)


def _rows(whole: Part, working: np.dtype[Any], count: int, in_place: bool) -> int:
    """Return how many rows make a block, when `count` threads share them evenly."""
    n, m = whole.z.shape
    size, kept = BLOCK // working.itemsize, whole.z.nbytes // (16 * count)
    if in_place:
        tasks = max(round(n * (m + ROW) / size), -(-n // max(HIGH // count, kept // KEPT, 1)))
    else:
        copies = working.itemsize if whole.read_straight(working) else 2 * working.itemsize
        tasks = -(-n // max(1, min(size, max(STRIP, kept // copies)) // (m + KEPT // copies)))
    rows: int = max(1, -(-n // max(1, count, tasks)))
    return rows if whole.sums is None else max(1, rows // GROUP) * GROUP


def pieces(m: int) -> int:
    """Return into how many pieces a row of m classes is cut."""
    return -(-m // PIECE)


def classes(k: int) -> slice:
    """Return the classes of piece k."""
    return slice(k * PIECE, (k + 1) * PIECE)


def strips(width: int, held: bool) -> list[slice]:
    """Return how a piece is cut: into strips, or not at all where the gradient holds what is worked on."""
    return [slice(0, width)] if held else [slice(first, first + STRIP) for first in range(0, width, STRIP)]
