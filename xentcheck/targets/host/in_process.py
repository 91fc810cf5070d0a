"""A host that calls the target in this process: for closures, which exist nowhere else."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.targets.call.build import build, follow
from xentcheck.targets.call.signature import numbers_in, parameters_of, settings_of
from xentcheck.targets.call.target import Target
from xentcheck.targets.description import TargetDescription
from xentcheck.targets.host.base import Host, described
from xentcheck.targets.outcome import Outcome
from xentcheck.targets.parameter import Parameter
from xentcheck.targets.specification import BuildPlan


class LocalHost(Host):
    """The target in this process; a crash ends the process, and there is no time limit.

    A KeyboardInterrupt passes through, since here it comes from the user.

    Parameters
    ----------
    plan : BuildPlan
    """

    def __init__(self, plan: BuildPlan) -> None:
        self._plan = plan
        self._target: Target | None = None

    def ready(self) -> TargetDescription:
        """Import what the target needs and return what is known of it; raises TargetError."""
        return described(self._built().stated(), self._plan.contract is not None)

    def evaluate(
        self,
        batch: Batch,
        want: Sequence[str] = ("loss", "gradient"),
        upstream: NDArray[Any] | None = None,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """Return what the target makes of a batch; see `Host.evaluate`."""
        return self._built().evaluate(batch, want, upstream, vector, tangent)

    def follow(self, contract: Mapping[str, Any]) -> None:
        """Call the target by another contract from now on; see `Host.follow`."""
        self._plan = dataclasses.replace(self._plan, changes=dict(contract))
        if self._target is not None:
            follow(self._target, {**(self._plan.contract or {}), **contract}, self._plan.framework)

    def parameters(self) -> tuple[Parameter, ...]:
        """Return the arguments of the target's call; see `Host.parameters`."""
        return parameters_of(self._built().called)

    def settings(self) -> tuple[Parameter, ...]:
        """Return what the target's object was made with; see `Host.settings`."""
        return settings_of(self._built().called)

    def numbers(self) -> tuple[int, ...]:
        """Return the whole numbers in the target's code; see `Host.numbers`."""
        return numbers_in(self._built().called)

    def close(self) -> None:
        """Forget the target."""
        self._target = None

    def _built(self) -> Target:
        if self._target is None:
            fields = {field.name: getattr(self._plan, field.name) for field in dataclasses.fields(self._plan)}
            # Numpy imports its global generator when it is first asked for; not by the target, in the midst of a call.
            importlib.import_module("numpy.random")
            self._target = build(fields)
            self._target.interrupts = True
        return self._target
