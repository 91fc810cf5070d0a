"""A worker process, its channel and what it prints."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import weakref
from pathlib import Path
from typing import IO, Any

from xentcheck.processes.boot import command
from xentcheck.processes.supervised import Supervised
from xentcheck.targets.find.interpreter import environment_of
from xentcheck.targets.host.channel import Channel
from xentcheck.targets.host.shared_file import SharedFile
from xentcheck.witnesses.compilation_cache import base_directory, default_cache_directory

_ROOT = str(Path(__file__).resolve().parents[3])  # the folder of the package
# What the user has set stays as it is. Without the first, jax makes float64 silently float32. Threads make small calls
# slower, by a factor of 30 where another process competes for the cores, and results less repeatable.
_SETTINGS = {
    "JAX_ENABLE_X64": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # A shape that has been compiled in an earlier run costs 40 ms instead of 500.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
_OUTPUT_LIMIT = 1 << 20
_TAIL = 8000  # bytes: a trace of the fault handler, in deep folders, and what came before it


class Process:
    """A worker process: in a session of its own, so that Ctrl-C is the parent's, and killed with its children.

    Parameters
    ----------
    plan : dict
        The fields of `specification.BuildPlan`.
    memory : int, optional
        Bytes that it may have.
    ahead : bool
        Whether the target is imported and another plan is going to follow; see `ahead.Ahead`.
    """

    def __init__(self, plan: dict[str, Any], memory: int | None = None, ahead: bool = False) -> None:
        ours, theirs = socket.socketpair()
        shared = SharedFile.create()
        shared.hand_over(ours)
        output = tempfile.TemporaryFile("a+b")  # noqa: SIM115 (closed by `end`)
        python = plan["python"]
        path = None if python else [entry for entry in sys.path if entry]  # another interpreter keeps its own
        if path is not None and _ROOT not in path:
            path.append(_ROOT)
        try:
            self._running = Supervised(
                command("xentcheck.targets.host.worker", theirs.fileno(), python),
                theirs.fileno(),
                {
                    **_SETTINGS,
                    "JAX_COMPILATION_CACHE_DIR": str(default_cache_directory()),
                    "XENTCHECK_COMPILED_DIR": str(base_directory() / "compiled"),
                    **environment_of(python),
                },
                output,
            )
        finally:
            theirs.close()
        self.channel = Channel(ours.detach(), shared)
        self._output = output
        self.greeted = False
        self._finalizer = weakref.finalize(self, _end, self._running, self.channel, output)
        self.channel.send({"plan": plan, "path": path, "memory": memory, "ahead": ahead})

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._running.alive()

    def waits(self) -> dict[str, float]:
        """For how many seconds each thread of the process has waited for a processor; see `Supervised`."""
        return self._running.waits()

    def works(self) -> dict[str, float]:
        """For how many seconds each thread of the process has had a processor."""
        return self._running.works()

    def how_it_ended(self) -> tuple[str, int]:
        """Return "killed by signal 11 (SIGSEGV)" or the like, and the most memory it had; see `Supervised`."""
        return self._running.how_it_ended()

    def shorten_output(self) -> None:
        """Keep the target from filling the disk with what it prints."""
        if os.fstat(self._output.fileno()).st_size > _OUTPUT_LIMIT:
            os.ftruncate(self._output.fileno(), 0)

    def end(self) -> str:
        """Kill the process and its children, and return the end of what it printed."""
        if not self._finalizer.alive:
            return ""
        self._running.end()
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - _TAIL))
        tail = self._output.read().decode(errors="replace")
        self._finalizer()
        return tail


def _end(process: Supervised, channel: Channel, output: IO[bytes]) -> None:
    process.end()
    channel.close()
    output.close()
