"""A target imported before its contract is known: its process starts while another one is asked what that may be."""

from __future__ import annotations

from dataclasses import asdict, replace

from xentcheck.targets.host.channel import ChannelClosedError
from xentcheck.targets.host.memory import MemoryLimit
from xentcheck.targets.host.process import Process
from xentcheck.targets.specification import BuildPlan


class Ahead:
    """A process that imports a target, in which nothing of it is called; to be closed, whoever has taken it.

    Parameters
    ----------
    plan : BuildPlan
        Its contract does not matter.
    memory : MemoryLimit, optional
        What the process may have of it.
    """

    def __init__(self, plan: BuildPlan, memory: MemoryLimit | None = None) -> None:
        self._plan = plan
        self._process: Process | None = Process(asdict(plan), memory.size if memory else None, ahead=True)

    def taken(self, plan: BuildPlan) -> Process | None:
        """Return the process, which goes on to build the target of a plan, once; None where it is another target's."""
        process = self._process
        if process is None or _bare(plan) != _bare(self._plan):
            return None
        self._process = None
        try:
            process.channel.send({"plan": asdict(plan)})
        except ChannelClosedError:  # it did not live through the import, which another one is to show
            process.end()
            return None
        return process

    def close(self) -> None:
        """End the process if nobody has taken it; again is harmless."""
        process, self._process = self._process, None
        if process is not None:
            process.end()


def _bare(plan: BuildPlan) -> BuildPlan:
    """Return a plan without its contract, and what comes of it."""
    return replace(plan, contract=None, changes={}, keywords={})
