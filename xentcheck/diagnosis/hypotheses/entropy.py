"""Mistakes about an entropy: another unit, and a derivative of which a part is missing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.OPTIONS, quick=True)
def other_units(model: Model) -> Iterator[Prediction]:
    """Yield the entropy in bits, and as a share of the largest one, log m."""
    if not model.contract.is_entropy:
        return
    name = model.contract.spoken(model.part)
    yield Prediction("entropy_in_bits", f"The {name} is in bits: log2 in the place of log.", model.right / np.log(2))
    if model.m > 1:
        text = f"The {name} is divided by that of m equal probabilities, log m."
        yield Prediction("entropy_normalised", text, model.right / np.log(model.m))


@hypothesis(Rank.SCORES)
def of_the_mean(model: Model) -> Iterator[Prediction]:
    """Yield the entropy of the mean of the rows."""
    if not model.contract.is_entropy or model.part != "loss":
        return
    if model.reduction == "mean" and model.n > 1:
        mean = model.unguarded[1].mean(axis=0)
        whole = -np.where(mean == 0, 0.0, mean * np.log(np.where(mean == 0, 1.0, mean))).sum()
        text = "The probabilities of the rows are averaged first: it is the entropy of the mean, not the mean entropy."
        yield Prediction("entropy_of_the_mean", text, np.asarray(whole))


@hypothesis(Rank.GRADIENT)
def part_of_the_gradient(model: Model) -> Iterator[Prediction]:
    """Yield what is left of p (-log p - H) where a derivative of p, or of log p, is left out."""
    if not model.contract.is_entropy or model.part != "gradient" or model.contract.gradient_wrt != "logits":
        return
    log_p, p = model.logs
    own = np.where(p == 0, 0.0, -p * log_p)
    text = "The term -p H of the gradient is missing: each -p log p is multiplied as if the others did not change."
    yield Prediction("entropy_gradient", text, model.finish(own))
    text = "The gradient is -p (log p + 1), that of -p log p by its own logit alone; the softmax couples them all."
    yield Prediction("entropy_gradient", text, model.finish(own - p))
    entropy = own.sum(axis=-1, keepdims=True)
    text = "The gradient is that of the probabilities alone times -log p, with H of the wrong sign."
    yield Prediction("entropy_gradient", text, model.finish(own + p * entropy))
