"""The worst grade and the largest error met, with the input that gives it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import to_mapping
from xentcheck.properties.answer import Answer
from xentcheck.report import model
from xentcheck.truth.certify import certify
from xentcheck.truth.grades import GRADES, Grade, grade
from xentcheck.truth.problem import Problem

NOTE = "beyond the tight bound of this grade, within the one for any legitimate algorithm"


@dataclass(frozen=True, eq=False)
class Graded:
    """A grade and where its largest error was met.

    Parameters
    ----------
    grade : Grade
        The worst of all batches so far; its max_ulp and index are those of the largest error.
    batch : Batch or None
        The batch of the largest error.
    got : float
    problem : Problem or None
        What the batch asks, for the certified value.
    """

    grade: Grade
    batch: Batch | None = None
    got: float = 0.0
    problem: Problem | None = None


def grade_answer(answer: Answer, part: str) -> Graded | None:
    """Return the grade of one part of an answer, or None where nothing of it can be graded."""
    got, measured = answer.numbers(part), answer.measured(part)
    if got is None or measured is None:
        return None
    error, exact = measured
    found = grade(error, exact, got, answer.truth.tights, answer.problem, part)
    return None if found.index is None else Graded(found, answer.batch, float(got[found.index]), answer.problem)


def worse(one: Graded | None, other: Graded) -> Graded:
    """Return the worse grade of two, with the larger error of the two and its input."""
    if one is None:
        return other
    larger = one if one.grade.max_ulp >= other.grade.max_ulp else other
    lower = max(one.grade, other.grade, key=lambda item: GRADES.index(item.grade))
    noted = (one.grade.note and one.grade.grade == lower.grade) or (
        other.grade.note and other.grade.grade == lower.grade
    )
    return replace(larger, grade=replace(larger.grade, grade=lower.grade, note=noted))


def stated(graded: Graded, part: str) -> model.Grade:
    """Return a grade as the report states it; `part` is "loss" or "gradient"."""
    index = graded.grade.index
    where = f"[{', '.join(map(str, index))}]" if index else ""
    finite = bool(np.isfinite(graded.grade.max_ulp))
    return model.Grade(
        grade=graded.grade.grade,
        max_ulp=graded.grade.max_ulp if finite else float("inf"),
        witness=None if graded.batch is None else to_mapping(graded.batch),
        part=part + where,
        got=graded.got,
        certified=None if graded.problem is None or index is None else certify(graded.problem, part, index),
        note=NOTE if graded.grade.note else "",
    )
