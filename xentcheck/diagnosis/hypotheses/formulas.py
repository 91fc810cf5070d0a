"""Other losses in the place of a cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, dot
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.FORMULA)
def other_losses(model: Model) -> Iterator[Prediction]:
    """Yield losses that are mistaken for a softmax cross-entropy; each value with its divisions by m, 2 and without."""
    if model.part != "loss":
        return
    t, (log_p, p) = model.t, model.logs
    complement = np.log1p(-p)
    binary = -dot(t, log_p) - dot(1 - t, complement)
    text = (
        "The loss adds -(1 - t) log(1 - p) for every class, as for independent yes-or-no labels; "
        "the cross-entropy is -sum t log p."
    )
    yield from _scaled(model, "binary_cross_entropy", text, binary)
    text = "The loss is the squared error (p - t)**2; the cross-entropy is -sum t log p."
    yield from _scaled(model, "squared_error", text, ((p - t) ** 2).sum(axis=-1))
    entropy = -dot(t, np.log(t))
    text = "The entropy of the targets is subtracted: the loss is a Kullback-Leibler divergence."
    yield from _scaled(model, "kullback_leibler", text, -dot(t, log_p) - entropy)


def _scaled(model: Model, mechanism: str, sentence: str, rows: Floats) -> Iterator[Prediction]:
    kept = rows * model.problem.kept
    for name, divisor in (("", 1.0), (" It is divided by m besides.", float(model.m)), (" It is halved besides.", 2.0)):
        yield Prediction(mechanism, sentence + name, model.finish(kept / divisor), 2.0 if name else 1.0)
