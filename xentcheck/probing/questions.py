"""A target and its contract so far: what is asked, and what the contract says that the answers should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes
from xentcheck.contract import Contract
from xentcheck.contract.declaration import KEYS
from xentcheck.probing.asking import Asking, identity
from xentcheck.probing.compare import TOLERANCE, Floats, answered, same, without_axis
from xentcheck.probing.names import stated_ignored
from xentcheck.probing.show import idle, said, shown, shown_scores
from xentcheck.targets import Host
from xentcheck.truth.ball import Ball
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.reductions import divisor

_USUAL = Contract().as_mapping()
_OF_THE_CALL = frozenset(("argument_order", "axis", "extra_axes", "label_shapes", "label_dtypes", "dense_label_dtypes"))
"""Keys that say how a target is called, and nothing of the numbers that it returns."""


class Questions(Asking):
    """A target, how it is called, and what is known of its contract so far.

    What it does that no contract says is known here, too, and enters what is said: `guard` is added to what a sum is
    divided by, with the options and of the parts that are `blurred` an answer in float64 is as accurate as one in
    float32, and an `axis_of_one` that losses have is taken away; with `narrow` answers of other numbers of classes are
    another matter. Answers that are `unexplained` by a constant are not looked at again.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.avoided = frozenset(stated_ignored(host.settings()))
        self.guard = 0.0
        self.blurred: set[str] = set()
        self.axis_of_one = ""
        self.narrow = False
        self.predictions: dict[Any, Floats] = {}
        self._known: dict[Any, Floats] = {}
        self._own: tuple[Contract | None, dict[str, Any]] = (None, {})
        self.unexplained: set[Any] = set()
        self.narrowly: list[Any] = []

    def numbers(self, batch: Batch, part: str | None = None) -> Floats | None:
        """Return the loss or the gradient of a batch in float64, or None where there is none."""
        numbers = super().numbers(batch, part)
        loss = (part or self.part) == "loss"
        return without_axis(numbers, self.axis_of_one) if loss and numbers is not None else numbers

    def of_a_row(self, batch: Batch) -> float | None:
        """Return the loss of a batch that is one row, however often it is given; None where there is none."""
        got = self.numbers(batch)
        if got is None or got.size != (batch.n if self.contract.reduction == "none" else 1):
            return None
        return self.once(float(got.reshape(-1)[0]))

    def once(self, loss: float) -> float:
        """Return the loss of a row, of what is returned where it is given several times."""
        return loss / self.repeats if self.contract.reduction == "sum" else loss

    def came(self, batch: Batch, part: str | None = None) -> str:
        """Return in words what came of a batch, as a loss or its gradient, or what was raised."""
        numbers = self.numbers(batch, part)
        return said(self.ask(batch, part), part or self.part) if numbers is None else answered(numbers)

    def predict(self, batch: Batch, part: str | None = None, **changes: Any) -> Floats:
        """Return what the contract says of a batch, with some keys changed."""
        part, stated = part or self.part, self._stated(changes)
        extra_axes = KEYS["extra_axes"].read("extra_axes", changes.get("extra_axes", self.contract.extra_axes))
        key = (part, *_asked_of(batch), *sorted((name, repr(value)) for name, value in stated.items()))
        if key not in self._known:
            self._known[key] = _enclosed(Contract.from_mapping(stated), batch, part)
        wanted = self._known[key]
        if self.guard and (by := self.divided_by(batch, **changes)):
            wanted = wanted * (by / (by + self.guard))
        sizes = row_sizes(extra_axes, batch.n, batch.m)
        if part == "gradient":
            return wanted.reshape(*sizes, batch.m)
        return wanted.reshape(sizes) if wanted.ndim else wanted

    def _stated(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a contract with some keys changed says of numbers: its keys that are no defaults.

        How the target is called is not among them.
        """
        if self._own[0] is not self.contract:
            self._own = self.contract, _of_numbers(self.contract.as_mapping())
        return _of_numbers({**self._own[1], **self._sensible(changes)})

    def divided_by(self, batch: Batch, **changes: Any) -> float | None:
        """Return what the sum over the rows is divided by; None where it is not."""
        contract = self.contract.replace(**self._sensible(changes))
        return _divided_by(pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options)))

    def agrees(self, batch: Batch, part: str | None = None, tolerance: float | None = None, **changes: Any) -> bool:
        """Return whether the target answers as the contract says, with some keys changed."""
        limit = self.tolerance(batch, tolerance, part)
        return same(self.numbers(batch, part), self.predict(batch, part, **changes), limit)

    def choose(
        self, batch: Batch, candidates: Sequence[Mapping[str, Any]], part: str | None = None
    ) -> tuple[list[Mapping[str, Any]], str]:
        """Return those of several changes of the contract that explain the answer, and the evidence in words."""
        got = self.numbers(batch, part)
        limit = self.tolerance(batch, None, part)
        fits = [one for one in candidates if same(got, self.predict(batch, part, **one), limit)]
        return fits, f"{self.shown(batch)}: {self.came(batch, part)}"

    def shown(self, batch: Batch) -> str:
        """Return a batch in words, without the labels that an entropy is not given."""
        return (shown_scores if self.contract.is_entropy else shown)(batch)

    def tolerance(self, batch: Batch, given: float | None = None, part: str | None = None) -> float:
        """Return how far an answer may be from what is said, relative to the larger of that and 1."""
        at_work = (key for key, value in batch.options.items() if not idle(key, value))
        blurred = not self.blurred.isdisjoint((part or self.part, *at_work))
        return given or max(TOLERANCE[batch.dtype], TOLERANCE["float32"] if blurred else 0.0)


def _of_numbers(stated: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stated.items() if key not in _OF_THE_CALL and value != _USUAL[key]}


def _asked_of(batch: Batch) -> tuple[Any, ...]:
    """Return what of a batch its loss depends on: not the dtype or the shape in which its labels are given."""
    labels = np.asarray(batch.labels, np.float64).tobytes()
    options = tuple((key, identity(np.asarray(value))) for key, value in batch.options.items())
    return identity(batch.scores), batch.label_form, labels, options


def _enclosed(contract: Contract, batch: Batch, part: str) -> Floats:
    problem = pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options))
    found = enclose(problem, gradient=part == "gradient")
    enclosed = found.loss if part == "loss" else found.gradient
    assert enclosed is not None
    return enclosed.hi


def _divided_by(problem: Problem) -> float | None:
    if problem.contract.reduction == "sum":
        return problem.divisor
    return float(divisor(problem, Ball).high[0]) if problem.contract.reduction == "mean" else None
