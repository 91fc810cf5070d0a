"""For how long a process has had a processor, and waited for one while others had it, as Linux counts it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path


def waits(pid: int | str | None, offspring: bool = False) -> dict[str, float]:
    """Return the seconds that each thread of a process has waited in the queue of a processor; none where not known.

    Parameters
    ----------
    pid : int, str or None
        A process id, or "self".
    offspring : bool
        Whether threads of the processes that it has started count, too: of a compiler that it waits for, for example.
    """
    return {thread: waited for thread, (_, waited) in _schedule(pid, offspring).items()}


def works(pid: int | str | None) -> dict[str, float]:
    """Return the seconds that each thread of a process has had a processor; none where not known."""
    return {thread: worked for thread, (worked, _) in _schedule(pid, False).items()}


def _schedule(pid: int | str | None, offspring: bool) -> dict[str, tuple[float, float]]:
    """Return the seconds that each thread has had a processor, and waited for one."""
    found: dict[str, tuple[float, float]] = {}
    left = [str(pid)]
    while left:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{left.pop()}/task").iterdir():
                with contextlib.suppress(OSError, ValueError, IndexError):  # a thread that ends now
                    worked, waited = (thread / "schedstat").read_text().split()[:2]
                    found[thread.name] = int(worked) / 1e9, int(waited) / 1e9
                    if offspring:
                        left += (thread / "children").read_text().split()
    return found


def kept_away(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return the longest that any one thread has waited between two answers of `waits`, in seconds; so of `works`."""
    return max((seconds - before.get(thread, 0.0) for thread, seconds in now.items()), default=0.0)
