"""What a target answered on one batch, beside the certified truth of that batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes
from xentcheck.contract import Contract
from xentcheck.properties.batch_truth import CLEAR, Truth
from xentcheck.properties.law import Violation
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.allowance import Allowances
from xentcheck.truth.enclose import Enclosed
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import Problem
from xentcheck.truth.verdict import Held, hold

_BY_ROW = ("loss", "jvp")
"""The parts that are one number for each row, or for the batch."""


def _real(returned: NDArray[Any]) -> bool:
    kind = returned.dtype.kind
    return kind in "fiu" or (kind == "V" and returned.dtype.name == "bfloat16")


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


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
        if not _real(returned):
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
        returned, expected = getattr(self.outcome, part), self.expected_shape(part)
        if returned is None or not _real(returned):
            return None
        if returned.shape != expected:
            if _without_ones(returned.shape) != _without_ones(expected):
                return None
            returned = returned.reshape(expected)  # that axes of 1 are too many or lacking, law 22 says
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
        if got is None or got.size == 0 or self.truth.unspecified:
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
        if got is None or got.size == 0 or self.problem.format.precision > CLEAR:
            return False
        if not np.all(np.isfinite(self.truth.conditions.L)):
            return False
        estimate = getattr(self.allowances, f"{part}_estimate")
        if estimate.shape != got.shape or not np.isfinite(got).all():
            return False
        with np.errstate(invalid="ignore"):
            error = np.abs(got - estimate)
            return any(
                allowed.shape == got.shape and bool((error <= allowed * (1 - 2.0**-8)).all())
                for allowed in self._allowances_of(part)
            )

    def _allowances_of(self, part: str) -> Iterator[NDArray[np.float64]]:
        """Yield what is allowed of a part, before that what is no more and sooner known: enough for most answers."""
        if part == "gradient":
            yield self.allowances.least_gradient
        yield getattr(self.allowances, part)

    def _is_quickly_right(self, part: str) -> bool:
        """Return whether enclosures show a part to be right: those made for several batches at once, if any."""
        got = self.numbers(part)
        if got is None or got.size == 0 or self.truth.unspecified:
            return False
        enclosure: Enclosure | None = getattr(self.truth.quick or self.enclosed, part)
        if enclosure is None:
            return False
        with np.errstate(all="ignore"):
            error = np.abs((got - enclosure.hi) - enclosure.lo) + enclosure.radius
            # Where nothing is judged, nothing has been looked at either.
            return any(
                bool(np.all((error <= allowed * (1 - 2.0**-8)) & (allowed < np.inf)))
                for allowed in self._allowances_of(part)
            )

    def violation(self, part: str, title: str = "") -> Violation | None:
        """Return the worst element of a part that is proved to be outside its allowance, or None."""
        if self.clearly_right(part) or self._is_quickly_right(part):
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
            bounds=miss.bounds,
            exact=miss.exact,
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
