"""Mistakes of an index: one row is read in the place of all, or the columns of all labels in each row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.RARE, quick=True)
def one_row_alone(model: Model) -> Iterator[Prediction]:
    """Yield the loss of the first or last row in the place of the sum: an index too many, or a sum overwritten."""
    if model.part != "loss" or model.reduction == "none" or model.n < 2:
        return
    rows = model.rows()
    for which, row in (("first", rows[0]), ("last", rows[-1])):
        text = f"The loss of the {which} row stands in the place of the sum over all rows; add all of them."
        yield Prediction("one_row_alone", text, model.finish(row), variant=which)
        if model.divisor != 1:
            said = f"{text[:-1]}, and it is not divided by their number either."
            yield Prediction("one_row_alone", said, np.asarray(row), 1.0, variant=f"{which}, undivided")


@hypothesis(Rank.LABELS)
def columns_of_all_labels(model: Model) -> Iterator[Prediction]:
    """Yield what x[:, y] reads where x[arange(n), y] is meant: of each row the columns of all labels."""
    if model.part != "loss" or model.reduction == "none" or model.labels is None or model.n < 2:
        return
    text = (
        "Of each row the columns of all labels are taken, n x n numbers, as z[:, y] does; "
        "the label's own is z[arange(n), y]."
    )
    log_p = model.logs[0]
    read = log_p[:, model.labels]
    yield Prediction("columns_of_all_labels", text, model.finish(-read.sum(axis=1)), variant="log p")
    said = f"{text[:-1]}; the mean is over all of them."
    yield Prediction("columns_of_all_labels", said, np.asarray(-read.mean()), variant="mean")
    if model.contract.input == "logits":
        # The log-sum-exp is right, and only the scores at the labels are too many.
        for name, top in (("shifted", model.z.max(axis=-1, keepdims=True)), ("plain", np.zeros((model.n, 1)))):
            scores = (model.z - top)[:, model.labels].sum(axis=1)
            yield Prediction("columns_of_all_labels", text, model.finish(model.lse - top[:, 0] - scores), variant=name)
