"""Classes whose rows do not count, seen before anything is explained: no constant can be solved for with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.probing.answers import Answer
from xentcheck.probing.questions import Questions
from xentcheck.probing.settling import take

_LEAST = 2
"""Of two classes ordinary rows have both."""


def uncounted(questions: Questions, answers: Sequence[Answer]) -> frozenset[int]:
    """Return the classes a row of which has no loss, or 0 / 0 alone, whatever its scores are.

    Of those that ordinary rows have, or do not have because the target's object names them; none if all have none.

    Parameters
    ----------
    questions : Questions
    answers : sequence of Answer
        None of them is explained; the first is asked about once more.
    """
    one = next(iter(answers), None)
    if one is None or one.m <= _LEAST or questions.part != "loss":
        return frozenset()
    take(questions, one)
    labels = {*questions.labels(2), *(label for label in questions.avoided if 0 <= label < one.m)}
    found = frozenset(
        label for label in labels if all(_has_none(questions, one.batch.scores[row : row + 1], label) for row in (0, 1))
    )
    return found if len(found) < len(labels) else frozenset()


def avoid_uncounted(questions: Questions) -> None:
    """Avoid the first class where no row of it has a loss: of padding, whose rows show nothing of an option."""
    if questions.form != "sparse" or questions.m <= _LEAST or questions.part != "loss":
        return
    rows = questions.rows(2)
    if all(_has_none(questions, rows[row : row + 1], 0) for row in (0, 1)):
        questions.avoided |= {0}


def _has_none(questions: Questions, scores: NDArray[Any], label: int) -> bool:
    loss = questions.of_a_row(questions.batch(scores, [label]))
    return loss is not None and (loss == 0.0 or bool(np.isnan(loss)))
