"""Rows that show what is done to a probability of 0, of the size of a constant, and of 1."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.questions import Questions


def impossible(questions: Questions, dtype: str) -> Batch:
    """Return a row whose label has the probability 0, in a dtype."""
    return certain(questions, rare(questions)[0], dtype)


def rare(questions: Questions) -> tuple[int, int]:
    """Return the class that a row as good as excludes, whose label counts, and another one that it is sure of."""
    label = questions.labels(1)[0]
    return label, 0 if label else 1


def sure(questions: Questions) -> int:
    """Return the class that a row is sure of: where there are three not 0, which may be that of padding.

    A label of padding has a loss of 0 whatever the boundary is.
    """
    label, other = questions.labels(2)
    return other if other != label else 2


def certain(questions: Questions, label: int, dtype: str | None = None) -> Batch:
    """Return a row one of whose classes has the whole probability."""
    row = np.zeros((1, questions.m))
    name = dtype or questions.dtype
    row[0, sure(questions)] = 1.0 if questions.contract.input == "probabilities" else largest(name)
    return questions.batch(row, [label], dtype=name)


def largest(dtype: str) -> float:
    """Return a logit beside which the others have the probability 0 in a dtype."""
    return {"float64": 800.0, "float32": 200.0, "bfloat16": 200.0}.get(dtype, 30.0)


def above_one(questions: Questions) -> Batch:
    """Return a row that sums to more than 1, with an entry that a clip changes."""
    row = np.full((1, questions.m), 0.5)
    row[0, sure(questions)] = 2.0
    return questions.batch(row, [sure(questions)])


def of_the_size(questions: Questions, low: float) -> Iterator[Batch]:
    """Yield a row whose label has a probability of the size of the constant."""
    given = questions.contract.input == "probabilities"
    row = np.full((1, questions.m), 0.0 if given else -largest(questions.dtype))
    label, other = rare(questions)
    row[0, [other, label]] = (1.0 - low, low) if given else (0.0, np.log(low))
    if low > 1e-300:
        yield questions.batch(row, [label])


def two_certain(questions: Questions) -> list[Batch]:
    """Return a row of logits whose label has the probability 0 beside two others alike: as of p, it is beside one."""
    if questions.contract.input != "logits" or questions.m <= 2:
        return []
    row = np.full((1, questions.m), largest(questions.dtype))
    label, _ = rare(questions)
    row[0, label] = 0.0
    return [questions.batch(row, [label])]
