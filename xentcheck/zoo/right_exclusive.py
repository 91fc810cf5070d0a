"""Right: options that exclude each other are refused together, and taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.bugs_exclusive import APART, smoothed_sum, weighted_sum
from xentcheck.zoo.parts import IGNORING, Array, dense_mean_loss, kept_rows, mean, row_losses
from xentcheck.zoo.specimen import right


@right(contract={**APART, "invalid": ["exclusive_options"]})
def refuses_weights_beside_smoothing(
    scores: Array, labels: Array, weights: Array | None = None, smoothing: float | None = None
) -> Any:
    """Raise where both are passed, even weights of 1 or a smoothing of 0."""
    if weights is not None and smoothing is not None:
        raise ValueError("weights and smoothing exclude each other")
    return smoothed_sum(scores, labels, smoothing or 0.0) if weights is None else weighted_sum(scores, labels, weights)


@right(contract=APART)
def takes_both_without_a_promise(
    scores: Array, labels: Array, weights: Array | None = None, smoothing: float = 0.0
) -> Any:
    """Take whichever comes first of two options of which the contract promises no exception."""
    return smoothed_sum(scores, labels, smoothing) if weights is None else weighted_sum(scores, labels, weights)


@right(
    contract={
        **IGNORING,
        "labels": ["sparse", "soft"],
        "empty_mean": "nan",
        "exclusive": [["soft", "ignore_index"]],
        "invalid": ["exclusive_options"],
    },
    thread="torch: ignore_index is not supported for floating point targets",
)
def ignores_no_soft_rows(scores: Array, labels: Array, ignore_index: int | None = None) -> Any:
    """Ignore rows by class numbers only; with soft rows an ignored label is refused."""
    if labels.ndim == 2:
        if ignore_index is not None:
            raise ValueError("soft rows cannot be ignored")
        return dense_mean_loss(scores, labels)
    kept, safe = kept_rows(labels, -1 if ignore_index is None else ignore_index)
    losses = row_losses(scores, safe)
    return mean(losses[kept]) if kept.any() else np.float64("nan").astype(losses.dtype)
