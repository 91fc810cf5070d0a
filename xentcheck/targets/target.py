"""A target as it runs: its functions, called on batches, with what they return and what they change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.targets.convention import Convention
from xentcheck.targets.convert import host_array, is_tensor
from xentcheck.targets.framework import NumpyFramework, framework_named
from xentcheck.targets.observe import EarlierResults, Environment, Given
from xentcheck.targets.outcome import Outcome, Raised
from xentcheck.targets.trace import raised_by

Function = Callable[..., Any]


@dataclass(frozen=True)
class Functions:
    """The callables of a target; at least one of the first three is there.

    Parameters
    ----------
    loss, gradient : callable or None
        Called with scores and labels in the contract's order, and the options by name.
    value_and_gradient : callable or None
        Called likewise; returns both.
    hessian_vector, vjp : callable or None
        Called with scores, labels and a vector (n, m), or the cotangent of the loss.
    """

    loss: Function | None = None
    gradient: Function | None = None
    value_and_gradient: Function | None = None
    hessian_vector: Function | None = None
    vjp: Function | None = None


class _Stop(Exception):
    """Ends an evaluation after the target raised."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(raised.message)
        self.raised = raised


@dataclass
class Target:
    """What is under test, in the process in which it runs.

    Parameters
    ----------
    functions : Functions
    convention : Convention
    framework : NumpyFramework
        The adapter by which it is called.
    settled : bool
        Whether that is known to be the right one. If not, a loss that refuses numpy arrays is tried once with
        torch tensors, where torch has been imported by the target.
    name, location, version, package : str
    contract : mapping
        The contract as far as the target states it, in its JSON form.
    expensive_shapes : bool
        Whether each new shape costs a compilation.
    interrupts : bool
        Whether KeyboardInterrupt passes through, because it comes from the user rather than from the target.
    environment : Environment
        What calls must leave alone.
    """

    functions: Functions
    convention: Convention = field(default_factory=Convention)
    framework: NumpyFramework = field(default_factory=NumpyFramework)
    settled: bool = True
    name: str = ""
    location: str = ""
    version: str = ""
    package: str = ""
    contract: Mapping[str, Any] = field(default_factory=dict)
    expensive_shapes: bool = False
    interrupts: bool = False
    environment: Environment = field(default_factory=Environment)
    _earlier: EarlierResults = field(default_factory=EarlierResults)

    @property
    def differentiated(self) -> bool:
        """Whether the gradient comes from the framework, because the target has none of its own."""
        own = self.functions.gradient or self.functions.value_and_gradient
        return own is None and self.functions.loss is not None and self.framework.differentiates

    @property
    def has_loss(self) -> bool:
        """Whether a loss can be asked for."""
        return self.functions.loss is not None or self.functions.value_and_gradient is not None

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient can be asked for."""
        own = self.functions.gradient or self.functions.value_and_gradient
        return own is not None or self.differentiated

    @property
    def has_vjp(self) -> bool:
        """Whether a gradient can be asked for with a cotangent."""
        return self.functions.vjp is not None or self.differentiated

    def stated(self) -> dict[str, Any]:
        """Return what a host is told of this target, in JSON types."""
        return {
            "name": self.name,
            "location": self.location,
            "version": self.version,
            "package": self.package,
            "framework": self.framework.name,
            "contract": dict(self.contract),
            "has_loss": self.has_loss,
            "has_gradient": self.has_gradient,
            "has_vjp": self.has_vjp,
            "has_hessian_vector": self.functions.hessian_vector is not None,
            "expensive_shapes": self.expensive_shapes,
        }

    def evaluate(
        self, batch: Batch, want: Sequence[str] = ("loss", "gradient"), upstream: NDArray[Any] | None = None
    ) -> Outcome:
        """Return the loss and the gradient of a batch, as far as wanted and offered, and what was observed.

        Parameters
        ----------
        batch : Batch
        want : sequence of {"loss", "gradient"}
        upstream : ndarray, optional
            The cotangent of the loss, for targets with `has_vjp`.
        """
        wants_loss = "loss" in want and self.has_loss
        wants_gradient = "gradient" in want and self.has_gradient
        if upstream is not None and wants_gradient and not self.has_vjp:
            raise ValueError(f"The target {self.name} takes no cotangent.")
        results: dict[str, NDArray[Any]] = {}
        seen: set[str] = set()
        raised = None
        try:
            self._evaluate(_Calls(self, batch, results, seen), wants_loss, wants_gradient, upstream)
        except _Stop as stop:
            raised = stop.raised
        return Outcome(results.get("loss"), results.get("gradient"), raised, observations=tuple(sorted(seen)))

    def _evaluate(self, calls: _Calls, wants_loss: bool, wants_gradient: bool, upstream: NDArray[Any] | None) -> None:
        has = self.functions
        if wants_loss and wants_gradient and upstream is None and has.value_and_gradient is not None:
            calls.pair(has.value_and_gradient)
            return
        if wants_gradient and self.differentiated and (has.vjp is None or upstream is None):
            assert has.loss is not None
            calls.differentiate(has.loss, upstream, wants_loss)
            return
        if wants_loss:
            if has.loss is not None:
                calls.single("loss", has.loss)
            elif has.value_and_gradient is not None:
                calls.pair(has.value_and_gradient, only="loss")
        # Trying the loss may have shown which framework it is of.
        if wants_gradient:
            if upstream is not None and has.vjp is not None:
                calls.single("gradient", has.vjp, upstream)
            elif has.gradient is not None:
                calls.single("gradient", has.gradient)
            elif has.value_and_gradient is not None:
                calls.pair(has.value_and_gradient, only="gradient")


class _Calls:
    """The calls of one evaluation; each sees fresh arrays."""

    def __init__(self, target: Target, batch: Batch, results: dict[str, NDArray[Any]], seen: set[str]) -> None:
        self._target = target
        self._batch = batch
        self._results = results
        self._seen = seen

    def single(self, part: str, function: Function, *further: NDArray[Any]) -> None:
        """Call a function that returns the loss or the gradient."""
        value, given = self._tried(part, lambda framework: self._plain(part, framework, function, further))
        self._record(part, value, given)

    def pair(self, function: Function, only: str = "") -> None:
        """Call a function that returns (loss, gradient)."""
        value, given = self._tried("loss", lambda framework: self._plain("loss", framework, function, ()))
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            message = f"returned {type(value).__name__}, but a pair (loss, gradient) is wanted"
            raise _Stop(Raised("TypeError", message, "convert"))
        for part, item in (("loss", value[0]), ("gradient", value[1])):
            if only in ("", part):
                self._record(part, item, given)

    def differentiate(self, loss: Function, upstream: NDArray[Any] | None, wants_loss: bool) -> None:
        """Call the loss and have its framework differentiate it."""
        framework = self._target.framework
        given, arguments, options = self._arguments(framework)
        position = 1 if self._target.convention.labels_first else 0
        with self._target.environment.watched(self._seen):
            value, pull = self._guarded(
                "loss", lambda: framework.forward(loss, arguments, position, options, upstream)
            )
            if wants_loss:
                self._record("loss", value, given)
            gradient = self._guarded("gradient", pull)
        self._notice(given)
        self._record("gradient", gradient, given)

    def _plain(
        self, part: str, framework: NumpyFramework, function: Function, further: tuple[NDArray[Any], ...]
    ) -> tuple[Any, list[Given]]:
        given, arguments, options = self._arguments(framework)
        extra = tuple(framework.present(np.array(array))[0] for array in further)
        try:
            with self._target.environment.watched(self._seen):
                return self._guarded(part, lambda: framework.call(function, (*arguments, *extra), options)), given
        finally:
            self._notice(given)

    def _tried(self, part: str, call: Callable[[NumpyFramework], tuple[Any, list[Given]]]) -> tuple[Any, list[Given]]:
        """Call with numpy arrays, or with tensors if the target turns out to want them."""
        target = self._target
        try:
            answer = call(target.framework)
        except _Stop as stop:
            if target.settled or "torch" not in sys.modules or stop.raised.kind not in _REFUSALS:
                raise
            framework = framework_named("torch")
            with suppress(_Stop):
                answer = call(framework)
                target.framework, target.settled = framework, True
                return answer
            raise
        target.settled = True
        return answer

    def _arguments(self, framework: NumpyFramework) -> tuple[list[Given], tuple[Any, ...], dict[str, Any]]:
        convention = self._target.convention
        scores, labels, options = convention.present(self._batch)
        native = {}
        watched = []
        for name, given in (("scores", scores), ("labels", labels), *options.items()):
            if isinstance(given, Given):
                native[name], memory = framework.present(given.array)
                watched.append(Given(given.role, memory, given.original))
            else:
                native[name] = given
        ordered = convention.order(native.pop("scores"), native.pop("labels"))
        return watched, ordered, {**convention.keywords, **native}

    def _guarded(self, part: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except KeyboardInterrupt as error:
            if self._target.interrupts:
                raise
            raise _Stop(raised_by(error, part)) from None
        except BaseException as error:
            raise _Stop(raised_by(error, part)) from None

    def _notice(self, given: list[Given]) -> None:
        """Observe inputs and earlier results after a call."""
        self._seen.update(f"{item.role}-changed" for item in given if item.changed)
        if self._target._earlier.changed():
            self._seen.add("earlier-result-changed")

    def _record(self, part: str, value: Any, given: list[Given]) -> None:
        """Keep a result, as an array of its own."""
        try:
            array = host_array(value)
        except Exception as error:
            raise _Stop(Raised(type(error).__name__, f"the {part} {error}", "convert")) from None
        if self._target.framework.mutable or is_tensor(value):
            if any(np.may_share_memory(array, item.array) and np.shares_memory(array, item.array) for item in given):
                self._seen.add(f"{part}-aliases-input")
            self._target._earlier.keep(array)
        own = np.array(array)
        self._results[part] = self._target.convention.gradient_of(own) if part == "gradient" else own


_REFUSALS = ("TypeError", "AttributeError", "RuntimeError")
