"""Gradients that are difference quotients of the loss: their error grows with the step in a known way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.observation import Observation
from xentcheck.diagnosis.prediction import Prediction

LEAST = 4  # entries that have to show the same step
AGREEMENT = 0.2  # relative; rounding errors of the loss, divided by the step, disturb it
SHARE = 0.9  # of the entries that have to agree
LARGEST_STEP = 0.1  # beyond it the leading term says little of the error


def difference_quotients(wrong: Sequence[Observation]) -> Iterator[Prediction]:
    """Yield a forward or a central difference, where the leading error shows the same step in all entries.

    Notes
    -----
    For a step h the error of an entry is h/2 f'' forwards and h**2/6 f''' with both sides, by Taylor's formula; for a
    row of weight T, f'' = T p (1 - p) and f''' = T p (1 - p) (1 - 2 p).
    """
    usable = [
        seen
        for seen in wrong
        if seen.model.part == "gradient" and seen.model.contract.gradient_wrt == "logits" and seen.model.m > 1
    ]
    for sides, leading in ((1, _second), (2, _third)):
        ratios = np.concatenate([np.ravel(_ratios(seen, leading(seen.model))) for seen in usable] or [np.zeros(0)])
        if ratios.size < LEAST:
            continue
        middle = float(np.median(ratios))
        agreed = np.mean(np.abs(ratios - middle) <= AGREEMENT * abs(middle)) >= SHARE
        if middle != 0 and agreed and (sides == 1 or middle > 0):
            step = abs(middle) if sides == 1 else middle**0.5
            if step > LARGEST_STEP:
                continue
            kind = ("backward" if middle < 0 else "forward") if sides == 1 else "central"
            text = f"The gradient is a {kind} difference of the loss with a step of about {step:.2g}; it is p - t."
            yield Prediction("finite_differences", text, usable[0].got)
            return


def _second(model: Model) -> Floats:
    p = model.softmax[1]
    return model.finish(model.t.sum(axis=-1, keepdims=True) * p * (1 - p) / 2)


def _third(model: Model) -> Floats:
    p = model.softmax[1]
    return model.finish(model.t.sum(axis=-1, keepdims=True) * p * (1 - p) * (1 - 2 * p) / 6)


def _ratios(seen: Observation, leading: Floats) -> Floats:
    """Return error over leading error where both are clearly there."""
    error = seen.got - seen.model.right
    size = np.abs(leading)
    there = np.isfinite(error) & (np.abs(error) > 64 * seen.allowed) & (size > 0.2 * size.max(initial=0.0)) & (size > 0)
    return np.asarray(error[there] / leading[there])
