"""Mistakes about rows that are alike: they count once, or one stands for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model, one_hot
from xentcheck.diagnosis.prediction import Prediction

MOST = 1024  # rows among which equal ones are looked for


@hypothesis(Rank.LABELS, quick=True, partly=True)
def rows_alike(model: Model) -> Iterator[Prediction]:
    """Yield a reduction of each row once, and the label of the first of the rows of equal scores for all of them."""
    y, n = model.labels, model.n
    if y is None or model.part != "loss" or not 1 < n <= MOST or not model.m:
        return
    by_scores = _first_alike(model.raw)
    if (by_scores == np.arange(n)).all():
        return
    text = "Of rows with equal scores each has the label of the first, as where they are calculated once."
    rows = model.rows(model.coefficients(one_hot(y[by_scores], model.m)))
    yield Prediction("rows_taken_for_one", text, model.finish(rows))
    if model.reduction == "none":
        return
    of_both = _first_alike(np.column_stack([model.raw, y]))
    for first, which in ((of_both, "scores and label"), (by_scores, "scores")):
        once = first == np.arange(n)
        left = np.where(once, model.rows(), 0.0)
        text = f"Rows with the same {which} count once: repeated ones are removed before the reduction."
        count = float(model.row_weights[once].sum())
        for divisor in {model.divisor, count} if model.reduction == "mean" and count else {model.divisor}:
            yield Prediction("repeated_rows_removed", text, model.finish(left, divisor=divisor), variant=which)


def _first_alike(rows: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the number of the first row that is equal to each."""
    _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    found: NDArray[np.intp] = first[place.reshape(-1)]
    return found
