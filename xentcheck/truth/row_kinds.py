"""Which rows have a finite formula, and what the others are: found with comparisons alone, before any arithmetic.

On logits: z_j = -inf where c_j = 0 drops out; where c_j > 0 the loss is +inf. A row of -inf only, or with +inf or nan,
is nan.
Of an entropy every class of some probability counts; its derivative by a probability of 0 is infinite, and OPEN.
A soft cap takes infinite logits to finite ones: only a nan is then no number.
On probabilities and log-probabilities a nan where c_j differs from zero makes the loss nan; elsewhere, algorithms
may look at it or not, so that nothing is known (OPEN). 0 log 0 = 0.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.boundaries import readings
from xentcheck.truth.exact_coefficients import present, signs
from xentcheck.truth.problem import Problem


class Kind(IntEnum):
    """What the exact value of a row's loss, or its gradient, is."""

    FINITE = 0
    ZERO = 1
    NAN = 2
    INFINITE = 3
    OPEN = 4


class Kinds(NamedTuple):
    """The kinds of all rows.

    Parameters
    ----------
    loss, gradient : ndarray of int8, shape (n,)
        `Kind` of each row's loss, and of its gradient (never INFINITE: see `poles`).
    poles : ndarray of bool, shape (n, m), or None
        Where a derivative by a probability is -c/0 = -inf; None for nowhere.
    """

    loss: NDArray[np.int8]
    gradient: NDArray[np.int8]
    poles: NDArray[np.bool_] | None

    @property
    def along(self) -> NDArray[np.int8]:
        """Of each row's derivative along a tangent: that of its gradient, OPEN where the loss or that is infinite."""
        unknown = (self.loss == Kind.INFINITE) | (self.loss == Kind.OPEN)
        if self.poles is not None:
            unknown |= self.poles.any(-1)
        return np.where(unknown & (self.gradient != Kind.ZERO), np.int8(Kind.OPEN), self.gradient)


@lru_cache(maxsize=4)
def kinds(problem: Problem) -> Kinds:
    """Return what each row of a problem is; not to be written to."""
    if problem.soft_cap is not None:  # infinities are numbers once they are capped
        problem = replace(problem, scores=np.clip(problem.scores, -1.0, 1.0), soft_cap=None)
    loss = np.zeros(problem.n, np.int8)
    gradient = np.zeros(problem.n, np.int8)
    poles = None
    rows = np.arange(problem.n)
    if problem.n and not _ordinary(problem):
        needed = present(problem, rows)
        poles = _zeros(problem, needed, loss, gradient)
        _not_numbers(problem, needed, loss, gradient)
        if problem.targets is not None:
            unfit = ~np.isfinite(problem.targets).all(-1)
            negative = (signs(problem, rows) < 0).any(-1) & (loss == Kind.INFINITE)
            if problem.contract.soft_rows == "renormalised":
                unfit |= (problem.targets == 0).all(-1)
            loss[unfit | negative] = Kind.OPEN
            gradient[unfit] = Kind.OPEN
    for found in (loss, gradient):
        found[~problem.kept] = Kind.ZERO
    return Kinds(loss, gradient, poles)


def _ordinary(problem: Problem) -> bool:
    """Whether one look at the extremes shows that every row is finite."""
    low, high = problem.scores.min(), problem.scores.max()
    sums = problem.targets is None or (
        bool(np.isfinite(problem.targets).all()) and problem.contract.soft_rows != "renormalised"
    )
    lowest_fine = low > 0 if problem.contract.input == "probabilities" else low > -np.inf
    return bool(sums and lowest_fine and high < np.inf)


def _zeros(
    problem: Problem, needed: NDArray[np.bool_], loss: NDArray[np.int8], gradient: NDArray[np.int8]
) -> NDArray[np.bool_] | None:
    """Mark the rows in which a probability that counts is 0 (or, for probabilities, below); return the poles."""
    contract, scores = problem.contract, problem.scores
    given = contract.input == "probabilities"
    zero = scores == 0 if given else scores == -np.inf
    if given and contract.boundary.clip is not None and not contract.boundary.normalise:
        zero = scores <= 0
    floors = [reading.floor == 0 for reading in readings(problem)]
    at_zero = (needed & zero).any(-1)
    if any(floors):
        loss[at_zero] = Kind.INFINITE if all(floors) else Kind.OPEN
    by_probabilities = contract.gradient_wrt == "probabilities"
    ideal = contract.gradient_without_boundary
    if any(floors) and not ideal:
        gradient[at_zero] = Kind.OPEN
    if contract.is_entropy and by_probabilities:
        gradient[zero.any(-1)] = Kind.OPEN
    if given:
        negative = (scores < 0) if contract.boundary.normalise else needed & (scores < 0)
        if contract.boundary.normalise or contract.boundary.clip is None:
            least = min(reading.floor for reading in readings(problem))
            below = negative if contract.boundary.normalise else negative & (scores <= -least)
            loss[below.any(-1)] = Kind.OPEN
            gradient[below.any(-1)] = Kind.OPEN
    if contract.signed_weights and problem.class_weights is not None:
        # A loss of -inf, or of inf - inf, and poles of either sign.
        below = (needed & zero & (problem.class_weights < 0)).any(-1)
        loss[below & (loss == Kind.INFINITE)] = Kind.OPEN
        if by_probabilities:
            gradient[below] = Kind.OPEN
    return needed & zero if by_probabilities and ideal and at_zero.any() else None


def _not_numbers(
    problem: Problem, needed: NDArray[np.bool_], loss: NDArray[np.int8], gradient: NDArray[np.int8]
) -> None:
    """Mark the rows with a nan or a +inf, and those without any probability."""
    scores, kind, normalise = problem.scores, problem.contract.input, problem.contract.boundary.normalise
    nothing = (scores == (0 if kind == "probabilities" else -np.inf)).all(-1)
    bad = np.isnan(scores) | (scores == np.inf)
    if kind == "probabilities":
        bad |= scores == -np.inf
    unfit = bad.any(-1)
    if kind == "logits":
        loss[unfit | nothing] = Kind.NAN
        gradient[unfit | nothing] = Kind.NAN
        return
    if normalise:
        loss[nothing] = Kind.NAN
        gradient[nothing] = Kind.NAN
    loss[unfit] = Kind.OPEN
    gradient[unfit] = Kind.OPEN
    loss[(np.isnan(scores) & needed).any(-1)] = Kind.NAN
