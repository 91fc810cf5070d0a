"""The calls of one evaluation: each on fresh arrays, its result read, its side effects observed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.targets.call.convert import NotAnArrayError, host_array, is_tensor
from xentcheck.targets.call.framework import NumpyFramework
from xentcheck.targets.call.frameworks import framework_named, imported
from xentcheck.targets.call.observe import Given
from xentcheck.targets.call.trace import module_of, raised_by
from xentcheck.targets.outcome import Raised

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xentcheck.targets.call.target import Target

    Function = Callable[..., Any]


class StoppedError(Exception):
    """Ends an evaluation after the target raised."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(raised.message)
        self.raised = raised


class Calls:
    """The calls of one evaluation; each sees fresh arrays."""

    def __init__(self, target: Target, batch: Batch, results: dict[str, NDArray[Any]], seen: set[str]) -> None:
        self._target = target
        self._batch = batch
        self._results = results
        self._seen = seen

    def single(self, part: str, function: Function, *further: NDArray[Any]) -> None:
        """Call a function that returns the loss or the gradient, with cotangents as arguments after the labels."""
        shaped = (self._target.convention.cotangent(item, self._batch) for item in further)
        watched = tuple(Given("upstream", one, one.copy()) for one in shaped)
        value, given = self._tried(part, lambda framework: self._plain(part, framework, function, watched))
        self._record(part, value, given)

    def pair(self, function: Function, only: str = "") -> None:
        """Call a function that returns (loss, gradient)."""
        value, given = self._tried("loss", lambda framework: self._plain("loss", framework, function, ()))
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            message = f"returned {type(value).__name__}, but a pair (loss, gradient) is wanted"
            raise StoppedError(Raised("TypeError", message, "convert"))
        for part, item in (("loss", value[0]), ("gradient", value[1])):
            if only in ("", part):
                self._record(part, item, given)

    def differentiate(self, loss: Function, upstream: NDArray[Any] | None, wants_loss: bool) -> None:
        """Call the loss and have its framework differentiate it."""
        framework = self._target.framework
        given, arguments, options = self._arguments(framework)
        position = 1 if self._target.convention.labels_first else 0
        with self._target.environment.watched(self._seen):
            value, pull = self._guarded("loss", lambda: framework.forward(loss, arguments, position, options, upstream))
            if wants_loss:
                self._record("loss", value, given)
            gradient = self._guarded("gradient", pull)
        self._seen.update(framework.noticed)
        self._notice(given)
        self._record("gradient", gradient, given)

    def directed(self, part: str, function: Function, role: str, direction: NDArray[Any]) -> None:
        """Call a function of a direction: the product of the Hessian with a vector, or a derivative along a tangent."""
        along = self._target.convention.direction(role, direction)
        value, given = self._tried(part, lambda framework: self._plain(part, framework, function, (along,)))
        self._record(part, value, given)

    def differentiate_along(self, part: str, loss: Function, role: str, direction: NDArray[Any]) -> None:
        """Call the loss and have its framework give the same two: "hessian_vector", or "jvp"."""
        framework = self._target.framework
        given, arguments, options = self._arguments(framework)
        position = 1 if self._target.convention.labels_first else 0
        along = framework.present(self._target.convention.direction(role, direction).array)[0]
        derivative = framework.jvp if part == "jvp" else framework.hessian_vector
        with self._target.environment.watched(self._seen):
            found = self._guarded(part, lambda: derivative(loss, arguments, position, options, along))
        self._notice(given)
        self._record(part, found, given)

    def _plain(
        self, part: str, framework: NumpyFramework, function: Function, further: tuple[Given, ...]
    ) -> tuple[Any, list[Given]]:
        given, arguments, options = self._arguments(framework)
        extra = []
        for item in further:
            native, memory = framework.present(np.array(item.array))
            extra.append(native)
            given.append(Given(item.role, memory, item.original))
        try:
            with self._target.environment.watched(self._seen):
                # What is differentiated by its framework has a way of its own, maybe, where it is not to be.
                alone = part == "loss" and self._target.differentiated
                call = framework.call_alone if alone else framework.call
                return self._guarded(part, lambda: call(function, (*arguments, *extra), options)), given
        finally:
            self._notice(given)

    def _tried(self, part: str, call: Callable[[NumpyFramework], tuple[Any, list[Given]]]) -> tuple[Any, list[Given]]:
        """Call with numpy arrays, or with those of a framework if the target turns out to want them."""
        target = self._target
        try:
            answer = call(target.framework)
        except StoppedError as stop:
            if target.settled or stop.raised.kind not in _REFUSALS:
                raise
            others = [name for name in imported() if name != "jax"]  # which takes numpy arrays, too
            furthest = stop
            for framework in map(framework_named, others):
                try:
                    answer = call(framework)
                except StoppedError as further:
                    if _of_wrong_arrays(furthest.raised) and not _of_wrong_arrays(further.raised):
                        furthest = further
                    continue
                target.framework, target.settled = framework, True
                return answer
            raise furthest from None
        target.settled = True
        return answer

    def _arguments(self, framework: NumpyFramework) -> tuple[list[Given], tuple[Any, ...], dict[str, Any]]:
        convention = self._target.convention
        scores, labels, options = convention.present(self._batch)
        native = {}
        watched = []
        passed = {"scores": scores} if convention.scores_only else {"scores": scores, "labels": labels}
        for name, given in (*passed.items(), *options.items()):
            if isinstance(given, Given):
                # What the framework has no array for is refused, as by a target of numpy that does so itself.
                native[name], memory = self._guarded("loss", partial(framework.present, given.array))
                watched.append(Given(given.role, memory, given.original))
            else:
                native[name] = given
        ordered = convention.order(native.pop("scores"), native.pop("labels", None))
        return watched, ordered, {**convention.keywords, **native}

    def _guarded(self, part: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except KeyboardInterrupt as error:
            if self._target.interrupts:
                raise
            raise StoppedError(raised_by(error, part)) from None
        except BaseException as error:
            raise StoppedError(raised_by(error, part)) from None

    def _notice(self, given: list[Given]) -> None:
        """Observe inputs and earlier results after a call."""
        self._seen.update(f"{item.role}-changed" for item in given if item.changed)
        self._seen.update(f"{item.role}-altered" for item in given if item.altered)
        if self._target.earlier.changed():
            self._seen.add("earlier-result-changed")

    def _record(self, part: str, value: Any, given: list[Given]) -> None:
        """Keep a result, as an array of its own."""
        self._target.returned_by = module_of(type(value)).partition(".")[0]
        try:
            array = host_array(self._target.framework.host(value))
        except NotAnArrayError as error:
            raise StoppedError(Raised("TypeError", f"the {part} {error}", "convert")) from None
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and self._target.interrupts:
                raise
            raise StoppedError(raised_by(error, "convert")) from None
        if self._target.framework.mutable or is_tensor(value):
            if any(np.may_share_memory(array, item.array) and np.shares_memory(array, item.array) for item in given):
                self._seen.add(f"{part}-aliases-input")
            self._target.earlier.keep(array)
        own = np.array(array)
        self._results[part] = own if part in ("loss", "jvp") else self._target.convention.gradient_of(own, self._batch)


_REFUSALS = ("TypeError", "AttributeError", "RuntimeError", "ValueError", "IndexError")
"""What a method raises that arrays of numpy have too, under which they understand something else: `x.view(-1, 3)`."""
_WRONG_ARRAYS = ("TypeError", "AttributeError")
"""What comes of arrays that are not the target's kind; what is raised after that says more of a call."""


def _of_wrong_arrays(raised: Raised) -> bool:
    """Return whether an exception is one of arrays that are not those of the target's framework.

    An AttributeError or TypeError, unless it speaks of something else than an array or a tensor: of None, say.
    """
    speaks = any(word in raised.message for word in ("ensor", "rray", "attribute", "argument"))
    return raised.kind in _WRONG_ARRAYS and (speaks or "'NoneType'" not in raised.message)
