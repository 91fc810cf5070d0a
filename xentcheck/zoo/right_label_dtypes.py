"""Right: one-hot and soft labels in a dtype other than the scores', converted, promoted or refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    EVERY_DTYPE,
    SMOOTHED,
    WEIGHTED,
    Array,
    dense_gradients,
    dense_losses,
    dense_mean_gradient,
    log_softmax,
    mean,
    smoothed,
    softmax,
    widened,
)
from xentcheck.zoo.specimen import right

DENSE = {"labels": ["onehot", "soft"]}


def converted(scores: Array, targets: Array) -> Array:
    """Return labels in the scores' own dtype, which rounds those that it does not hold."""
    return targets.astype(scores.dtype)


@right(contract={**DENSE, **EVERY_DTYPE}, gradient=lambda z, t: dense_mean_gradient(z, converted(z, t)))
def labels_converted_to_the_scores(scores: Array, targets: Array) -> Any:
    """Convert the labels to the dtype of the scores, float16 included."""
    return mean(dense_losses(scores, converted(scores, targets)))


def promoted_gradient(scores: Array, targets: Array) -> Any:
    """Return (sum t) p - t in what numpy promotes both to."""
    t = targets.astype(float) if targets.dtype == np.bool_ else targets
    return t.sum(axis=1, keepdims=True) * softmax(scores) - t


@right(contract={**DENSE, "reduction": "sum", "soft_rows": "any"}, gradient=promoted_gradient)
def labels_promote(scores: Array, targets: Array) -> Any:
    """Leave it to numpy in what dtype labels and scores meet, float64 of int64 and float32."""
    return -(targets * log_softmax(scores)).sum()


@right(contract={**DENSE, **EVERY_DTYPE, "reduction": "sum"})
def other_label_dtypes_refused(scores: Array, targets: Array) -> Any:
    """Raise for labels that are not of the scores' dtype."""
    if targets.dtype != scores.dtype:
        raise TypeError(f"expected {scores.dtype} but found {targets.dtype}")
    return dense_losses(scores, targets).sum()


@right(contract={**DENSE, "dense_label_dtypes": ["bool", "uint8"], "reduction": "none"} | {"labels": ["onehot"]})
def labels_as_a_mask(scores: Array, targets: Array) -> Any:
    """Take labels for a mask, as promised."""
    return -np.where(targets.astype(bool), log_softmax(scores), 0).sum(axis=1)


@right(
    contract={**DENSE, **EVERY_DTYPE, **WEIGHTED, **SMOOTHED, "mean_over": "weights", "smoothing_weights": "class"},
)
def converted_weighted_and_smoothed(scores: Array, targets: Array, weights: Array, smoothing: float) -> Any:
    """Convert the labels to the scores' dtype before they are smoothed and weighted."""
    wide, w = widened(scores), widened(weights)
    t = converted(scores, targets).astype(wide.dtype)
    losses = (
        -np.where(t == 0, 0, smoothed(t, smoothing) * w * log_softmax(scores))
        if smoothing == 0
        else -(smoothed(t, smoothing) * w * log_softmax(scores))
    )
    return losses.sum() / (t * w).sum()


@right(
    role="gradient",
    loss=None,
    contract={"labels": ["soft"], **EVERY_DTYPE, "soft_rows": "renormalised", "reduction": "none"},
)
def converted_and_renormalised(scores: Array, targets: Array) -> Any:
    """Convert the labels to the scores' dtype before each row is divided by its sum."""
    t = converted(scores, targets).astype(widened(scores).dtype)
    return dense_gradients(scores, t / t.sum(axis=1, keepdims=True))
