"""What a target answered on one batch, beside the certified truth of that batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes
from xentcheck.contract import Contract
from xentcheck.properties.law import Violation
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.allowance import Allowances, conformance
from xentcheck.truth.allowance_model import output_format
from xentcheck.truth.boundaries import as_read
from xentcheck.truth.conditions import Conditions, conditions
from xentcheck.truth.enclose import Enclosed, enclose
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.grades import Bounds, tight
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.verdict import Held, hold

_BY_ROW = ("loss", "jvp")
"""The parts that are one number for each row, or for the batch."""
_CLEAR = 24
"""The precision up to which float64 arithmetic can show a result to be right."""


class Truth:
    """The certified truth of one batch under a contract; calculated when it is asked for."""

    def __init__(
        self,
        contract: Contract,
        batch: Batch,
        upstream: NDArray[Any] | None,
        gradient: bool,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
    ):
        self._given = (contract, batch, upstream, vector, tangent)
        self._gradient = gradient

    @cached_property
    def problem(self) -> Problem:
        """The exact question."""
        contract, batch, upstream, vector, tangent = self._given
        further = {"upstream": upstream, "vector": vector, "tangent": tangent}
        return pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options), **further)

    @cached_property
    def readings(self) -> tuple[Truth, ...]:
        """The truth under each legitimate reading of the boundary's constants; this alone where there is but one."""
        problems = as_read(self.problem)
        if len(problems) == 1:
            return (self,)
        found = tuple(Truth(*self._given[:3], self._gradient, *self._given[3:]) for _ in problems)
        for truth, problem in zip(found, problems, strict=True):
            truth.problem = problem
        return found

    @cached_property
    def as_scores(self) -> Truth:
        """The same with derivatives that came in the dtype of the scores, where the contract names a wider one."""
        problem = self.problem
        if output_format(problem).precision <= problem.format.precision:
            return self
        found = Truth(*self._given[:3], self._gradient, *self._given[3:])
        found.problem = replace(problem, gradient_as_scores=True)
        return found

    @cached_property
    def conditions(self) -> Conditions:
        """The quantities that the allowances are made of."""
        return conditions(self.problem)

    @cached_property
    def enclosed(self) -> Enclosed:
        """The enclosures of loss and gradient."""
        return enclose(self.problem, gradient=self._gradient)

    @cached_property
    def tights(self) -> Bounds:
        """The bounds by which the batch is graded."""
        return tight(self.problem, self.conditions)

    @cached_property
    def allowances(self) -> Allowances:
        """The conformance allowances."""
        return conformance(self.problem, self.conditions)

    def prepare(self) -> None:
        """Calculate now what deciding on an answer takes; enclosures where float64 arithmetic shows nothing."""
        _ = self.allowances.loss, self.allowances.gradient if self._gradient else None
        if self.problem.format.precision > _CLEAR:
            _ = self.enclosed


