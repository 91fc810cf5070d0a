"""Paths: a target with labels of one form, as calls that can be timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck import reference
from xentcheck.batches.batch import Batch
from xentcheck.targets.call.convention import Convention
from xentcheck.targets.call.observe import Given
from xentcheck.targets.call.target import Functions, Target

Call = Callable[[], Any]


class Path:
    """A target and the labels that it is given.

    Parameters
    ----------
    target : Target
    form : {"sparse", "onehot"}
    """

    def __init__(self, target: Target, form: str) -> None:
        self.target = target
        self.form = form

    @property
    def countable(self) -> bool:
        """Whether tracemalloc sees what the target allocates: numpy tells it, frameworks do not."""
        return self.target.framework.name == "numpy"

    def offers(self, part: str) -> bool:
        """Whether the target has a part: "loss", "gradient" or "both"."""
        target = self.target
        return (part == "gradient" or target.has_loss) and (part == "loss" or target.has_gradient)

    def prepare(self, batch: Batch, part: str) -> tuple[Call, Callable[[], list[str]]]:
        """Return the call, and what tells which of its inputs it has overwritten.

        Everything is converted beforehand; the call is the target's own work, differentiation included.
        """
        target = self.target
        scores, labels, options = target.convention.present(batch)
        watched: list[tuple[str, NDArray[Any], NDArray[Any]]] = []

        def native(name: str, given: Given | Any) -> Any:
            if not isinstance(given, Given):
                return given
            presented, memory = target.framework.present(given.array)
            watched.append((name, memory, np.array(memory)))
            return presented

        arguments = target.convention.order(native("scores", scores), native("labels", labels))
        keywords = {**target.convention.keywords, **{name: native(name, value) for name, value in options.items()}}
        call = self._call(part, arguments, keywords, batch)

        def overwritten() -> list[str]:
            return [name for name, memory, before in watched if not np.array_equal(memory, before)]

        return (lambda: target.framework.finished(call())), overwritten

    def _call(self, part: str, arguments: tuple[Any, ...], keywords: dict[str, Any], batch: Batch) -> Call:
        target, has = self.target, self.target.functions
        framework = target.framework

        def called(function: Callable[..., Any]) -> Call:
            return lambda: framework.call(function, arguments, keywords)

        if part == "loss":
            function = has.loss or has.value_and_gradient
            assert function is not None
            return called(function)
        if target.differentiated:
            loss = has.loss
            assert loss is not None
            position = 1 if target.convention.labels_first else 0

            def differentiated() -> Any:
                value, pull = framework.forward(loss, arguments, position, keywords, None)
                return value, pull()

            return differentiated
        if has.value_and_gradient is not None and (part == "both" or has.gradient is None):
            return called(has.value_and_gradient)
        gradient, given = has.gradient, arguments
        if gradient is None:
            ones = target.convention.cotangent(target.convention.ones(batch.n), batch)
            gradient, given = has.vjp, (*arguments, framework.present(ones)[0])
        assert gradient is not None
        derive = gradient

        def second() -> Any:
            return framework.call(derive, given, keywords)

        if part == "gradient":
            return second
        assert has.loss is not None
        first = called(has.loss)
        return lambda: (first(), second())


def reference_path(contract: dict[str, Any], form: str) -> Path:
    """Return the reference for the input and the reduction of a contract."""
    kind = "_from_probabilities" if contract.get("input") == "probabilities" else ""
    reduction = contract.get("reduction", "mean")
    # Softmax undoes the logarithm, so that log-probabilities are as good as logits.
    names = {"loss": f"{form}_loss{kind}", "gradient": f"{form}_gradient{kind}"}
    found = {role: getattr(reference, name) for role, name in names.items()}
    together = getattr(reference, f"{form}_loss_and_gradient{kind}", None)
    functions = Functions(**found, value_and_gradient=together)
    return Path(Target(functions, Convention(keywords={"reduction": reduction}), name="reference"), form)
