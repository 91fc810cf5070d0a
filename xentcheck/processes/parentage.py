"""A process that ends when its parent does, however that ended."""

from __future__ import annotations

import os
import signal
import threading
import time

from xentcheck.processes.supervisor import PR_SET_PDEATHSIG, prctl

_LOOK = 0.5  # seconds


def end_with_parent(parent: int) -> None:
    """Have this process end with its parent.

    On Linux it is killed, even while a call holds the interpreter's lock; elsewhere a thread looks, which such a call
    keeps from looking. On Linux the parent's *thread* that started this process counts as the parent: it has to live
    as long as this process is wanted.

    Parameters
    ----------
    parent : int
        The parent's process id, from the parent: it may have ended already.
    """
    told = prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    if not told:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
