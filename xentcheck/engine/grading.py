"""The worst grade and the largest errors met, with the inputs that give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.answer import Answer
from xentcheck.report import results, returned
from xentcheck.truth.certify import certify
from xentcheck.truth.grades import GRADES, grade
from xentcheck.truth.problem import Problem, pose

NOTE = "beyond the tight bound of this grade, within the one for any legitimate algorithm"


@dataclass(frozen=True, eq=False)
class Met:
    """A largest value and where it was met.

    Parameters
    ----------
    value : float
    index : tuple of int
    batch : Batch
    got, exact : float
        What was returned there, and the exact value to float64.
    """

    value: float
    index: tuple[int, ...]
    batch: Batch
    got: float
    exact: float


@dataclass(frozen=True, eq=False)
class Graded:
    """The worst grade of all batches so far, and the largest errors.

    Parameters
    ----------
    grade : str
        One of GRADES.
    note : bool
        As in truth.grades.
    ulp, error, share : Met
        The largest error in ulp of the exact value, the largest absolute error, and the largest as a share of the
        allowance.
    """

    grade: str
    note: bool
    ulp: Met
    error: Met
    share: Met


def grade_answer(answer: Answer, part: str) -> Graded | None:
    """Return the grade of one part of an answer, or None where nothing of it can be graded."""
    got, measured = answer.numbers(part), answer.measured(part)
    if got is None or measured is None:
        return None
    error, exact = measured
    failed = answer.failed(part)
    if failed is None:
        failed = np.zeros(got.shape, bool)
    found = grade(error, exact, got, answer.truth.tights, answer.problem, part, failed)
    if found.index is None or found.error_index is None:
        return None
    shares = answer.shares(part, error)
    where = tuple(int(i) for i in np.unravel_index(int(np.argmax(shares)), shares.shape))

    def met(value: float, index: tuple[int, ...]) -> Met:
        return Met(value, index, answer.batch, float(got[index]), float(exact[index]))

    return Graded(
        found.grade,
        found.note,
        met(found.max_ulp, found.index),
        met(found.max_error, found.error_index),
        met(float(shares[where]), where),
    )


def worse(one: Graded | None, other: Graded) -> Graded:
    """Return the worse grade of two, with the larger errors of the two and their inputs."""
    if one is None:
        return other
    lower = max(one, other, key=lambda item: GRADES.index(item.grade)).grade
    noted = any(item.note and item.grade == lower for item in (one, other))
    pairs = ((one.ulp, other.ulp), (one.error, other.error), (one.share, other.share))
    return Graded(lower, noted, *(max(pair, key=lambda item: item.value) for pair in pairs))


def problem_of(contract: Contract, batch: Batch) -> Problem:
    """Return what a batch asks of a target under its contract."""
    return pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options))


def stated(graded: Graded, part: str, contract: Contract) -> results.Grade:
    """Return a grade as the report states it; `part` is "loss" or "gradient"."""
    ulp = graded.ulp
    return results.Grade(
        grade=graded.grade,
        max_ulp=ulp.value,
        witness=returned.given(contract, ulp.batch),
        part=_element(part, ulp.index, contract),
        got=_got(ulp, contract),
        certified=returned.interval(contract, certify(problem_of(contract, ulp.batch), part, ulp.index)),
        note=NOTE if graded.note and graded.grade != "fail" else "",
        max_error=_stated(graded.error, part, contract),
        max_share=_stated(graded.share, part, contract),
    )


def _stated(met: Met, part: str, contract: Contract) -> results.Largest:
    return results.Largest(
        met.value, returned.given(contract, met.batch), _element(part, met.index, contract), _got(met, contract)
    )


def _element(part: str, index: tuple[int, ...], contract: Contract) -> str:
    return returned.element(contract, part) + (f"[{', '.join(map(str, index))}]" if index else "")


def _got(met: Met, contract: Contract) -> float:
    return contract.sign * met.got
