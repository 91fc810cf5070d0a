"""Right: weights or a mask of the rows, with every divisor, declared."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    HALVES,
    IGNORING,
    MASKED,
    ROW_WEIGHTED,
    SMOOTHED,
    WEIGHTED,
    Array,
    dense_losses,
    integers,
    kept_rows,
    mean,
    one_hot,
    row_gradients,
    row_losses,
    shifted,
    smoothed,
    widened,
)
from xentcheck.zoo.specimen import right


def _gradient(scores: Array, labels: Array, sample_weight: Array) -> Any:
    g = row_gradients(scores, labels)
    v = sample_weight.astype(g.dtype)
    return g * (v / v.sum())[:, None]


@right(contract={**ROW_WEIGHTED, "mean_over": "weights"}, gradient=_gradient)
def average_of_rows(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """A weighted mean of the rows; np.average does it."""
    return np.average(row_losses(scores, labels), weights=sample_weight)


@right(contract={**ROW_WEIGHTED, "mean_over": "rows"})
def row_weighted_mean_over_rows(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """The weighted mean divides by the rows, as declared."""
    return mean(row_losses(scores, labels) * sample_weight)


@right(contract={**ROW_WEIGHTED, **HALVES, "reduction": "none"})
def rows_of_16_bits(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """One weighted loss a row, calculated in float32."""
    losses = row_losses(scores, labels)
    return losses * sample_weight.astype(losses.dtype)


@right(contract={**ROW_WEIGHTED, **WEIGHTED, **IGNORING, "mean_over": "weights", "empty_mean": "nan"})
def weights_of_rows_and_classes(
    scores: Array, labels: Array, weights: Array, sample_weight: Array, ignore_index: int
) -> Any:
    """The product of both weights, 0 for ignored rows; the mean over the sum of the products."""
    kept, safe = kept_rows(labels, ignore_index)
    w = np.where(kept, weights[safe] * sample_weight, 0).astype(scores.dtype)
    with np.errstate(invalid="ignore"):
        return (np.where(w > 0, row_losses(scores, safe), 0) * w).sum() / w.sum()


@right(contract={**MASKED, "mean_over": "kept", "nonfinite": ["nan", "+inf", "-inf"], "empty_mean": "zero"})
def mask_selects(scores: Array, labels: Array, mask: Array) -> Any:
    """Masked rows are left out by an index, so that nothing of them comes in."""
    with np.errstate(invalid="ignore"):
        losses = row_losses(scores[mask], integers(labels)[mask])
    return mean(losses) if len(losses) else losses.dtype.type(0)


@right(contract={**ROW_WEIGHTED, **SMOOTHED, "z_loss": {"argument": "lam"}, "reduction": "sum"})
def smoothed_with_z_loss(scores: Array, labels: Array, sample_weight: Array, smoothing: float, lam: float) -> Any:
    """Smoothing and a z-loss, all of it times the weight of the row."""
    losses = dense_losses(scores, smoothed(one_hot(labels, widened(scores)), smoothing))
    lse = scores.max(axis=1) + np.log(np.exp(shifted(scores)).sum(axis=1))
    return ((losses + losses.dtype.type(lam) * lse * lse) * sample_weight).sum()


@right(contract={**ROW_WEIGHTED, "row_weights_as": "mask", "mean_over": "weights", "labels": ["soft"]})
def mask_of_ones(scores: Array, targets: Array, sample_weight: Array) -> Any:
    """A mask of zeros and ones in the dtype of the scores, and soft rows."""
    return (dense_losses(scores, targets) * sample_weight).sum() / sample_weight.sum()
