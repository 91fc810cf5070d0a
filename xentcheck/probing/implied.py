"""How many classes a smoothing was made for: what it adds to each class says so, where that is not what was asked with.

Beside m classes a loss that smooths by eps for M gives (1 - eps) (-log p_y) + (eps / M) sum_j (-log p_j), or with
eps / (M - 1) for the others: a (-log p_y) + b sum_j (-log p_j), where M is (1 - a) / b either way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xentcheck.probing.answers import Answer
from xentcheck.probing.questions import Questions
from xentcheck.probing.settling import take

_NEAR = 1e-3


def implied_classes(questions: Questions, answers: Sequence[Answer]) -> list[int]:
    """Return the number of classes that a smoothing was made for, if the answers show one.

    Parameters
    ----------
    questions : Questions
    answers : sequence of Answer
        None of them is explained.
    """
    sparse = (one for one in answers if one.form[0] == "sparse" and one.batch.n > 1 and np.all(np.isfinite(one.got)))
    one = next(sparse, None)
    if one is None or questions.part != "loss":
        return []
    take(questions, one)
    row = questions.rows(1, "log_probabilities")  # as good as logits, and as log-probabilities
    losses = [questions.of_a_row(questions.batch(row, [label])) for label in (0, 1)]
    first, second = (np.nan if loss is None else loss for loss in losses)
    if not np.isfinite(first) or not np.isfinite(second):
        return []
    own = -row[0]
    of_label = (first - second) / (own[0] - own[1])
    of_each = (first - of_label * own[0]) / own.sum()
    if not 0.0 < of_label < 1.0 or of_each <= 0.0:
        return []
    made_for = (1.0 - of_label) / of_each
    whole = round(made_for)
    return [whole] if abs(made_for - whole) <= _NEAR and whole != one.m else []
