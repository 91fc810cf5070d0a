"""A host that keeps the target in a process of its own, and starts another one after a crash or a hang."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.targets.channel import Channel, ChannelClosed, ChannelTimeout
from xentcheck.targets.description import TargetDescription
from xentcheck.targets.errors import TargetError
from xentcheck.targets.base_host import Host, described
from xentcheck.targets.outcome import Outcome, Raised
from xentcheck.targets.specification import Plan

_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[2]); from xentcheck.targets.worker import main; main(int(sys.argv[1]))"
_START_LIMIT = 120.0
_OUTPUT_LIMIT = 1 << 20
_TAIL = 2000


class WorkerHost(Host):
    """The target in a subprocess.

    The process is started at once, so that it imports while the caller does other things; it is waited for
    at the first use.

    Parameters
    ----------
    plan : Plan
    time_limit : float
        Seconds that an evaluation may take.
    first_time_limit : float
        Seconds that the first evaluation of a process may take where the framework compiles; never less than
        `time_limit`.
    """

    def __init__(self, plan: Plan, time_limit: float = 10.0, first_time_limit: float = 60.0) -> None:
        self._plan = plan
        self._time_limit = time_limit
        self._first_time_limit = max(time_limit, first_time_limit)
        self._process: _Process | None = None
        self._description: TargetDescription | None = None
        self._closed = False
        self.restarts = 0
        self.last_output = ""
        self._start()

    def ready(self) -> TargetDescription:
        """Wait until the target has been imported and return what is known of it; raises TargetError."""
        if self._closed:
            raise TargetError(f"The host of {self._plan.name} is closed.")
        if self._process is None:
            self._start()
        assert self._process is not None
        if not self._process.greeted:
            self._description = self._greet()
        assert self._description is not None
        return self._description

    def evaluate(
        self, batch: Batch, want: Sequence[str] = ("loss", "gradient"), upstream: NDArray[Any] | None = None
    ) -> Outcome:
        """Return what the target makes of a batch; see `Host.evaluate`."""
        if self._description is None:
            self.ready()
        assert self._description is not None
        if upstream is not None and "gradient" in want and self._description.has_gradient and not self._description.has_vjp:
            raise ValueError(f"The target {self._plan.name} takes no cotangent.")
        try:
            self.ready()
        except TargetError as error:
            # It could be imported before, so this is something that the target does now and then.
            return Outcome(died=f"the process could not be started again: {error}")
        process = self._process
        assert process is not None
        limit = self._time_limit
        if not process.used and self._description.framework != "numpy":
            limit = self._first_time_limit
        process.used = True
        try:
            process.channel.send(*_request(batch, want, upstream))
            header, arrays = process.channel.receive(limit, process.alive)
        except ChannelTimeout:
            self._restart(process)
            return Outcome(died=f"no answer within {limit:g} s")
        except ChannelClosed:
            how = process.how_it_ended()
            self._restart(process)
            return Outcome(died=how)
        except BaseException:
            # The answer to this request would be taken for that of the next one.
            self._discard(process)
            raise
        process.shorten_output()
        if "description" in header:
            self._description = described(header["description"], self._plan.contract is not None)
        observations = tuple(header["observations"])
        if {"rounding-changed", "flushing-changed"} & set(observations):
            self._restart(process)
        parts = dict(zip(header["parts"], arrays, strict=True))
        raised = None if header["raised"] is None else Raised(**header["raised"])
        return Outcome(parts.get("loss"), parts.get("gradient"), raised, observations=observations)

    def loaded_modules(self) -> list[str]:
        """Return the names of the modules that the target's process has imported."""
        self.ready()
        assert self._process is not None
        self._process.channel.send({"modules": True})
        return list(self._process.channel.receive(self._time_limit, self._process.alive)[0]["modules"])

    def close(self) -> None:
        """End the process."""
        self._closed = True
        if self._process is not None:
            self._discard(self._process)

    def _start(self, try_out: bool = True) -> None:
        plan = asdict(self._plan)
        plan["try_out"] = plan["try_out"] and try_out
        plan["import_from"] = self._plan.base if self._plan.framework == "" else ""
        self._process = _Process(plan)

    def _restart(self, process: _Process) -> None:
        self._discard(process)
        self.restarts += 1
        self._start()

    def _discard(self, process: _Process) -> None:
        self.last_output = process.end()
        if self._process is process:
            self._process = None

    def _greet(self) -> TargetDescription:
        """Wait for the worker's description."""
        trying = False
        while True:
            process = self._process
            assert process is not None
            try:
                header, _ = process.channel.receive(_START_LIMIT, process.alive)
            except (ChannelTimeout, ChannelClosed) as error:
                slow = isinstance(error, ChannelTimeout)
                how = f"no answer within {_START_LIMIT:g} s" if slow else process.how_it_ended()
                self._discard(process)
                if trying:
                    # Not the import but a first call ended it; that is for the first batch to show.
                    self._start(try_out=False)
                    trying = False
                    continue
                raise TargetError(_ended_while_importing(self._plan.name, how, self.last_output)) from None
            except BaseException:
                self._discard(process)
                raise
            if "trial" in header:
                trying = True
                continue
            if "error" in header:
                self._discard(process)
                raise TargetError(header["error"])
            process.greeted = True
            changed = [
                name
                for name, fine in zip(("rounding-changed", "flushing-changed"), header["processor"], strict=True)
                if not fine
            ]
            return described(header["description"], self._plan.contract is not None, changed)


