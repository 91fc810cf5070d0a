"""Batches of few rows, asked as calls of one shape where each costs a compilation and rows are independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.contract.declaration import OPTIONS
from xentcheck.targets import Outcome
from xentcheck.targets.question import Question

_MOST = 4
"""Rows of a batch that is cut: longer ones are few, and a shape of their own."""


def pieces(batch: Batch, rows: int, kind: str) -> list[Batch]:
    """Return batches of so many rows that hold those of a batch, the last one filled up with a row of its own.

    A batch whose labels are not one for each row is bad input, and is left as it is.

    Parameters
    ----------
    batch : Batch
    rows : int
    kind : {"logits", "probabilities", "log_probabilities"}
        What the scores are.
    """
    shapes = ((batch.n,), (batch.n, 1), (batch.n, batch.m))
    if not 0 < batch.n <= _MOST or batch.n == rows or batch.labels.shape not in shapes:
        return [batch]
    filled = _filled(batch, -batch.n % rows, kind)
    return [filled.rows(np.arange(first, first + rows)) for first in range(0, filled.n, rows)]


def _filled(batch: Batch, more: int, kind: str) -> Batch:
    """Return a batch with some rows more: equal scores in class 1, which are no bad input."""
    label: Any = np.ones(more, np.int64)
    if batch.label_form != "sparse" or batch.labels.shape == batch.scores.shape:
        label = one_hot(label, batch.m, np.float64)
    label = label.reshape(more, *batch.labels.shape[1:]).astype(batch.labels.dtype)
    equal = {"logits": 0.0, "probabilities": 1.0 / batch.m}.get(kind, -float(np.log(batch.m)))
    scores = np.full((more, batch.m), equal).astype(batch.scores.dtype)
    options = {
        key: np.concatenate([value, np.ones(more, value.dtype)]) if OPTIONS[key].kind == "rows" else value
        for key, value in batch.options.items()
    }
    return batch.replace(
        scores=np.concatenate([batch.scores, scores]),
        labels=np.concatenate([batch.labels, label]),
        options=options,
    )


def together(outcomes: Sequence[Outcome], question: Question, rows: int) -> Outcome | None:
    """Return the outcome of a question from those of its pieces; None where they are not an answer a row.

    Parameters
    ----------
    outcomes : sequence of Outcome
    question : Question
    rows : int
        How many rows a piece has.
    """
    odd = next((one for one in outcomes if one.raised is not None or one.died), None)
    if odd is not None:
        return odd
    joined: dict[str, Any] = {}
    for part in question.want:
        values = [getattr(one, part) for one in outcomes]
        if any(value is None or value.shape[:1] != (rows,) for value in values):
            return None
        joined[part] = np.concatenate(values)[: question.batch.n]
    return replace(outcomes[0], **joined)
