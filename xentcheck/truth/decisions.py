"""What an enclosure leaves undecided, decided by python-flint; and its second proof of the worst failures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import arb
from numpy.typing import NDArray

from xentcheck.truth.arb_arrays import precision
from xentcheck.truth.certify import SLOPES, Index, balls, special
from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Floats

# Elements of scores that python-flint may go through in one verdict, at some 2 microseconds each: to decide what the
# enclosure leaves undecided, and to prove the worst failures a second time, independently of double-double arithmetic.
DECIDING = 2**18
PROVING = 2**14
_PRECISIONS = (128, 192, 320, 640)
_WORST = 16


@dataclass(frozen=True, eq=False)
class Question:
    """Returned numbers, and how far from the exact ones they may be.

    Parameters
    ----------
    part : {"rows", "loss", "gradient", "hessian_vector", "jvp"}
    got, allowance : ndarray of float64
        Of the part's shape.
    largest : float
        Above which a result may be infinite.
    """

    problem: Problem
    part: str
    got: Floats
    allowance: Floats
    largest: float

    def cost(self, row: Index) -> int:
        """Return how many elements of scores python-flint goes through for a row, or for the reduced loss."""
        return self.problem.m * (1 if row else self.problem.n)


@dataclass(frozen=True)
class Decision:
    """What python-flint says of one element.

    Parameters
    ----------
    outside : bool or None
        None where 640 bits did not tell. Where several readings of a constant are legitimate the exact value is an
        interval, known by a radius that does not shrink; every point of it is right, so that only what is outside
        for all of them is outside.
    error, times : float
        As in `Held`.
    """

    outside: bool | None
    error: float
    times: float


def decide(
    question: Question, unsure: NDArray[np.bool_], failed: NDArray[np.bool_], error: Floats, times: Floats
) -> int:
    """Decide elements, writing what is found into the last three; return how many are left undecided."""
    left, budget = 0, DECIDING
    for row, columns in _by_row(unsure, question.part):
        places = _places(row, columns)
        if budget <= 0:
            left += len(places)
            continue
        budget -= question.cost(row)
        if special(question.problem, question.part, places[0]) is not None:
            for place in places:  # left open by the contract: anything goes
                times[place] = 0.0
            continue
        for place, decision in _decisions(question, row, columns).items():
            failed[place], error[place] = decision.outside is True, decision.error
            times[place] = decision.times
            left += decision.outside is None
    return left


def prove(question: Question, failed: NDArray[np.bool_], times: Floats) -> None:
    """Prove the worst failures once more; raise ArithmeticError where one is found to be inside its allowance."""
    budget = PROVING
    worst = np.zeros_like(failed)
    order = np.argsort(np.where(failed & np.isfinite(question.got), -times, np.inf), axis=None)[:_WORST]
    worst.flat[order] = (failed & np.isfinite(question.got)).flat[order]
    for row, columns in _by_row(worst, question.part):
        budget -= question.cost(row)
        places = _places(row, columns)
        if budget < 0 or special(question.problem, question.part, places[0]) is not None:
            continue
        for place, decision in _decisions(question, row, columns).items():
            if decision.outside is False:
                raise ArithmeticError(
                    f"Double-double and ball arithmetic disagree on {question.part} at {list(place)}: "
                    "this is a fault of xentcheck."
                )


def _by_row(chosen: NDArray[np.bool_], part: str) -> Iterator[tuple[Index, NDArray[np.int64]]]:
    """Yield the elements chosen, those of one row of a gradient together: the row's index and the columns (1, k)."""
    if part not in SLOPES:
        for place in np.argwhere(chosen).tolist():
            yield tuple(place), np.zeros((0, 1), np.int64)
        return
    for i in np.flatnonzero(chosen.any(-1)).tolist():
        yield (i,), np.flatnonzero(chosen[i])[None, :]


def _places(row: Index, columns: NDArray[np.int64]) -> list[Index]:
    """Return the index of each element that `_by_row` yields together."""
    return [row + tuple(column) for column in columns.T.tolist()]


def _decisions(question: Question, row: Index, columns: NDArray[np.int64]) -> dict[Index, Decision]:
    """Return the decisions on elements of one row, at precisions that rise until all are known."""
    places = _places(row, columns)
    found: dict[Index, Decision] = {}
    radii: dict[Index, arb] = {}
    for bits in _PRECISIONS:
        values = balls(question.problem, question.part, row, columns, bits)
        with precision(bits):
            for place, value in zip(places, values, strict=True):
                if place not in found or found[place].outside is None:
                    got, allowance = float(question.got[place]), float(question.allowance[place])
                    decision = _decision(got, value, allowance, question.largest)
                    if decision.outside is None and place in radii and value.rad() > radii[place] / 2:
                        decision = Decision(False, decision.error, decision.times)
                    found[place], radii[place] = decision, value.rad()
        if all(decision.outside is not None for decision in found.values()):
            break
    return found


def _decision(got: float, value: arb, allowance: float, largest: float) -> Decision:
    """Return whether a number is further from every point of a ball than its allowance."""
    limit = arb(allowance)
    if math.isnan(got):
        return Decision(True, math.inf, math.inf)
    if math.isinf(got):
        reach = (value if got > 0 else -value) + limit
        return Decision(True, math.inf, math.inf) if reach <= largest else Decision(False, 0.0, 0.0)
    distance = abs(arb(got) - value)
    outside = True if distance > limit else False if distance <= limit else None
    least = float(distance.lower()) if distance > 0 else 0.0
    times = 0.0 if least == 0.0 else least / allowance if allowance > 0 else math.inf
    return Decision(outside, float(distance.upper()), times if outside else min(times, 1.0))
