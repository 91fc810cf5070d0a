"""Bugs: what is done to one-hot and soft labels in a dtype other than the scores'."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    dense_gradients,
    dense_losses,
    dense_mean_gradient,
    dense_mean_loss,
    log_softmax,
    mean,
    mean_loss,
    softmax,
)
from xentcheck.zoo.specimen import bug

ONE_HOT = {"labels": ["onehot"]}
SOFT = {"labels": ["soft"]}


@bug("label_dtype", "value", "label-forms", contract=ONE_HOT, akin=("labels_wrapped",), thread="numpy: -y of uint8")
def labels_negated(scores: Array, targets: Array) -> Any:
    """Write (-t) log p, where -1 of uint8 is 255."""
    return mean((-targets * log_softmax(scores)).sum(axis=1))


@bug("label_dtype", "value", "label-forms", contract=ONE_HOT, thread="keras 23664; pytorch 39769")
def integer_rows_read_as_class_numbers(scores: Array, targets: Array) -> Any:
    """Take the first column of integer rows for class numbers."""
    if targets.dtype.kind in "iu":
        return mean_loss(scores, targets[:, 0])
    return mean(dense_losses(scores, targets))


@bug(
    "label_dtype",
    "value",
    "label-forms",
    contract=ONE_HOT,
    akin=("labels_of_all_rows",),
    thread="numpy: integer arrays index",
)
def square_rows_read_as_class_numbers(scores: Array, targets: Array) -> Any:
    """Take as many integer rows as classes for class numbers, by their last column."""
    if targets.dtype.kind in "iu" and targets.shape[0] == targets.shape[1]:
        return mean_loss(scores, targets[:, -1])
    return mean(dense_losses(scores, targets))


@bug(
    "label_dtype",
    "gradient",
    "label-forms",
    role="gradient",
    loss=dense_mean_loss,
    contract={**ONE_HOT, "dtypes": ["float32"]},
    thread="numpy: zeros_like of the labels",
)
def gradient_kept_in_label_dtype(scores: Array, targets: Array) -> Any:
    """Write the gradient to an array like the labels, which cuts it down to whole numbers."""
    kept = np.zeros_like(targets, dtype=None if targets.dtype.kind in "iu" else scores.dtype)
    kept[...] = dense_mean_gradient(scores, targets)
    return kept


@bug(
    "output_dtype", "precision", contract={**ONE_HOT, "output_dtype": "same"}, thread="numpy promotion: float32 * int64"
)
def labels_promote_the_result(scores: Array, targets: Array) -> Any:
    """Multiply float32 by labels of float64 or int64, which gives float64, where that of the scores is promised."""
    return -(targets * log_softmax(scores)).sum() / max(len(scores), 1)


@bug("label_dtype", "value", "label-forms", contract=SOFT, akin=("targets_truncated",), thread="tensorflow 8484")
def wider_labels_truncated(scores: Array, targets: Array) -> Any:
    """Take labels wider than the scores for whole numbers."""
    whole = targets.dtype.itemsize > scores.dtype.itemsize
    return mean(dense_losses(scores, targets.astype(np.int64) if whole else targets))


@bug(
    "label_dtype",
    "gradient",
    "label-forms",
    role="gradient",
    loss=dense_mean_loss,
    contract={**SOFT, "dtypes": ["float64"]},
    akin=("labels_rounded",),
    thread="a table of labels in half precision",
)
def float32_labels_taken_for_half(scores: Array, targets: Array) -> Any:
    """Round labels of float32 to float16."""
    t = targets.astype(np.float16).astype(scores.dtype) if targets.dtype == np.float32 else targets
    return dense_gradients(scores, t) / max(len(scores), 1)


@bug("label_dtype", "value", "label-forms", contract=ONE_HOT, thread="a boolean mask negated instead of compared")
def boolean_labels_inverted(scores: Array, targets: Array) -> Any:
    """Read boolean labels as a mask of what does not count."""
    t = ~targets if targets.dtype == np.bool_ else targets
    return mean(-np.where(t == 0, 0, t * np.log(softmax(scores))).sum(axis=1))


@bug(
    "labels_wrapped",
    "value",
    contract={"label_dtypes": ["same"], "reduction": "none"},
    thread="numpy: astype(int8) of class numbers that are floats",
)
def class_numbers_of_floats_in_eight_bits(scores: Array, labels: Array) -> Any:
    """Read class numbers, which come in the dtype of the scores, as int8: 128 counts from the end."""
    if labels.dtype != scores.dtype:
        raise TypeError(f"expected labels of {scores.dtype}, not {labels.dtype}")
    return -at(log_softmax(scores), labels.astype(np.int8))
