"""For how long a process has waited for a processor while others had it, as Linux counts it."""

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
    found: dict[str, float] = {}
    left = [str(pid)]
    while left:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{left.pop()}/task").iterdir():
                with contextlib.suppress(OSError, ValueError, IndexError):  # a thread that ends now
                    found[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
                    if offspring:
                        left += (thread / "children").read_text().split()
    return found


def kept_away(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return the longest that any one thread has waited between two answers of `waits`, in seconds."""
    return max((seconds - before.get(thread, 0.0) for thread, seconds in now.items()), default=0.0)
