"""Processes that are known by an entry of the environment that they began with."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_LONGEST_END = 5.0  # seconds


def marked(entry: str) -> list[int]:
    """Return the ids of the living processes that began with an entry "NAME=VALUE" in their environment.

    Empty where there is no /proc. A process inherits the entry unless its environment is replaced.
    """
    found = []
    with contextlib.suppress(OSError):
        for name in filter(str.isdecimal, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if entry.encode() in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                    found.append(int(name))
    return found


def end_marked(entry: str) -> None:
    """Kill the processes that `marked` finds until there are none."""
    until = time.monotonic() + _LONGEST_END
    while (found := marked(entry)) and time.monotonic() < until:
        for one in found:
            with contextlib.suppress(OSError):
                os.kill(one, signal.SIGKILL)
        time.sleep(0.002)
