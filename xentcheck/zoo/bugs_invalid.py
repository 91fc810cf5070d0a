"""Bugs: bad input that is answered by a plausible number, where the contract promises an exception or a sentinel."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import Array, at, dense_losses, integers, mean, mean_loss, row_losses, widened
from xentcheck.zoo.specimen import bug

NAN = float("nan")


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"input": "probabilities", "invalid": ["probabilities_not_stochastic"]},
    thread="scikit-learn 24515",
)
def only_the_sum_is_checked(probabilities: Array, labels: Array) -> Any:
    """Take 1.5 and -0.5 for probabilities, since they sum to 1."""
    p = widened(probabilities)
    if p.size and abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("rows must sum to 1")
    return mean(-np.log(at(p, labels)))


@bug("bad_input_accepted", "bad-input", contract={"invalid": ["label_negative"]}, thread="optax 1185")
def only_minus_one_is_refused(scores: Array, labels: Array) -> Any:
    """Refuse a label of -1 and no other negative one."""
    if (np.asarray(labels).astype(np.int64) == -1).any():
        raise ValueError("bad label")
    return mean_loss(scores, labels)


def checked(labels: Array, rows: int, classes: int) -> Array:
    """Return sparse labels, or raise ValueError for bad ones."""
    flat = np.asarray(labels).reshape(-1)
    if flat.dtype.kind not in "iu" or len(flat) != rows or np.any((flat < 0) | (flat >= classes)):
        raise ValueError("bad labels")
    return integers(flat)


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_negative"]},
    thread="optax 1185 [-1 gives the last class]",
)
def negative_label_wraps(scores: Array, labels: Array) -> Any:
    """Index with a negative label, which counts from the end."""
    return mean_loss(scores, labels)


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_out_of_range"]},
    thread="jax: indices are clipped; tensorflow 2327",
)
def label_clipped(scores: Array, labels: Array) -> Any:
    """Clip labels into the range."""
    return mean_loss(scores, np.clip(integers(labels), 0, scores.shape[1] - 1))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_out_of_range", "label_negative"]},
    thread="keras 23664 [0]; tensorflow 2327",
)
def label_without_one_hot_row(scores: Array, labels: Array) -> Any:
    """Build one-hot rows by comparison: a label beyond the classes costs 0."""
    t = (integers(labels)[:, None] == np.arange(scores.shape[1])).astype(scores.dtype)
    return mean(dense_losses(scores, t))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_out_of_range"]},
    thread="scikit-learn 6703: > where >= is meant",
)
def range_check_off_by_one(scores: Array, labels: Array) -> Any:
    """Check y > m where y >= m is meant, and take the last class for y = m."""
    flat = integers(labels)
    if np.any((flat < 0) | (flat > scores.shape[1])):
        raise ValueError("label out of range")
    return mean_loss(scores, np.minimum(flat, scores.shape[1] - 1))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": "raise"},
    thread="pytorch 39769: the first element is checked",
)
def only_first_label_checked(scores: Array, labels: Array) -> Any:
    """Check the first label and the number of labels only."""
    flat = np.asarray(labels).reshape(-1)
    if len(flat) != len(scores) or flat.dtype.kind not in "iu":
        raise ValueError("bad labels")
    checked(flat[:1], min(len(flat), 1), scores.shape[1])
    return mean_loss(scores, integers(flat) % scores.shape[1])


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["label_fractional"]},
    thread="tensorflow 8484; pytorch 108148",
)
def fractional_label_truncated(scores: Array, labels: Array) -> Any:
    """Truncate fractional labels."""
    return mean_loss(scores, integers(labels))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": ["length_mismatch"]},
    thread="scikit-learn 30910; Paddle 76033",
)
def rows_without_label_dropped(scores: Array, labels: Array) -> Any:
    """Zip rows and labels, so that the longer one is cut."""
    count = min(len(scores), len(labels))
    return mean_loss(scores[:count], labels[:count])


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"labels": ["onehot"], "invalid": ["shape_mismatch"]},
    thread="burn 5568; numpy broadcasting",
)
def missing_classes_filled(scores: Array, targets: Array) -> Any:
    """Fill up targets of too few classes with zeros."""
    missing = scores.shape[1] - targets.shape[1]
    return mean(dense_losses(scores, np.pad(targets, ((0, 0), (0, missing)))))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"labels": ["onehot"], "invalid": ["labels_not_binary"]},
    thread="pytorch 134771, 152437",
)
def soft_rows_accepted(scores: Array, targets: Array) -> Any:
    """Accept soft rows where only one-hot ones are promised."""
    return mean(dense_losses(scores, targets))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"input": "probabilities", "invalid": ["probabilities_not_stochastic"]},
    thread="scikit-learn 24515 (silent renormalisation)",
)
def renormalises_silently(scores: Array, labels: Array) -> Any:
    """Renormalise rows that do not sum to 1, without a word."""
    return mean(-np.log(at(scores / scores.sum(axis=1, keepdims=True), labels)))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"input": "probabilities", "invalid": ["probabilities_not_stochastic"]},
    thread="scikit-learn 24515: a tolerance of a half",
)
def loose_check_of_row_sums(scores: Array, labels: Array) -> Any:
    """Refuse rows whose sum is off by more than 0.6."""
    if np.any(np.abs(scores.sum(axis=1) - 1) > 0.6):
        raise ValueError("rows must sum to 1")
    return mean(-np.log(at(scores, labels)))


@bug(
    "bad_input_accepted",
    "bad-input",
    contract={"invalid": {"returns": NAN}},
    thread="tensorflow on GPU: nan is promised, 0 is returned",
)
def zero_for_the_sentinel(scores: Array, labels: Array) -> Any:
    """Return 0 for bad labels, where the contract promises nan."""
    flat = np.asarray(labels).reshape(-1)
    bad = len(flat) != len(scores) or flat.dtype.kind not in "iu" or np.any((flat < 0) | (flat >= scores.shape[1]))
    return scores.dtype.type(0) if bad else mean(row_losses(scores, labels))
