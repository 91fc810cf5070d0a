"""Bugs: options that exclude each other."""

from __future__ import annotations

from typing import Any

from xentcheck.zoo.parts import (
    SMOOTHED,
    WEIGHTED,
    Array,
    dense_losses,
    integers,
    one_hot,
    row_losses,
    smoothed,
)
from xentcheck.zoo.specimen import bug

APART = {**WEIGHTED, **SMOOTHED, "reduction": "sum", "exclusive": [["class_weights", "label_smoothing"]]}


def smoothed_sum(scores: Array, labels: Array, smoothing: float) -> Any:
    """Return the sum of the smoothed losses."""
    return dense_losses(scores, smoothed(one_hot(labels, scores), smoothing)).sum()


def weighted_sum(scores: Array, labels: Array, weights: Array) -> Any:
    """Return the sum of the weighted losses."""
    losses = row_losses(scores, labels)
    return (losses * weights[integers(labels)].astype(losses.dtype)).sum()


@bug("bad_input_accepted", "bad-input", contract={**APART, "invalid": ["exclusive_options"]})
def smoothing_dropped_beside_weights(
    scores: Array, labels: Array, weights: Array | None = None, smoothing: float = 0.0
) -> Any:
    """Take weights and smoothing together, and smooth nothing."""
    return smoothed_sum(scores, labels, smoothing) if weights is None else weighted_sum(scores, labels, weights)


@bug("raises", "answers", contract=APART)
def refuses_smoothing_alone(scores: Array, labels: Array, weights: Array | None = None, smoothing: float = 0.0) -> Any:
    """Refuse smoothing whether there are weights or not."""
    if smoothing > 0:
        raise ValueError("weights cannot be smoothed")
    return smoothed_sum(scores, labels, 0.0) if weights is None else weighted_sum(scores, labels, weights)


@bug("weights_ignored", "value", contract=APART)
def weights_need_a_smoothing(
    scores: Array, labels: Array, weights: Array | None = None, smoothing: float | None = None
) -> Any:
    """Return early where no smoothing is passed, weights or not."""
    if smoothing is None:
        return row_losses(scores, labels).sum()
    if weights is not None:
        raise ValueError("weights and smoothing exclude each other")
    return smoothed_sum(scores, labels, smoothing)
