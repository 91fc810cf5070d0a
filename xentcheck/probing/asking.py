"""Asking a target about batches: each question once, several as one message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract.declaration import OPTIONS
from xentcheck.probing.compare import Floats
from xentcheck.probing.few_shapes import pieces, together
from xentcheck.probing.ordinary import Ordinary
from xentcheck.probing.show import shown
from xentcheck.targets import Host, Outcome, TargetError
from xentcheck.targets.question import Question


class HangError(TargetError):
    """The target gave no answer within its limit of time."""


class Asking(Ordinary):
    """A target, and what it answered.

    With `opposite` a mask is given that says which rows do not count. Where each shape costs a compilation, parts of an
    answer that are known to be `independent` in each row are asked for in calls of few rows.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.host = host
        self.description = host.ready()
        self.part = "loss" if self.description.has_loss else "gradient"
        self.opposite = False
        self.independent: set[str] = set()
        self.calls = 0
        self._outcomes: dict[Any, Outcome] = {}

    def learn(self, **changes: Any) -> None:
        """Take keys of the contract as known, and have the target called by them."""
        before, self.contract = self.contract, self.contract.replace(**self._sensible(changes))
        called = ("argument_order", "axis", "extra_axes", "is_entropy", "effective_gradient_reduction", *OPTIONS)
        if any(getattr(before, key) != getattr(self.contract, key) for key in called):
            self.host.follow(self.contract.as_mapping())
            self.description = self.host.description

    def look_again(self) -> None:
        """Find out once more what framework the target is of, by labels that it is known to answer."""
        self.description = self.host.ready()
        shape = "(n,1)" if self.wide else "(n,)"
        answered = {"labels": [self.form], "label_shapes": [shape], "domain": {"classes": [self.m, self.m]}}
        # A constant of float32 within meets tensors of float64 in what takes arrays of numpy in both.
        for dtype in dict.fromkeys((self.dtype, "float32")):
            if not self.description.has_gradient:
                self.host.follow({**self.contract.as_mapping(), **answered, "dtypes": [dtype]})
                self.description = self.host.ready()
                self.dtype = dtype if self.description.has_gradient else self.dtype

    def ask(self, batch: Batch, part: str | None = None) -> Outcome:
        """Return what the target makes of a batch."""
        part = part or self.part
        key = self._asked(batch, part)
        if key not in self._outcomes and part != self.part and self.description.expensive_shapes:
            self._ask_together(batch)
        if key not in self._outcomes:
            self._outcomes[key] = self.ask_again(batch, part)
        return self._outcomes[key]

    def _ask_together(self, batch: Batch) -> None:
        """Ask for loss and gradient in one call, as most others do: the gradient alone would be compiled once more."""
        (outcome,) = self._evaluated([Question(self._given(batch), self.parts)])
        if outcome.raised is None and not outcome.died:
            for part in self.parts:
                self._outcomes.setdefault(self._asked(batch, part), outcome)

    def ask_again(self, batch: Batch, part: str | None = None) -> Outcome:
        """Return what the target makes of a batch, whether or not it was asked before."""
        (outcome,) = self._evaluated([Question(self._given(batch), (part or self.part,))])
        return outcome

    def ask_all(self, batches: Iterable[Batch], *parts: str) -> None:
        """Ask about several batches as one message, all parts of each in one call; `ask` has the answers then.

        Where such a call raises, it is left to `ask` to find out which part does.
        """
        new: dict[Any, Question] = {}
        for batch in batches:
            want = [part for part in parts or (self.part,) if self._asked(batch, part) not in self._outcomes]
            if want:
                new[self._asked(batch, want[0])] = Question(self._given(batch), want)
        for question, outcome in zip(new.values(), self._evaluated(list(new.values())), strict=True):
            if len(question.want) == 1 or (outcome.raised is None and not outcome.died):
                for part in question.want:
                    self._outcomes[self._asked(question.batch, part)] = outcome

    def _evaluated(self, questions: Sequence[Question]) -> list[Outcome]:
        """Return what comes of each question, in as many calls as its batch is cut into."""
        cut = [self._pieces(one) for one in questions]
        asked = [replace(one, batch=batch) for one, found in zip(questions, cut, strict=True) for batch in found]
        answers = []
        for one, outcome in zip(asked, self.host.evaluate_each(asked), strict=True):
            self.calls += 1
            answers.append(self._in_time(one.batch, outcome))
        return [
            self._joined(one, found, [answers.pop(0) for _ in found]) for one, found in zip(questions, cut, strict=True)
        ]

    def _pieces(self, question: Question) -> list[Batch]:
        alike = self.description.expensive_shapes and set(question.want) <= self.independent
        if not alike or self.contract.extra_axes != (0,):
            return [question.batch]
        return pieces(question.batch, self.few, self.contract.input)

    def _joined(self, question: Question, found: Sequence[Batch], outcomes: Sequence[Outcome]) -> Outcome:
        if found[0] is question.batch:
            return outcomes[0]
        if (joined := together(outcomes, question, found[0].n)) is not None:
            return joined
        self.calls += 1
        return self._in_time(question.batch, self.host.evaluate(question.batch, question.want))

    @property
    def parts(self) -> list[str]:
        """What can be asked for: the loss, if there is one, and the gradient."""
        both = self.part == "loss" and self.description.has_gradient
        return [self.part, "gradient"] if both else [self.part]

    def _asked(self, batch: Batch, part: str) -> Any:
        """Return what a question is known by: the call, part and batch."""
        each_row = part == "gradient" and self.contract.effective_gradient_reduction == "none"  # of a vjp's cotangent
        called: tuple[Any, ...] = (self.contract.argument_order, self.contract.axis, self.contract.extra_axes)
        called += (part, each_row, self.opposite, self.contract.is_entropy)
        called_by = tuple(self.contract.arguments.items())
        # One-hot rows are the same call whether they are read as soft rows or not.
        return (
            *called,
            called_by,
            batch.label_form == "sparse",
            *map(identity, (batch.scores, batch.labels)),
            _options_of(batch),
        )

    def _given(self, batch: Batch) -> Batch:
        """Return a batch as the target is given it, whose mask may say which rows do not count."""
        if not self.opposite or "row_weights" not in batch.options:
            return batch
        counts = np.asarray(batch.options["row_weights"])
        return batch.replace(options={**batch.options, "row_weights": (1 - counts).astype(counts.dtype)})

    def _in_time(self, batch: Batch, outcome: Outcome) -> Outcome:
        if outcome.died.startswith("no answer"):
            raise HangError(
                f"{self.description.name} gave {outcome.died} for {shown(batch)}; "
                "a target that hangs cannot be probed, see --time-limit."
            )
        return outcome

    def numbers(self, batch: Batch, part: str | None = None) -> Floats | None:
        """Return the loss or the gradient of a batch in float64, or None where there is none."""
        return self.read(getattr(self.ask(batch, part), part or self.part))

    def read(self, returned: NDArray[Any] | None) -> Floats | None:
        """Return what came back in float64, the sign of log-probabilities turned; None where it is no real number."""
        if returned is None or returned.dtype.kind == "c":
            return None
        with np.errstate(all="ignore"):
            numbers = np.asarray(returned).astype(np.float64)
        return -numbers if self.contract.sign < 0 else numbers


def identity(array: NDArray[Any]) -> tuple[Any, ...]:
    """Return what tells an array from others, to the last bit."""
    return array.dtype.name, array.shape, array.tobytes()


def _options_of(batch: Batch) -> tuple[Any, ...]:
    return tuple((key, identity(np.asarray(value))) for key, value in batch.options.items())
