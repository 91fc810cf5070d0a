"""The process between xentcheck and a worker: it starts the worker, and leaves nothing of it behind.

It runs nobody's code but this, so that no target can keep it from its work: when the worker ends, or xentcheck does,
it kills whatever the worker has started. On Linux it becomes the parent of all that loses its own (a "subreaper"), so
that children in sessions of their own are found, too; elsewhere the worker's process group is killed, and no more.

Called by its path, with the standard library alone::

    supervisor.py CHANNEL COMMAND...

CHANNEL is a descriptor that the command inherits and this process does not keep. The standard input is a socket: its
end means that all is to end. What is told on it is two lines: the worker's process id; its wait status and the most
memory that it had, in bytes.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_SOCKET = 0
_LOOK = 1000  # milliseconds between looks whether the parent is still the same
_LONGEST_END = 10.0  # seconds for killed processes to be gone; one that waits for a broken disk is not


def prctl(option: int, value: int) -> bool:
    """Set an attribute of this process as Linux has it; False where that cannot be done."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0)) == 0
    except (ImportError, OSError, AttributeError):
        return False


def main(channel: int, command: list[str]) -> None:
    """Start a command, wait for its end or the parent's, and end all that is left of it."""
    parent = os.getppid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    asked: list[int] = []
    for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(one, lambda number, _: asked.append(number))
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    worker = _start(command)
    os.close(channel)
    _tell(str(worker))
    waiting = select.poll()
    waiting.register(_SOCKET, select.POLLIN)  # nothing is ever written there but its end
    waiting.register(woken, select.POLLIN)
    told, _ = _reap(worker)
    while not told and not asked and os.getppid() == parent:
        if any(descriptor == _SOCKET for descriptor, _ in waiting.poll(_LOOK)):
            break
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 4096)
        told, _ = _reap(worker)
    _tell(_end_all(worker, told))
    os._exit(0)


def _start(command: list[str]) -> int:
    """Start the command in a session of its own, to end with this process; return its process id."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:  # else the parent ended before its death could be told
            os.dup2(os.open(os.devnull, os.O_RDONLY), _SOCKET)
            os.execv(command[0], command)
    finally:
        os._exit(127)


def _reap(worker: int) -> tuple[str, bool]:
    """Take leave of the children that have ended.

    Returns
    -------
    told : str
        What is to be told of the worker if it is one of them.
    left : bool
        Whether there are others.
    """
    told = ""
    while True:
        try:
            child, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return told, False
        if child == worker:
            told = f"{status} {usage.ru_maxrss * (1 if sys.platform == 'darwin' else 1024)}"
        elif child == 0:
            return told, True


def _end_all(worker: int, told: str) -> str:
    """Kill the worker, its group and all children, until there are none; return what is to be told of the worker."""
    if not told:
        with contextlib.suppress(OSError):
            os.kill(worker, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.killpg(worker, signal.SIGKILL)
    until = time.monotonic() + _LONGEST_END
    while time.monotonic() < until:
        last, left = _reap(worker)
        told = told or last
        if not left:
            break
        for child in _children():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return told


def _children() -> list[int]:
    """Return the process ids of this process's children, zombies included, where there is a /proc."""
    own, found = str(os.getpid()), []
    with contextlib.suppress(OSError):
        for name in filter(str.isdecimal, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                if file.read().rpartition(b")")[2].split()[1] == own.encode():
                    found.append(int(name))
    return found


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(_SOCKET, f"{line}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
