"""Which processes live that a test has started, however far down: each of them carries its token."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

TOKEN, FILE = "XENTCHECK_TEST_TOKEN", "XENTCHECK_TEST_FILE"
HERE = Path("/proc/self/environ").exists()


def living(token: str) -> dict[int, str]:
    """Return the processes that have a token in their environment or their command line: id and command line."""
    found = {}
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{entry}/cmdline").read_bytes()
            if int(entry) != os.getpid() and token.encode() in words + Path(f"/proc/{entry}/environ").read_bytes():
                found[int(entry)] = words.replace(b"\0", b" ").decode(errors="replace")
    return found


def all_ended(token: str, seconds: float = 20.0) -> dict[int, str]:
    """Return the processes that live after so many seconds; none as soon as there are none."""
    until = time.monotonic() + seconds
    while (found := living(token)) and time.monotonic() < until:
        time.sleep(0.02)
    return found
