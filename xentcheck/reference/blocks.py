"""Blocks that stay in cache, and the threads that share them.

A row's answer depends on that row only, and how a long row is cut on its length only. So neither the number of threads
nor the other rows change a bit of the answer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""float32 or float64."""

MOST = 8
"""The most threads that are started unasked: they share the memory's bandwidth."""
SMALL = 2**12
"""Arrays of fewer elements are quick to allocate."""
BUFFER = 64
"""Elements of numpy's buffer for ufuncs, for rows at least as long.

Where one number a row is subtracted from rows shorter than its buffer, numpy first copies that number to the buffer
once for each element. Without the copies this takes a half to a third of the time.
"""

Task = Callable[[int, "Scratch"], None]


class Scratch:
    """Memory that one thread uses again for each of its tasks."""

    _kept = np.empty(0, np.uint8)

    def __call__(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> Floats:
        """Return an array of any content. It is the same memory for each call."""
        size = shape[0] * shape[1]
        if size < SMALL:
            return np.empty(shape, dtype)
        needed = size * dtype.itemsize
        if len(self._kept) < needed:
            self._kept = np.empty(needed, np.uint8)
        return self._kept[:needed].view(dtype).reshape(shape)


def workers(asked: int | None, tasks: int, shares: int) -> int:
    """Return how many threads are to work, of which the caller's is one.

    Parameters
    ----------
    asked : int or None
        None decides by size and by the processors that there are.
    tasks : int
        How many there are to do.
    shares : int
        How many threads are worth while.

    Raises
    ------
    ValueError
        If `asked` is less than 1.
    """
    if asked is None:
        return 1 if min(tasks, shares) <= 1 else min(_processors(), MOST, tasks, shares)
    if asked < 1:
        raise ValueError(f"threads is {asked}, but must be at least 1.")
    return max(1, min(asked, tasks))


def share(task: Task, tasks: int, threads: int, m: int) -> None:
    """Call a task with each of 0 ... tasks - 1; raise what it raises.

    To be called under `numpy.errstate`, which every thread has for itself and which restores the length of the
    buffer too.

    Parameters
    ----------
    task : callable (int, Scratch) -> None
        Several run at the same time.
    tasks, threads : int
    m : int
        How long the rows are.
    """
    if threads <= 1:
        _work(task, iter(range(tasks)), m)
        return
    numbers = _Counter(tasks)
    others = _submit(threads - 1, task, numbers, m)
    try:
        _work(task, numbers, m)
    finally:
        numbers.stop()
        # Those that have not begun are not needed any more: all tasks are taken.
        begun = [other for other in others if not other.cancel()]
        for other in begun:
            other.exception()
    for other in begun:
        other.result()


class _Counter(Iterator[int]):
    """0, 1, ..., each to one of the threads."""

    def __init__(self, stop: int) -> None:
        self._numbers, self._lock = iter(range(stop)), threading.Lock()

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)

    def stop(self) -> None:
        with self._lock:
            self._numbers = iter(range(0))


def _work(task: Task, numbers: Iterator[int], m: int) -> None:
    if m >= BUFFER:
        np.setbufsize(BUFFER)
    scratch = Scratch()
    for number in numbers:
        task(number, scratch)


def _quietly(task: Task, numbers: Iterator[int], m: int) -> None:
    with np.errstate(all="ignore"):
        _work(task, numbers, m)


def _submit(count: int, *arguments: Any) -> list[Future[None]]:
    """Have `count` threads work beside this one; none if none can be started, as at the interpreter's end."""
    try:
        executor = _KEPT.executor(count)
        return [executor.submit(_quietly, *arguments) for _ in range(count)]
    except RuntimeError:
        return []


class _Kept:
    """Threads that wait for the next call: to start one takes as long as to work on a quarter of a million elements."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew, as the child of a fork has to: it has none of its parent's threads."""
        self._lock = threading.Lock()
        self._size, self._executor = 0, ThreadPoolExecutor(1)  # which starts none as yet

    def executor(self, size: int) -> ThreadPoolExecutor:
        """Return one of at least that many threads."""
        with self._lock:
            if self._size < size:
                self._size, self._executor = size, ThreadPoolExecutor(size, "xentcheck")
            return self._executor


_KEPT = _Kept()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_KEPT.forget)


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
