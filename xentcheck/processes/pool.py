"""Processes over which work is spread: they end with this one, and import nothing of the working directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess

from xentcheck.processes.parentage import end_with_parent

_SAFE = "PYTHONSAFEPATH"


class _SafeProcess(SpawnProcess):
    """A spawned process whose path does not begin with the working directory."""

    def start(self) -> None:
        """Start it."""
        with _safe_path():
            super().start()


class _Context(SpawnContext):
    Process = _SafeProcess


def process_pool(jobs: int) -> ProcessPoolExecutor:
    """Return an executor of that many processes, which end with the thread that gives it work."""
    begun = (os.getpid(), _SAFE in os.environ)
    with _safe_path():  # the process that keeps account of semaphores starts here
        return ProcessPoolExecutor(jobs, mp_context=_Context(), initializer=_begin, initargs=begun)


@contextmanager
def _safe_path() -> Iterator[None]:
    """Set the environment variable by which alone `multiprocessing` can tell an interpreter what to leave out."""
    safe = _SAFE in os.environ
    os.environ.setdefault(_SAFE, "1")
    try:
        yield
    finally:
        if not safe:
            del os.environ[_SAFE]


def _begin(parent: int, safe: bool) -> None:
    end_with_parent(parent)
    if not safe:  # what targets start is none of our business
        del os.environ[_SAFE]
