"""Bugs: what -inf, 0 log 0 and rows that must not matter do to sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    IGNORING,
    Array,
    at,
    dense_losses,
    kept_rows,
    log_softmax,
    mean,
    one_hot,
    row_losses,
    shifted,
    softmax,
)
from xentcheck.zoo.specimen import bug

MASKED = {"nonfinite": ["-inf"]}


@bug(
    "zero_times_inf",
    "value",
    "minus-infinity",
    contract={**MASKED, "labels": ["onehot"]},
    thread="optax 896, 1762; jax 17117",
)
def zero_times_minus_infinity(scores: Array, targets: Array) -> Any:
    """Multiply a log p of -inf by the target 0 of a masked class."""
    return mean(-(targets * log_softmax(scores)).sum(axis=1))


@bug("zero_times_inf", "value", "minus-infinity", contract=MASKED, thread="pytorch 31829")
def one_hot_times_scores(scores: Array, labels: Array) -> Any:
    """Pick the label's logit by a product with one-hot rows."""
    d = shifted(scores)
    return mean(np.log(np.exp(d).sum(axis=1)) - (one_hot(labels, d) * d).sum(axis=1))


@bug(
    "zero_times_inf",
    "value",
    "minus-infinity",
    contract={"nonfinite": ["-inf off the label"]},
    thread="pytorch 31829",
)
def masked_class_times_zero(scores: Array, labels: Array) -> Any:
    """Pick the label's logit by a product with one-hot rows, where only the label must not be -inf."""
    d = shifted(scores)
    return mean(np.log(np.exp(d).sum(axis=1)) - (one_hot(labels, d) * d).sum(axis=1))


@bug(
    "zero_times_inf",
    "value",
    contract={"input": "probabilities", "labels": ["onehot"], "nonfinite": ["-inf"]},
    thread="scikit-learn 14608; keras 23551",
)
def zero_times_log_zero(scores: Array, targets: Array) -> Any:
    """Take 0 log 0 as nan."""
    return mean(-(targets * np.log(scores)).sum(axis=1))


@bug("zero_times_inf", "value", contract={"input": "probabilities", "labels": ["soft"]}, thread="tensorflow 60113")
def product_with_zero_target(scores: Array, targets: Array) -> Any:
    """Mask the log p of 0 only where the target is exactly one-hot, not where it is soft."""
    logs = np.log(scores)
    pure = targets.max(axis=1, keepdims=True) == 1
    return mean(-np.where((targets == 0) & pure, 0, targets * logs).sum(axis=1))


@bug(
    "minus_infinity_as_number",
    "value",
    "minus-infinity",
    akin=("nonfinite_replaced",),
    contract=MASKED,
    thread="flash-attention 1930; jax 6811",
)
def masked_by_a_number(scores: Array, labels: Array) -> Any:
    """Replace -inf by -10,000, which is no mask beside logits as low."""
    return mean(row_losses(np.maximum(scores, -1e4), labels))


@bug("nonfinite_replaced", "value", "minus-infinity", contract=MASKED, thread="mlx 2213")
def masked_label_costs_nothing(scores: Array, labels: Array) -> Any:
    """Replace the infinite loss of a masked label by 0."""
    losses = row_losses(scores, labels)
    return mean(np.where(np.isinf(losses), 0, losses))


@bug(
    "nonfinite_replaced",
    "value",
    contract={**MASKED, "reduction": "none"},
    akin=("zero_times_inf",),
    thread="jax 16208; pytorch 31829",
)
def masked_row_costs_nothing(scores: Array, labels: Array) -> Any:
    """A row that is masked everywhere costs 0, where the exact value is not a number."""
    top = scores.max(axis=1, keepdims=True)
    d = scores - np.where(np.isinf(top), 0, top)
    losses = np.log(np.exp(d).sum(axis=1)) - at(d, labels)
    return np.where(np.isinf(top[:, 0]), 0, losses)


@bug(
    "nan_from_masked_block",
    "value",
    "minus-infinity",
    akin=("zero_times_inf",),
    contract=MASKED,
    thread="flash-attention 1930; Liger-Kernel 1338",
)
def first_block_masked(scores: Array, labels: Array) -> Any:
    """Online softmax over blocks of 2 classes; a first block that is masked gives -inf - (-inf)."""
    top = np.full(len(scores), -np.inf, scores.dtype)
    total = np.zeros(len(scores), scores.dtype)
    for start in range(0, scores.shape[1], 2):
        block = scores[:, start : start + 2]
        new = np.maximum(top, block.max(axis=1))
        total = total * np.exp(top - new) + np.exp(block - new[:, None]).sum(axis=1)
        top = new
    return mean(np.log(total) - (at(scores, labels) - top))


@bug(
    "nonfinite_replaced",
    "value",
    "minus-infinity",
    contract={**MASKED, "reduction": "sum"},
    thread="transformers: nanmean over rows",
)
def rows_not_finite_skipped(scores: Array, labels: Array) -> Any:
    """Leave out every row that has an infinite loss."""
    losses = row_losses(scores, labels)
    return losses[np.isfinite(losses)].sum()


@bug(
    "zero_times_inf",
    "gradient",
    "minus-infinity",
    role="gradient",
    loss=None,
    contract={**MASKED, "labels": ["onehot"]},
    thread="optax 1762; jax 17117",
)
def gradient_of_masked_class(scores: Array, targets: Array) -> Any:
    """Multiply -t / p by p: nan where p is 0 and the target too."""
    p = softmax(scores)
    return (-targets / p * p + p) / max(len(p), 1)


@bug(
    "minus_infinity_as_number",
    "gradient",
    "minus-infinity",
    role="gradient",
    loss=None,
    akin=("clip",),
    contract=MASKED,
    thread="flash-attention 1930",
)
def masked_class_learns(scores: Array, labels: Array) -> Any:
    """Give a masked class at least 1e-6 of probability in the gradient."""
    p = softmax(scores)
    return (np.where(np.isinf(scores), 1e-6, p) - one_hot(labels, p)) / max(len(p), 1)


@bug(
    "ignored_rows_used",
    "value",
    "deletion",
    akin=("zero_times_inf",),
    contract={**IGNORING, **MASKED},
    thread="keras 21908; Liger-Kernel 1338; pytorch 11551",
)
def ignored_row_times_zero(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Multiply the loss of ignored rows by 0: nan where it is infinite (0 is taken for their label)."""
    kept, safe = kept_rows(labels, ignore_index)
    losses = row_losses(scores, safe) * kept.astype(scores.dtype)
    return losses.sum() / kept.sum().astype(scores.dtype)


@bug(
    "zero_times_inf",
    "value",
    akin=("small_targets_dropped",),
    contract={**MASKED, "labels": ["soft"], "soft_rows": "any"},
    thread="optax 1762",
)
def logsumexp_times_zero(scores: Array, targets: Array) -> Any:
    """Multiply log p of -inf by targets below 1e-3 as if they were 0: a small target on a masked class is infinite."""
    return mean(dense_losses(scores, np.where(np.isinf(scores) & (targets < 0.11), 0, targets)))
