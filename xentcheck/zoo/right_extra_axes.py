"""Right: rows along several axes, with the classes last or along axis 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    MASKED,
    Array,
    dense_gradients,
    dense_losses,
    mean_gradient,
    mean_loss,
    row_gradients,
    row_losses,
    row_vjp,
)
from xentcheck.zoo.specimen import right

ALONG_ONE = {"axis": 1, "extra_axes": [0, 1, 2, 3]}
LAST = {"extra_axes": [0, 1, 2]}
NONE = {"reduction": "none"}


def rows_of(scores: Array, axis: int = 1) -> Array:
    """Return scores with their classes along an axis as rows (n, m)."""
    moved = np.moveaxis(scores, axis, -1)
    rows: Array = moved.reshape(int(np.prod(moved.shape[:-1])), moved.shape[-1])
    return rows


def back(rows: Array, scores: Array, axis: int = 1) -> Array:
    """Return rows (n, m) in the shape of the scores that they were made of."""
    shape = np.moveaxis(scores, axis, -1).shape
    return np.moveaxis(rows.reshape(shape), -1, axis)


@right(contract=ALONG_ONE, gradient=lambda scores, labels: back(mean_gradient(rows_of(scores), labels), scores))
def classes_along_axis_one(scores: Array, labels: Array) -> Any:
    """Scores (N, m, d1, ...) and labels (N, d1, ...): the classes are moved to the end before rows are made."""
    return mean_loss(rows_of(scores), labels)


def _pulled_back(scores: Array, labels: Array, upstream: Array) -> Any:
    return back(row_vjp(rows_of(scores), labels, upstream.reshape(-1)), scores)


@right(
    contract={**ALONG_ONE, **NONE},
    gradient=lambda scores, labels: back(row_gradients(rows_of(scores), labels), scores),
    vjp=_pulled_back,
)
def a_loss_a_pixel(scores: Array, labels: Array) -> Any:
    """One loss a row, in the shape of the labels, and the cotangents in that shape."""
    return row_losses(rows_of(scores), labels).reshape(labels.shape)


@right(contract={**LAST, "label_shapes": ["(n,)", "(n,1)"], **NONE})
def classes_last(scores: Array, labels: Array) -> Any:
    """Scores (..., m), and labels (...) or (..., 1)."""
    return row_losses(rows_of(scores, -1), labels).reshape(scores.shape[:-1])


@right(
    contract={**LAST, "labels": ["onehot", "soft"], **NONE},
    gradient=lambda scores, targets: dense_gradients(rows_of(scores, -1), rows_of(targets, -1)).reshape(scores.shape),
)
def dense_labels_of_any_shape(scores: Array, targets: Array) -> Any:
    """Scores and dense labels (..., m)."""
    return dense_losses(rows_of(scores, -1), rows_of(targets, -1)).reshape(scores.shape[:-1])


@right(contract={**LAST, **MASKED, "mean_over": "kept", "empty_mean": "zero"})
def masked_tokens(scores: Array, labels: Array, mask: Array) -> Any:
    """Scores (..., m), labels and a mask (...): the mean of the tokens that the mask keeps."""
    kept = mask.reshape(-1)
    return mean_loss(rows_of(scores, -1)[kept], labels.reshape(-1)[kept]) if kept.any() else scores.dtype.type(0)


@right(contract={"axis": 0, "extra_axes": 1}, gradient=lambda z, y: back(mean_gradient(rows_of(z, 0), y), z, 0))
def classes_first_of_three_axes(scores: Array, labels: Array) -> Any:
    """Scores (m, N, d)."""
    return mean_loss(rows_of(scores, 0), labels)