class _Process:
    """One worker process, its channel and what it prints."""

    def __init__(self, plan: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        output = tempfile.TemporaryFile("a+b")  # noqa: SIM115 (closed by `end`)
        path = [entry for entry in sys.path if entry]
        if _ROOT not in path:
            path.append(_ROOT)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-c", _BOOT, str(theirs.fileno()), json.dumps(path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        finally:
            theirs.close()
        self.channel = Channel(ours.detach())
        self._output = output
        self.greeted = False
        self.used = False
        self._finalizer = weakref.finalize(self, _end, self._process, self.channel, output)
        self.channel.send({"plan": plan})

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def how_it_ended(self) -> str:
        """Return "killed by signal 11 (SIGSEGV)" or "exit status 3" of a process that has closed its channel."""
        try:
            status = self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            return "the process closed its channel"
        if status >= 0:
            return f"exit status {status}"
        try:
            name = f" ({signal.Signals(-status).name})"
        except ValueError:
            name = ""
        return f"killed by signal {-status}{name}"

    def shorten_output(self) -> None:
        """Keep the target from filling the disk with what it prints."""
        if os.fstat(self._output.fileno()).st_size > _OUTPUT_LIMIT:
            os.ftruncate(self._output.fileno(), 0)

    def end(self) -> str:
        """Kill the process and its children, and return the end of what it printed."""
        if not self._finalizer.alive:
            return ""
        _kill(self._process)
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - _TAIL))
        tail = self._output.read().decode(errors="replace")
        self._finalizer()
        return tail


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
    process.wait()


def _end(process: subprocess.Popen[bytes], channel: Channel, output: IO[bytes]) -> None:
    _kill(process)
    channel.close()
    output.close()


def _request(
    batch: Batch, want: Sequence[str], upstream: NDArray[Any] | None
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return header and arrays of a request."""
    option_arrays = {key: np.asarray(value) for key, value in batch.options.items() if np.ndim(value) > 0}
    header = {
        "want": list(want),
        "label_form": batch.label_form,
        "layout": batch.layout,
        "has_upstream": upstream is not None,
        "option_arrays": list(option_arrays),
        "options": {
            key: value.item() if isinstance(value, (np.generic, np.ndarray)) else value
            for key, value in batch.options.items()
            if key not in option_arrays
        },
    }
    given = [] if upstream is None else [np.asarray(upstream)]
    return header, [np.asarray(batch.scores), np.asarray(batch.labels), *given, *option_arrays.values()]


def _ended_while_importing(name: str, how: str, output: str) -> str:
    lines = output.strip().splitlines()
    last = f"; its last words: {lines[-1][:300]}" if lines else ""
    return f"The process that imports {name} ended before it was ready ({how}){last}."
