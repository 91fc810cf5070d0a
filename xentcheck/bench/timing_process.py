"""Ordering a measurement from a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xentcheck.bench.figures import Case, Result
from xentcheck.targets.errors import TargetError
from xentcheck.targets.host.channel import Channel, ChannelClosedError
from xentcheck.targets.specification import BuildPlan

_ROOT = str(Path(__file__).resolve().parents[2])


def results(
    plans: Sequence[BuildPlan], cases: Sequence[Case], part: str = "", seconds: float = 0.5, one_core: bool = False
) -> Iterator[Result]:
    """Yield the figures of each case as they come.

    Parameters
    ----------
    plans : sequence of BuildPlan
        Nothing in them may be a callable: what is timed is imported by the other process.
    cases : sequence of Case
        Their part is overridden.
    part : {"", "loss", "gradient", "both"}
        "" for what all targets offer.
    seconds : float
        For each case.
    one_core : bool
        Whether the process is kept to one core, where the system can do that: Linux.

    Raises
    ------
    TargetError
        If a target cannot be imported or raises, or ends the process.
    """
    order = {
        "cases": [asdict(case) for case in cases],
        "part": part,
        "seconds": seconds,
        "one_core": one_core,
        "describe": False,
    }
    for header in _exchange(plans, order):
        yield Result.from_mapping(header["result"])


def describe(plans: Sequence[BuildPlan]) -> list[dict[str, Any]]:
    """Return what a benchmark of a project's own needs to know of targets; see `project.described`."""
    (header,) = _exchange(plans, {"describe": True})
    return list(header["targets"])


def _exchange(plans: Sequence[BuildPlan], order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the process sends until it is done."""
    ours, theirs = socket.socketpair()
    path = os.pathsep.join([*(entry for entry in sys.path if entry), _ROOT])
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "xentcheck.bench.worker", str(theirs.fileno()), str(os.getpid())],
                env={"JAX_ENABLE_X64": "1", **os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
            )
        channel = Channel(ours.detach())
        try:
            channel.send({**order, "plans": [asdict(plan) for plan in plans]})
            while True:
                header, _ = channel.receive()
                if "error" in header:
                    raise TargetError(header["error"])
                if "failure" in header:
                    raise RuntimeError(f"a fault of xentcheck's own in the process that times:\n{header['failure']}")
                if "done" in header:
                    return
                yield header
        except ChannelClosedError:
            status = process.wait()
            output.seek(0)
            last = (output.read().strip().splitlines() or ["it printed nothing"])[-1][:300]
            raise TargetError(f"The process that times the targets ended with status {status}: {last}.") from None
        finally:
            process.kill()
            process.wait()
            channel.close()
