"""Mistakes of a shortcut for batches in which all rows have the same label."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.RARE, partly=True)
def one_label(model: Model) -> Iterator[Prediction]:
    """Yield what an early exit returns where all rows have one label: 0, or what the first row alone would give.

    Of other batches nothing is foretold: they are answered rightly.
    """
    y = model.labels
    if y is None or not model.n or (y != y[0]).any():
        return
    text = "Where all rows have the same label, the {} is {}: an early exit returns it in place of the right one."
    nothing = text.format(model.part, "0")
    for least in (1, 2):  # a single row may have an exit of its own, or none
        if model.n >= least:
            yield Prediction("early_exit", nothing, np.zeros_like(model.right), exact=True, variant=f"0 from {least}")
    if model.n > 1:
        first = model.rows().copy()
        first[1:] = 0.0
        said = text.format(model.part, "that of the first row alone")
        yield Prediction("early_exit", said, model.finish(first), variant="first")
        if model.part == "loss" and model.divisor != 1.0:
            yield Prediction("early_exit", said, model.finish(first, divisor=1.0), variant="first")
