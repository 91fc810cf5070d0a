"""Blocks of rows that stay in cache, and the threads that share them.

How rows are cut depends on the shape and the dtype only, and a row's answer on that row only. So the number of
threads changes no bit of the answer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""float32 or float64."""

BLOCK = 2**18
"""Bytes of logits in a block, in the dtype in which they are worked on: they and their gradient stay in cache."""
MOST = 8
"""The most threads that are started unasked: they share the memory's bandwidth."""
SMALL = 2**12
"""Arrays of fewer elements are quick to allocate."""
SHORT_BUFFER = 512
"""Elements of numpy's buffer for ufuncs, for rows at least as long.

Where one number a row is subtracted from rows shorter than its buffer, numpy first copies that number to the buffer
once for each element. Without the copies this takes a third of the time.
"""


def width(dtype: np.dtype[Any]) -> int:
    """Return how many classes are worked on at a time."""
    return BLOCK // dtype.itemsize


class Scratch:
    """Arrays that one thread uses again for each of its blocks."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, str], Floats] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Floats:
        """Return an array of any content. It is the same memory for each call with this name and dtype."""
        size = shape[0] * shape[1]
        if size < SMALL:
            return np.empty(shape, dtype)
        kept = self._arrays.get((name, dtype.char))
        if kept is None or kept.size < size:
            kept = self._arrays[name, dtype.char] = np.empty(size, dtype)
        return kept[:size].reshape(shape)


Task = Callable[[slice, Scratch], None]


def each_block(task: Task, shape: tuple[int, ...], dtype: np.dtype[Any], threads: int | None, share: int) -> None:
    """Call a task for each block of rows.

    To be called under `numpy.errstate`, which every thread has for itself and which restores the length of the
    buffer too.

    Parameters
    ----------
    task : callable (slice of rows, Scratch) -> None
        Several run at the same time, for different rows.
    shape : (n, m)
    dtype : dtype
        That of the arithmetic.
    threads : int or None
        None decides by size and by the processors that there are.
    share : int
        For how many elements a thread is worth while.

    Raises
    ------
    ValueError
        If `threads` is less than 1; and whatever the task raises.
    """
    n, m = shape
    rows = max(1, width(dtype) // m)
    if n <= rows:
        _threads(threads, 1, 1)
        _work(task, (slice(0, n),) if n > 0 else (), m)
        return
    count = _threads(threads, -(-n // rows), n * m // share)
    slices = (slice(start, min(start + rows, n)) for start in range(0, n, rows))
    if count <= 1:
        _work(task, slices, m)
        return
    shared = _locked(slices)
    with ThreadPoolExecutor(count - 1) as pool:
        others = [pool.submit(_quietly, task, shared, m) for _ in range(count - 1)]
        _work(task, shared, m)
        for other in others:
            other.result()


def _quietly(task: Task, slices: Iterable[slice], m: int) -> None:
    with np.errstate(all="ignore"):
        _work(task, slices, m)


def _work(task: Task, slices: Iterable[slice], m: int) -> None:
    if m >= SHORT_BUFFER:
        np.setbufsize(SHORT_BUFFER)
    scratch = Scratch()
    for rows in slices:
        task(rows, scratch)


class _locked(Iterator[slice]):  # noqa: N801  (it is used as a function)
    """An iterator that threads may share."""

    def __init__(self, items: Iterator[slice]) -> None:
        self._items, self._lock = items, threading.Lock()

    def __next__(self) -> slice:
        with self._lock:
            return next(self._items)


def _threads(asked: int | None, blocks: int, shares: int) -> int:
    if asked is None:
        return 1 if shares <= 1 else min(_processors(), MOST, blocks, shares)
    if asked < 1:
        raise ValueError(f"threads is {asked}, but must be at least 1.")
    return min(asked, blocks)


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
