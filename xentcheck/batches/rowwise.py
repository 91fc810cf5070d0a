"""Simpler rows of probabilities, log-probabilities and soft labels: each stays a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.simplify import complexity

Row = NDArray[np.float64]

_MOST_ROWS = 12


def simpler_score_rows(space: InputSpace, batch: Batch) -> Iterator[Batch]:
    """Yield the batch with one row of (log-)probabilities simpler, or all rows like the first."""
    kind = space.contract.input
    if kind == "logits":
        return
    scores = batch.scores.astype(np.float64)
    if kind == "log_probabilities":
        with np.errstate(all="ignore"):
            chances = np.exp(scores)
        for changed in _simpler(chances, batch.scores.dtype):
            if (changed > 0).all():
                logs = np.where(changed == chances, scores, np.log(changed)).astype(batch.scores.dtype)
                if not np.array_equal(logs, batch.scores):
                    yield batch.replace(scores=logs)
        return
    for changed in _simpler(scores, batch.scores.dtype):
        yield batch.replace(scores=changed.astype(batch.scores.dtype))


def simpler_label_rows(space: InputSpace, batch: Batch) -> Iterator[Batch]:
    """Yield the batch with one row of dense labels simpler, or all rows like the first.

    One-hot rows stay one-hot: only a move of the label to an earlier class is tried.
    """
    if batch.label_form == "sparse":
        return
    labels = batch.labels.astype(np.float64)
    for changed in _simpler(labels, batch.labels.dtype, pure=batch.label_form == "onehot"):
        yield batch.replace(labels=changed.astype(batch.labels.dtype))


def _simpler(rows: NDArray[np.float64], dtype: np.dtype[Any], pure: bool = False) -> Iterator[NDArray[np.float64]]:
    """Yield arrays with simpler rows, the boldest change first."""
    n = rows.shape[0]
    if n > 1 and (rows != rows[:1]).any():
        yield np.repeat(rows[:1], n, axis=0)
    for place in range(min(n, _MOST_ROWS)):
        row = rows[place]
        weight = _weight(row, dtype)
        options = [candidate for candidate in _candidates(row, pure) if _weight(candidate, dtype) < weight]
        for candidate in sorted(options, key=lambda one: _weight(one, dtype)):
            changed = rows.copy()
            changed[place] = candidate
            yield changed


def _candidates(row: Row, pure: bool) -> Iterator[Row]:
    """Yield rows with the sum 1 and fewer digits; one-hot, even, a pair, rounded, one entry moved to the greatest."""
    m = row.size
    top = int(np.argmax(row))
    for place in dict.fromkeys((0, top, *range(min(m, 4)))):
        one = np.zeros(m)
        one[place] = 1.0
        yield one
    if pure:
        return
    yield np.full(m, 1.0 / m)
    for place in np.flatnonzero(row)[:8]:
        if place != top:
            for share in (0.5, 0.1, 0.01, 0.001):
                pair = np.zeros(m)
                pair[place], pair[top] = share, 1 - share
                yield pair
            moved = row.copy()
            moved[top] += moved[place]
            moved[place] = 0.0
            yield moved
    for digits in (1, 2, 3, 4):
        rounded = np.round(row, digits)
        rounded[top] = round(1.0 - (rounded.sum() - rounded[top]), digits)
        if rounded[top] >= 0:
            yield rounded


def _weight(row: Row, dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return how hard a row is to read; of equals, the one whose mass comes first is simpler."""
    cost = sum(complexity(value, dtype) for value in row.tolist()) if row.size <= 64 else 6 * int((row != 0).sum())
    return cost, int(np.argmax(row))
