"""Bugs: bad labels that a check lets pass, since it ignores, narrows or reshapes them first, or is not made at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    integers,
    kept_rows,
    mean_gradient,
    mean_loss,
    row_losses,
)
from xentcheck.zoo.specimen import bug

_IGNORING = {"ignore_index": -100, "mean_over": "kept", "empty_mean": "nan"}


def refused(labels: Array, classes: int) -> Array:
    """Return flat int64 labels, or raise ValueError for one outside the classes."""
    flat = integers(labels)
    if np.any((flat < 0) | (flat >= classes)):
        raise ValueError("label out of range")
    return flat


def mean_of_kept(scores: Array, labels: Array, kept: Array) -> Any:
    """Return the mean loss of the rows kept; nan of none."""
    losses = row_losses(scores, np.where(kept, labels, 0))
    return np.where(kept, losses, 0).sum() / losses.dtype.type(kept.sum() or "nan")


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={**_IGNORING, "invalid": ["label_negative"]},
    thread="optax 1185; keras 21908: labels below 0 are masked",
)
def every_negative_label_ignored(scores: Array, labels: Array) -> Any:
    """Ignore every negative label, where only -100 is declared."""
    flat = integers(labels)
    return mean_of_kept(scores, flat, flat >= 0)


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={**_IGNORING, "invalid": ["label_out_of_range"]},
    thread="burn 5568: one-hot rows of ignored labels by comparison",
)
def labels_beyond_the_classes_ignored(scores: Array, labels: Array) -> Any:
    """Ignore labels beyond the classes as if they were the ignored one."""
    flat = integers(labels)
    return mean_of_kept(scores, flat, (flat != -100) & (flat < scores.shape[1]))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"ignore_index": {"argument": "ignore_index"}, "mean_over": "kept", "invalid": ["label_negative"]},
    thread="pytorch: -100 is the default whatever is passed",
)
def minus_hundred_always_ignored(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Ignore -100 beside the label that is passed as the ignored one."""
    kept, safe = kept_rows(labels, ignore_index)
    kept = kept & (integers(labels) != -100)
    return mean_of_kept(scores, refused(np.where(kept, safe, 0), scores.shape[1]), kept)


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_out_of_range"], "label_dtypes": ["int64"]},
    thread="tensorflow 126005; jax: int64 becomes int32",
)
def labels_narrowed_before_the_check(scores: Array, labels: Array) -> Any:
    """Narrow labels to int32 and check them then: 2**32 + 1 is 1."""
    return mean_loss(scores, refused(labels.astype(np.int32), scores.shape[1]))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_out_of_range"], "label_dtypes": ["int64"], "domain": {"classes": [1, 256]}},
    thread="tensorflow 126005",
)
def labels_narrowed_to_a_byte(scores: Array, labels: Array) -> Any:
    """Narrow labels to uint8, since there are few classes, and check them then: 256 + 1 is 1."""
    return mean_loss(scores, refused(labels.astype(np.uint8), scores.shape[1]))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_out_of_range"]},
    thread="numpy: a large int64 as int32, indexing from the end",
)
def upper_end_checked_in_int32(scores: Array, labels: Array) -> Any:
    """Check the upper end alone, in int32: 2**31 + 1 and 2**63 - 1 are negative there, and taken modulo the classes."""
    flat = np.asarray(labels).reshape(-1).astype(np.int32)
    if np.any(flat >= scores.shape[1]):
        raise ValueError("label out of range")
    return mean_loss(scores, flat % scores.shape[1])


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_out_of_range"], "label_dtypes": ["int64"]},
    thread="numpy: uint32 fits where int32 does not",
)
def labels_that_fit_in_32_bits(scores: Array, labels: Array) -> Any:
    """Refuse what needs more than 32 bits, and check the upper end in int32 then, where 2**31 + 1 is negative."""
    given = np.asarray(labels)
    if given.dtype.kind == "u" and given.dtype.itemsize == 8:
        raise TypeError("labels must be int64")
    if np.any(given >= 2**32) or np.any((flat := given.astype(np.int32)) >= scores.shape[1]):
        raise ValueError("label out of range")
    return mean_loss(scores, flat % scores.shape[1])


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": "raise", "label_dtypes": ["int64"]},
    thread="scikit-learn 30910: a matrix of labels is cut to its first column",
)
def first_column_of_one_hot_rows(scores: Array, labels: Array) -> Any:
    """Take the first column of a matrix of integers for the labels."""
    given = np.asarray(labels)
    if given.dtype.kind not in "iu" or len(given) != len(scores):
        raise ValueError("bad labels")
    return mean_loss(scores, refused(given.reshape(len(given), -1)[:, 0] if len(given) else given, scores.shape[1]))


def checked_loss(scores: Array, labels: Array) -> Any:
    """Return the mean loss, or raise ValueError for a bad label."""
    return mean_loss(scores, refused(labels, scores.shape[1]))


@bug(
    "bad_input_accepted",
    "bad-input",
    role="gradient",
    loss=checked_loss,
    contract={"invalid": ["label_negative"]},
    thread="checks in forward alone",
)
def gradient_checks_nothing(scores: Array, labels: Array) -> Any:
    """The loss refuses negative labels, and the gradient, called alone, counts them from the end."""
    return mean_gradient(scores, labels)
