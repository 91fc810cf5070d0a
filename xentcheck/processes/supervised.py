"""A worker under its supervisor, as seen by the process that started both."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from xentcheck.processes import supervisor
from xentcheck.processes.marked import end_marked
from xentcheck.processes.waiting import waits, works

_MARK = "XENTCHECK_PROCESS"
_LONGEST_END = 15.0  # seconds; the supervisor itself gives up earlier
_LOOK = 0.02


class Supervised:
    """A command in a session of its own, that ends with this process and leaves no process behind.

    Parameters
    ----------
    command : sequence of str
    channel : int
        A descriptor that the command inherits.
    environment : mapping
    output : file
        Takes standard output and standard error.
    """

    def __init__(self, command: Sequence[str], channel: int, environment: Mapping[str, str], output: IO[bytes]) -> None:
        self._mark = os.urandom(16).hex()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._running = subprocess.Popen(
                [sys.executable, "-I", "-S", os.path.abspath(supervisor.__file__), str(channel), *command],
                env={**environment, _MARK: self._mark},
                stdin=theirs.fileno(),
                stdout=output,
                stderr=output,
                pass_fds=[channel],
                start_new_session=True,
            )
        self._command, self._channel = list(command), channel
        self._told = b""
        self._over, self._owner = False, os.getpid()

    @property
    def pid(self) -> int | None:
        """The process id of the command; None until the supervisor has told it."""
        lines = self._lines()
        return int(lines[0]) if lines else None

    def alive(self) -> bool:
        """Whether the command runs, and is still the one that was started."""
        return self._running.poll() is None and not self._other_command()

    def waits(self) -> dict[str, float]:
        """Return the seconds for which each thread of the command has waited for a processor; see `waiting.waits`.

        Of what it has started, too: where a framework compiles, it waits for a compiler, which is what has to wait.
        """
        return waits(self.pid, offspring=True)

    def works(self) -> dict[str, float]:
        """Return the seconds for which each thread of the command has had a processor."""
        return works(self.pid)

    def how_it_ended(self, patience: float = 5.0) -> tuple[str, int]:
        """Return how a command ended that answers no more, and the most memory that it had, in bytes; 0 if unknown.

        That is "killed by signal 11 (SIGSEGV)" or "exit status 3", or what keeps it from ending.
        """
        until = time.monotonic() + patience
        while self._running.poll() is None:
            other = self._other_command()
            if other:
                return f"the process replaced itself by another program: {other}", 0
            if time.monotonic() > until:
                return "the process closed its channel", 0
            time.sleep(_LOOK)
        lines = self._lines()
        if len(lines) < 2:
            return _ended(self._running.returncode), 0
        status, most = lines[1].split()
        return _ended(os.waitstatus_to_exitcode(int(status))), int(most)

    def end(self) -> None:
        """Kill the command and all that it has started; again is harmless."""
        if self._over or os.getpid() != self._owner:  # a fork of this process has no say
            return
        self._over = True
        if self._running.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._running.send_signal(signal.SIGCONT)  # the target may have stopped it
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            try:
                self._running.wait(_LONGEST_END)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()
        if len(self._lines()) < 2:  # something has ended the supervisor, so that this process is left with its work
            if self.pid is not None:
                with contextlib.suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
            end_marked(f"{_MARK}={self._mark}")
        self._socket.close()

    def _lines(self) -> list[str]:
        """Return the lines that the supervisor has told until now."""
        with contextlib.suppress(OSError):
            while more := self._socket.recv(4096, socket.MSG_DONTWAIT):
                self._told += more
        return self._told.decode().split("\n")[:-1]

    def _other_command(self) -> str:
        """Return the command line of another program that the command has replaced itself by, or "".

        A command line alone may be altered by a process that wants to be called otherwise; its channel it keeps then.
        """
        process = Path(f"/proc/{self.pid}")
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            if words and words != self._command and not os.path.lexists(process / "fd" / str(self._channel)):
                return shlex.join(words)[:200]
        return ""


def _ended(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        name = f" ({signal.Signals(-status).name})"
    except ValueError:
        name = ""
    return f"killed by signal {-status}{name}"
