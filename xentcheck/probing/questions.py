"""Asking a target about small batches, and what a contract says that the answers should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.batches.extra_axes import row_sizes
from xentcheck.contract import Contract
from xentcheck.contract.declaration import KEYS, OPTIONS
from xentcheck.contract.key import At
from xentcheck.probing.compare import TOLERANCE, Floats, answered, same
from xentcheck.probing.show import shown
from xentcheck.targets import Host, Outcome, TargetError
from xentcheck.targets.question import Question
from xentcheck.truth.ball import Ball
from xentcheck.truth.enclose import enclose
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.reductions import divisor

_LOGITS = ((1.0, -2.0, 0.5, 0.25), (0.0, 2.0, -1.0, 0.5), (-1.5, 0.25, 1.0, -0.75))
_P = {
    3: ((0.5, 0.3125, 0.1875), (0.125, 0.25, 0.625), (0.0625, 0.1875, 0.75)),
    2: ((0.625, 0.375), (0.25, 0.75), (0.8125, 0.1875)),
}
"""Rows that sum to 1 exactly in every dtype."""


class HangError(TargetError):
    """The target gave no answer within its limit of time."""


class Questions:
    """A target, how it is called, and what is known of its contract so far.

    What it does that no contract says is known here, too, and enters what is said and given: `guard` is added to what a
    sum is divided by; with `opposite` a mask says which rows do not count.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.description = host.ready()
        self.contract = Contract()
        self.part = "loss" if self.description.has_loss else "gradient"
        self.dtype = "float64"
        self.form = "sparse"
        self.label_dtype = ""
        self.wide = False
        self.m = 3
        self.guard = 0.0
        self.opposite = False
        self.calls = 0
        self.predictions: dict[Any, Floats] = {}
        self._outcomes: dict[Any, Outcome] = {}

    def learn(self, **changes: Any) -> None:
        """Take keys of the contract as known, and have the target called by them."""
        before, self.contract = self.contract, self.contract.replace(**self._sensible(changes))
        called = ("argument_order", "axis", "extra_axes", "effective_gradient_reduction", *OPTIONS)
        if any(getattr(before, key) != getattr(self.contract, key) for key in called):
            self.host.follow(self.contract.as_mapping())
            self.description = self.host.description

    def look_again(self) -> None:
        """Find out once more what framework the target is of, by labels that it is known to answer."""
        self.description = self.host.ready()
        if not self.description.has_gradient:
            shape = "(n,1)" if self.wide else "(n,)"
            known = {"labels": [self.form], "label_shapes": [shape], "dtypes": [self.dtype]}
            self.host.follow({**self.contract.as_mapping(), **known})
            self.description = self.host.ready()

    def _sensible(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return changes without what only logits can have, where the scores are taken for something else."""
        other = changes.get("input", self.contract.input) != "logits"
        return {**changes, **{key: None for key, record in KEYS.items() if record.of_logits and other}}

    def neutral(self, n: int, m: int, dtype: str) -> dict[str, Any]:
        """Return values of the options that are arguments with which they do nothing."""
        form = FORMATS[dtype]
        given = {
            "class_weights": np.ones(m, form.dtype),
            "row_weights": self._row_weights(np.ones(n), form.dtype),
            "label_smoothing": 0.0,
            "z_loss": 0.0,
            "ignore_index": -100,
            "soft_cap": OPTIONS["soft_cap"].value("off", At(m, form.unit_roundoff, form.normal_exponent)),
            "temperature": 1.0,
            "divisor": 1.0,
        }
        return {key: given[key] for key in self.contract.arguments}

    def batch(
        self, scores: Any, labels: Any, form: str | None = None, dtype: str | None = None, **options: Any
    ) -> Batch:
        """Return a batch of the form and dtype in which the target is known to answer.

        Parameters
        ----------
        scores : array_like, shape (n, m)
        labels : array_like, shape (n,) or (n, m)
            Class numbers are made one-hot rows where the form is a dense one.
        """
        name, form = dtype or self.dtype, form or self.form
        with np.errstate(over="ignore"):
            given = np.asarray(scores, np.float64).astype(FORMATS[name].dtype)
        if given.ndim != 2:
            given = given.reshape(0, self.m)
        asked = np.asarray(labels)
        if form == "sparse":
            made = asked.reshape(-1, 1) if self.wide else asked.reshape(-1)
            made = made.astype(self.label_dtype if self.form == "sparse" and self.label_dtype else np.int64)
        else:
            dense = one_hot(asked, given.shape[1], np.float64) if asked.ndim < 2 else asked
            made = dense.astype(self.label_dtype if self.form != "sparse" and self.label_dtype else given.dtype)
        neutral = self.neutral(given.shape[0], given.shape[1], name)
        if "class_weights" in options:
            options["class_weights"] = np.asarray(options["class_weights"], np.float64).astype(given.dtype)
        if "row_weights" in options:
            options["row_weights"] = self._row_weights(options["row_weights"], given.dtype)
        return Batch(given, made, form, {**neutral, **options}, family="probe")

    def _row_weights(self, values: Any, dtype: Any) -> NDArray[Any]:
        """Return weights of the rows as the contract has them."""
        kind = self.contract.row_weights_as
        return np.asarray(values, np.float64).astype(np.bool_ if kind == "bool" else dtype)

    def plain(self, n: int, **more: Any) -> Batch:
        """Return a batch of ordinary rows of what the scores are known to be."""
        return self.batch(self.rows(n), self.labels(n), **more)

    def wider(self) -> Batch:
        """Return two ordinary rows with one class more: what is eps/m there is no eps/(m - 1) of another eps."""
        self.m += 1
        try:
            return self.plain(2)
        finally:
            self.m -= 1

    @property
    def few(self) -> int:
        """How many rows most batches have: another number than there are classes, which shows what is of which.

        It is always the same, since a framework may compile each shape that is new.
        """
        return 2 if self.m > 2 else 3

    @property
    def numbers_of_rows(self) -> tuple[int, ...]:
        """How many rows batches have that are to tell what depends on their number, as options have them."""
        return (1, 2, 4) if self.m == 3 else (1, 2, 3)

    def labels(self, n: int) -> tuple[int, ...]:
        """Return the labels of ordinary rows; class 0, which may be an ignored one, where there is need."""
        own = (1, 0, 1) if self.m == 2 else (1, 2, 1, 2)
        return tuple(own[row] if row < len(own) else row % self.m for row in range(n))

    def ignored(self) -> tuple[int, dict[str, Any]]:
        """Return a label that is ignored, and the option that says so: a class, which every target can index."""
        declared: Any = self.contract.ignore_index
        return (declared, {}) if isinstance(declared, int) else (self.m - 1, {"ignore_index": self.m - 1})

    def rows(self, n: int, kind: str | None = None) -> Floats:
        """Return ordinary rows of scores, shape (n, m); after three, these with their classes moved on."""
        kind = kind or self.contract.input
        if n > 3:
            return np.vstack([np.roll(self.rows(3, kind), turn, axis=1) for turn in range(n // 3 + 1)])[:n]
        if kind == "logits":
            return np.tile(np.array(_LOGITS), self.m // 4 + 1)[:n, : self.m]
        rows = np.array(_P[min(self.m, 3)])[:n]
        while rows.shape[1] < self.m:
            rows = np.hstack([rows[:, :-1], rows[:, -1:] / 2, rows[:, -1:] / 2])
        return rows if kind == "probabilities" else np.log(rows)

    def ask(self, batch: Batch, part: str | None = None) -> Outcome:
        """Return what the target makes of a batch."""
        part = part or self.part
        key = self._asked(batch, part)
        if key not in self._outcomes:
            self._outcomes[key] = self.ask_again(batch, part)
        return self._outcomes[key]

    def ask_again(self, batch: Batch, part: str | None = None) -> Outcome:
        """Return what the target makes of a batch, whether or not it was asked before."""
        self.calls += 1
        return self._in_time(batch, self.host.evaluate(self._given(batch), (part or self.part,)))

    def ask_all(self, batches: Iterable[Batch], *parts: str) -> None:
        """Ask about several batches as one message, all parts of each in one call; `ask` has the answers then.

        Where such a call raises, it is left to `ask` to find out which part does.
        """
        new: dict[Any, Question] = {}
        for batch in batches:
            want = [part for part in parts or (self.part,) if self._asked(batch, part) not in self._outcomes]
            if want:
                new[self._asked(batch, want[0])] = Question(self._given(batch), want)
        for question, outcome in zip(new.values(), self.host.evaluate_each(list(new.values())), strict=True):
            self.calls += 1
            self._in_time(question.batch, outcome)
            if len(question.want) == 1 or (outcome.raised is None and not outcome.died):
                for part in question.want:
                    self._outcomes[self._asked(question.batch, part)] = outcome

    @property
    def parts(self) -> list[str]:
        """What can be asked for: the loss, if there is one, and the gradient."""
        both = self.part == "loss" and self.description.has_gradient
        return [self.part, "gradient"] if both else [self.part]

    def _asked(self, batch: Batch, part: str) -> Any:
        """Return what a question is known by: the call, part and batch."""
        each_row = part == "gradient" and self.contract.effective_gradient_reduction == "none"  # of a vjp's cotangent
        called: tuple[Any, ...] = (self.contract.argument_order, self.contract.axis, self.contract.extra_axes)
        called += (part, each_row, self.opposite)
        called_by = tuple(self.contract.arguments.items())
        return (*called, called_by, batch.label_form, *map(identity, (batch.scores, batch.labels)), _options_of(batch))

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

    def predict(self, batch: Batch, part: str | None = None, **changes: Any) -> Floats:
        """Return what the contract says of a batch, with some keys changed."""
        contract = self.contract.replace(**self._sensible(changes)) if changes else self.contract
        problem = pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options))
        part = part or self.part
        found = enclose(problem, gradient=part == "gradient")
        enclosed = found.loss if part == "loss" else found.gradient
        assert enclosed is not None
        wanted = enclosed.hi
        if self.guard and (by := _divided_by(problem)):
            wanted = wanted * (by / (by + self.guard))
        sizes = row_sizes(contract.extra_axes, batch.n, batch.m)
        if part == "gradient":
            return wanted.reshape(*sizes, batch.m)
        return wanted.reshape(sizes) if wanted.ndim else wanted

    def divided_by(self, batch: Batch, **changes: Any) -> float | None:
        """Return what the sum over the rows is divided by; None where it is not."""
        contract = self.contract.replace(**self._sensible(changes))
        return _divided_by(pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options)))

    def agrees(self, batch: Batch, part: str | None = None, tolerance: float | None = None, **changes: Any) -> bool:
        """Return whether the target answers as the contract says, with some keys changed."""
        return same(self.numbers(batch, part), self.predict(batch, part, **changes), self.tolerance(batch, tolerance))

    def choose(
        self, batch: Batch, candidates: Sequence[Mapping[str, Any]], part: str | None = None
    ) -> tuple[list[Mapping[str, Any]], str]:
        """Return those of several changes of the contract that explain the answer, and the evidence in words."""
        got = self.numbers(batch, part)
        fits = [one for one in candidates if same(got, self.predict(batch, part, **one), self.tolerance(batch))]
        return fits, f"{shown(batch)}: {answered(got)}"

    def tolerance(self, batch: Batch, given: float | None = None) -> float:
        """Return how far an answer may be from what is said, relative to the larger of that and 1."""
        return given or TOLERANCE[batch.dtype]


def _divided_by(problem: Problem) -> float | None:
    if problem.contract.reduction == "sum":
        return problem.divisor
    return float(divisor(problem, Ball).high[0]) if problem.contract.reduction == "mean" else None


def identity(array: NDArray[Any]) -> tuple[Any, ...]:
    """Return what tells an array from others, to the last bit."""
    return array.dtype.name, array.shape, array.tobytes()


def _options_of(batch: Batch) -> tuple[Any, ...]:
    return tuple((key, identity(np.asarray(value))) for key, value in batch.options.items())
