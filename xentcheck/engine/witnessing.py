"""The witnesses of a run: each holds its own values against the enclosures, and what it says is reported.

They never decide a verdict. A witness that disagrees is at fault, or xentcheck is.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import one_hot
from xentcheck.contract import Contract
from xentcheck.reference import onehot_loss
from xentcheck.report.results import WitnessResult
from xentcheck.truth.allowance import Allowances, conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.problem import Problem, pose
from xentcheck.witnesses import differences
from xentcheck.witnesses.jax_autodiff import usual
from xentcheck.witnesses.jax_process import JaxProcess, Pair
from xentcheck.witnesses.report import WitnessTally
from xentcheck.witnesses.scipy_log_softmax import scipy_loss_and_gradient

PLAIN = Contract(labels=("soft",), reduction="none", soft_rows="any", nonfinite=("-inf",))
SMALL = 64
DIFFERENCED = 24


class Witnessing:
    """Gathers batches while a run goes on, and asks the witnesses about them.

    The batches' scores are read as logits in float64 with dense labels, whatever the target's contract makes of
    them: so every run holds the enclosures of that very data against calculations that share nothing with them. No
    witness knows of soft caps or temperatures, and where the contract has one, each says so.

    Parameters
    ----------
    limit : int
        How many batches are used at most.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._problems: list[Problem] = []
        self._answers: list[Future[list[Pair]]] = []
        self._jax = JaxProcess()
        self._thread = ThreadPoolExecutor(1)
        self._begun: Future[list[Pair]] | None = None
        self._note = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jax.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def begin(self) -> None:
        """Have jax imported, and what it needs compiled, while the first cell is searched."""
        self._jax.start()
        self._begun = self._thread.submit(self._jax.answer, usual())

    def add(self, problems: Sequence[Problem]) -> None:
        """Take some of a run's problems; jax begins on them at once, in a process beside."""
        chosen = [as_logits(problem) for problem in problems if problem.n and problem.scores.size <= 2**16]
        chosen = chosen[: self._left]
        left = {"soft cap": "soft_cap", "temperature": "temperature"}
        named = [name for name, key in left.items() if any(getattr(one, key) is not None for one in problems)]
        if named:
            self._note = f"of the logits without their {' and '.join(named)}"
        self._left -= len(chosen)
        if chosen:
            self._problems += chosen
            self._answers.append(self._thread.submit(self._jax.answer, [_pair(problem) for problem in chosen]))

    def results(self) -> tuple[WitnessResult, ...]:
        """Return what each witness says, after all have answered."""
        names = ("jax autodiff", "scipy log_softmax", "finite differences", "complex step")
        jax, scipy, stepped, complex_ = (WitnessTally(name, self._note) for name in names)
        answered = self._of_jax(jax)
        for number, problem in enumerate(self._problems):
            enclosed, allowed = enclose(problem), conformance(problem, conditions(problem))
            assert enclosed.gradient is not None
            parts = (enclosed.loss, enclosed.gradient)
            _hold(scipy, scipy_loss_and_gradient(*_pair(problem)), parts, allowed, number)
            if answered is not None:
                _hold(jax, answered[number], parts, allowed, number)
            if number % 2 == 0 and problem.scores.size <= SMALL and number < 2 * DIFFERENCED:
                _difference(stepped, problem, number, "richardson")
                _difference(complex_, problem, number, "complex")
        return tuple(
            WitnessResult(tally.name, tally.compared, tally.agreed, tally.worst, tally.note)
            for tally in (jax, scipy, stepped, complex_)
        )

    def _of_jax(self, tally: WitnessTally) -> list[Pair] | None:
        try:
            if self._begun is not None:
                self._begun.result()
            return [pair for answer in self._answers for pair in answer.result()]
        except OSError as error:
            tally.note = f"did not answer: {error}; `xentcheck doctor` looks at jax"
            return None


def as_logits(problem: Problem) -> Problem:
    """Return the plain problem in float64 that a batch's numbers pose as logits with dense labels."""
    targets = problem.targets
    if targets is None:
        assert problem.labels is not None
        targets = one_hot(problem.labels, problem.m, np.float64)
    return pose(PLAIN, problem.scores, targets, "soft")


def _pair(problem: Problem) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    assert problem.targets is not None
    return problem.scores, problem.targets


def _hold(
    tally: WitnessTally, values: Pair, parts: tuple[Enclosure, Enclosure], allowed: Allowances, number: int
) -> None:
    """Hold a witness's losses and gradient against their enclosures; where either is not finite, nothing is said."""
    for value, enclosure, radius, name in zip(
        values, parts, (allowed.loss, allowed.gradient), ("loss", "gradient"), strict=True
    ):
        low, high = enclosure.bounds()
        comparable = np.isfinite(low) & np.isfinite(high) & ~np.isnan(value)
        tally.hold(value, np.where(comparable, radius, np.inf), low, high, f"batch {number}, {name}")


def _difference(tally: WitnessTally, problem: Problem, number: int, method: str) -> None:
    """Hold the estimate along one direction against the certified derivative along it.

    Richardson's is of the reference's loss; the complex step needs analytic code, and takes the shifted form.
    """
    scores = problem.scores
    if not np.all(np.isfinite(scores)) or np.abs(scores).max() > 2.0**20:
        return
    scores = differences.dyadic_scores(scores)
    targets = problem.targets
    assert targets is not None
    direction = differences.dyadic_direction(np.random.default_rng(number), scores.shape)
    moved = pose(PLAIN, scores, targets, "soft")
    enclosed, allowed = enclose(moved), conformance(moved, conditions(moved))
    assert enclosed.gradient is not None
    if not np.all(np.isfinite(allowed.rows)):
        return

    def losses(z: NDArray[Any]) -> NDArray[Any]:
        return _shifted(z, targets) if method == "complex" else onehot_loss(z, targets, reduction="none")

    estimate, bound = differences.directional(
        losses, scores, direction, allowed.rows, method, weights=targets.sum(axis=1)
    )
    exact, rounding = differences.inner(enclosed.gradient.hi, direction)
    spread = float((np.abs(direction) * (enclosed.gradient.radius + np.abs(enclosed.gradient.lo))).sum())
    tally.hold(estimate, bound, exact - rounding - spread, exact + rounding + spread, f"batch {number}")


def _shifted(z: NDArray[Any], targets: NDArray[np.float64]) -> NDArray[Any]:
    """Return the loss of each row, shifted by the maximum of the real parts; analytic in z."""
    shifted = z - z.real.max(axis=1, keepdims=True)
    return np.asarray(targets.sum(axis=1) * np.log(np.exp(shifted).sum(axis=1)) - (targets * shifted).sum(axis=1))