class Answer:
    """What a target answered on one batch, beside the certified truth.

    `on_look` is called whenever a part has been held against a truth that promises something about it. An answer that
    is still to come has `wait` in place of an outcome: called until `arrived` has been. `parts` are those asked for.
    """

    def __init__(
        self,
        contract: Contract,
        batch: Batch,
        outcome: Outcome | None,
        truth: Truth,
        upstream: NDArray[Any] | None = None,
        on_look: Callable[[], None] = lambda: None,
        wait: Callable[[], None] = lambda: None,
        parts: tuple[str, ...] = (),
    ):
        self.contract = contract
        self.batch = batch
        self._outcome = outcome
        self._wait = wait
        self._truth = truth
        self.upstream = upstream
        self.on_look = on_look
        self._numbers: dict[str, NDArray[np.float64] | None] = {}
        self.parts = parts
        self._held: dict[str, Held | None] = {}
        self._clear: dict[str, bool] = {}

    @property
    def outcome(self) -> Outcome:
        """What the target answered; waits for it."""
        while self._outcome is None:
            self._wait()
        return self._outcome

    def arrived(self, outcome: Outcome) -> None:
        """Take the outcome, when it has come."""
        self._outcome = outcome

    @property
    def truth(self) -> Truth:
        """The certified truth, with allowances for derivatives in the dtype in which they came."""
        if self._outcome is None or self.contract.output_dtype not in FORMATS:
            return self._truth
        derivatives = (self._outcome.gradient, self._outcome.hessian_vector)
        came = any(one is not None and one.dtype == self.batch.scores.dtype for one in derivatives)
        return self._truth.as_scores if came else self._truth

    @property
    def problem(self) -> Problem:
        """The exact question."""
        return self.truth.problem

    @property
    def enclosed(self) -> Enclosed:
        """The certified loss and gradient."""
        return self.truth.enclosed

    @property
    def allowances(self) -> Allowances:
        """How far a legitimate algorithm may be off."""
        return self.truth.allowances

    def expected_shape(self, part: str) -> tuple[int, ...]:
        """Return the shape that the contract gives a part of the answer, its classes last."""
        sizes = row_sizes(self.contract.extra_axes, self.batch.n, self.batch.m)
        if part not in _BY_ROW:
            return (*sizes, self.batch.m)
        return sizes if self.contract.reduction == "none" else ()

    def malformed(self, part: str) -> str:
        """Return what is wrong with the shape or kind of a returned array, or ""."""
        returned = getattr(self.outcome, part)
        if returned is None:
            return ""
        name = self.contract.spoken(part)
        if returned.shape != self.expected_shape(part):
            return f"the {name} has shape {returned.shape}, but must have {self.expected_shape(part)}"
        if returned.dtype.kind not in "fiuV" or (returned.dtype.kind == "V" and returned.dtype.name != "bfloat16"):
            return f"the {name} has dtype {returned.dtype.name}, but must be a real floating-point number"
        return ""

    def numbers(self, part: str) -> NDArray[np.float64] | None:
        """Return a part of the answer as float64, row by row, or None where nothing usable came back.

        Here the sign of log-probabilities is turned, which is exact: truth, allowances and laws are those of a loss.
        """
        if part not in self._numbers:
            self._numbers[part] = self._read(part)
        return self._numbers[part]

    def _read(self, part: str) -> NDArray[np.float64] | None:
        returned = getattr(self.outcome, part)
        if returned is None or self.malformed(part):
            return None
        with np.errstate(over="ignore"):  # a long double may be beyond float64, and the result wrong for that
            numbers = np.asarray(returned).astype(np.float64)
        numbers = -numbers if self.contract.sign < 0 else numbers
        rows = (self.batch.n,) if returned.ndim else ()
        return numbers.reshape(rows if part in _BY_ROW else (*rows, self.batch.m))

    def held(self, part: str) -> Held | None:
        """Return the decision on a part, or None where there is nothing to decide."""
        if part not in self._held:
            self._held[part] = self._decide(part)
        return self._held[part]

    def _decide(self, part: str) -> Held | None:
        got = self.numbers(part)
        if got is None or got.size == 0 or self.enclosed.unspecified:
            return None
        enclosure: Enclosure | None = getattr(self.enclosed, part)
        if enclosure is None:
            return None
        return hold(self.problem, part, got, enclosure, getattr(self.allowances, part))

    def measured(self, part: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return an upper bound of the error of each number and the exact values to float64, or None.

        Where several readings of a constant are legitimate, an element is measured from the nearest of their values.
        """
        got = self.numbers(part)
        if got is None or (not self.clearly_right(part) and self.held(part) is None):
            return None
        error, exact = self._measured_under(self.truth.readings[0], part, got)
        for truth in self.truth.readings[1:]:
            other, value = self._measured_under(truth, part, got)
            exact = np.where(other < error, value, exact)
            error = np.minimum(other, error)
        return error, exact

    def _measured_under(
        self, truth: Truth, part: str, got: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return errors and exact values under one truth."""
        if self.clearly_right(part):
            estimate = getattr(truth.allowances, f"{part}_estimate")
            return np.abs(got - estimate) + np.abs(estimate) * 2.0**-44, estimate
        enclosure = getattr(truth.enclosed, part)
        held = (
            self.held(part)
            if truth is self.truth
            else hold(truth.problem, part, got, enclosure, getattr(self.allowances, part))
        )
        assert held is not None
        # Where only python-flint could tell the error there is no value in float64; what was returned is that far off.
        return held.error, np.where(np.isfinite(enclosure.radius), enclosure.hi, got)

    def shares(self, part: str, error: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return errors over the allowance, element by element: above 1 only where an element fails.

        0 where nothing is allowed for. What conforms because it lies between two legitimate readings has the share 1.
        """
        allowed = np.broadcast_to(getattr(self.allowances, part), error.shape)
        with np.errstate(all="ignore"):
            share = np.where((error > 0.0) & (allowed < np.inf), np.minimum(error / allowed, 1.0), 0.0)
        held = None if self.clearly_right(part) else self.held(part)
        return share if held is None else np.where(held.failed, held.times, share)

    def failed(self, part: str) -> NDArray[np.bool_] | None:
        """Return which elements of a part are proved to be outside their allowance, or None where none are."""
        held = None if self.clearly_right(part) else self.held(part)
        return None if held is None or not held.failed.any() else held.failed

    def clearly_right(self, part: str) -> bool:
        """Return whether plain float64 arithmetic already shows a part of a float32 or 16-bit result to be right.

        The estimate's own error, some hundred units of 2**-53, is nothing beside an allowance of many units of
        2**-24; a 256th of it is kept for that, and numpy's exp and log are trusted to 64 ulp. What is not clearly
        right is decided by the enclosure, so that no failure rests on this trust.
        """
        if part not in self._clear:
            self._clear[part] = self._is_clear(part)
        return self._clear[part]

    def _is_clear(self, part: str) -> bool:
        got = self.numbers(part)
        if got is None or got.size == 0 or self.problem.format.precision > _CLEAR:
            return False
        if not np.all(np.isfinite(self.truth.conditions.L)):
            return False
        allowed = getattr(self.allowances, part)
        estimate = getattr(self.allowances, f"{part}_estimate")
        if allowed.shape != got.shape or estimate.shape != got.shape:
            return False
        with np.errstate(invalid="ignore"):
            inside = np.isfinite(got) & (np.abs(got - estimate) <= allowed * (1 - 2.0**-8))
        return bool(inside.all())

    def violation(self, part: str, title: str = "") -> Violation | None:
        """Return the worst element of a part that is proved to be outside its allowance, or None."""
        if self.clearly_right(part):
            self.on_look()
            return None
        held = self.held(part)
        if held is not None and (held.allowance < np.inf).any():
            self.on_look()
        miss = held.worst() if held is not None else None
        if miss is None:
            return None
        where = f"[{', '.join(str(int(i)) for i in miss.index)}]" if miss.index else ""
        return Violation(
            title=title or f"the {self.contract.spoken(part)} is outside its allowance",
            batch=self.batch,
            part=part + where,
            got=miss.got,
            certified=(miss.low, miss.high),
            allowance=miss.allowance,
            times=miss.times,
            upstream=None if self.upstream is None else np.asarray(self.upstream).tolist(),
            vector=None if self.problem.vector is None else self.problem.vector.tolist(),
            tangent=None if self.problem.tangent is None else self.problem.tangent.tolist(),
            returned=self.numbers(part),
        )


def gradient_enclosure(answer: Answer) -> Enclosure:
    """Return the certified gradient of an answer that has one."""
    assert answer.enclosed.gradient is not None
    return answer.enclosed.gradient


def refuses_label_dtype(contract: Contract, batch: Batch, outcome: Outcome) -> bool:
    """Return whether an exception is the clean refusal of a label dtype that is not the plain one: no finding.

    The plain one is int64 for class numbers and that of the scores for one-hot and soft labels.
    """
    declared = contract.label_dtypes if batch.label_form == "sparse" else contract.dense_label_dtypes
    return (
        outcome.raised is not None
        and declared in ("integers", "numbers")
        and batch.labels.dtype != batch.plain_label_dtype
    )


def sum_overflows(answer: Answer) -> bool:
    """Return whether the exact losses of a finite batch, or their sum before any division, leave its format.

    An exception of arithmetic is then as good an answer as inf: `math.fsum` raises OverflowError where its exact
    result exceeds the largest number, and numpy raises FloatingPointError under ``errstate(over="raise")``.
    """
    batch = answer.batch
    if not batch.n or not np.all(np.isfinite(batch.scores.astype(np.float64))):
        return False
    low, high = answer.enclosed.rows.bounds()
    with np.errstate(all="ignore"):
        sizes = np.maximum(np.abs(low), np.abs(high))
        total = sizes.max() if answer.contract.reduction == "none" else sizes.sum()
        # Allowed for is what the sum's own roundings may add: n units of the last place.
        reach = total * (1.0 + batch.n * 2.0**-answer.problem.format.precision)
    return bool(reach > answer.problem.format.largest)


def failed_call(answer: Answer, title: str = "") -> Violation | None:
    """Return the violation that an exception, a crash or a hang on a valid batch is, or None."""
    outcome = answer.outcome
    lead = f"{title}, " if title else ""
    if outcome.died:
        title = f"{lead}the process running the target ended: {outcome.died}"
        how = outcome.died.partition(" within ")[0]  # a hang is a hang, however long it was waited for
        return Violation(title, answer.batch, got=outcome.died, event=f"ended: {how}")
    if outcome.raised is None or refuses_label_dtype(answer.contract, answer.batch, outcome):
        return None
    if answer.enclosed.unspecified:
        return None  # a mean of nothing, about which the contract says nothing: an exception will do
    raised = outcome.raised
    if raised.kind in ("OverflowError", "FloatingPointError") and sum_overflows(answer):
        return None
    said = f"{raised.kind}: {raised.message}".strip().rstrip(":")
    verb = "could not be read as numbers" if raised.call == "convert" else f"raised from its {raised.call}"
    place = f" ({raised.where})" if raised.where else ""
    # Under an error state of "raise" any line may raise a FloatingPointError: the place is then no mark.
    mark = raised.kind if raised.kind == "FloatingPointError" else f"{raised.kind}{place}"
    return Violation(f"{lead}the target {verb}: {said}{place}", answer.batch, got=said, event=f"raised {mark}")
