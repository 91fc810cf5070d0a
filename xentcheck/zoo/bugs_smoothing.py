"""Bugs: label smoothing, the z-loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    IGNORING,
    SMOOTHED,
    WEIGHTED,
    Array,
    dense_gradients,
    dense_losses,
    kept_rows,
    mean,
    one_hot,
    row_gradients,
    row_losses,
    shifted,
    smoothed,
    smoothed_over_others,
    softmax,
)
from xentcheck.zoo.specimen import bug

OTHERS = {**SMOOTHED, "smoothing_over": "others"}
Z_LOSS = {"z_loss": {"argument": "z_loss"}}


def right_loss(scores: Array, labels: Array, smoothing: float) -> Any:
    """Return the mean loss with eps / m."""
    return mean(dense_losses(scores, smoothed(one_hot(labels, scores), smoothing)))


def lse_of(scores: Array) -> Array:
    """Return the log-sum-exp of each row."""
    d = shifted(scores)
    lse: Array = np.log(np.exp(d).sum(axis=1)) + scores.max(axis=1)
    return lse


def right_z_loss(scores: Array, labels: Array, z_loss: float) -> Any:
    """Return the mean of row losses and z_loss lse**2."""
    return mean(row_losses(scores, labels) + scores.dtype.type(z_loss) * lse_of(scores) ** 2)


@bug("smoothing_ignored", "value", contract=SMOOTHED, thread="Liger-Kernel 243 (the argument is dropped)")
def smoothing_ignored(scores: Array, labels: Array, smoothing: float) -> Any:
    """Take the smoothing and not use it."""
    return mean(row_losses(scores, labels))


@bug(
    "smoothing_ignored",
    "gradient",
    "own-gradient",
    role="gradient",
    loss=right_loss,
    contract=SMOOTHED,
    thread="Liger-Kernel 243",
)
def gradient_without_smoothing(scores: Array, labels: Array, smoothing: float) -> Any:
    """Smooth the loss and not the gradient."""
    return row_gradients(scores, labels) / max(len(scores), 1)


@bug("smoothing_over_others", "value", contract=SMOOTHED, thread="mlx 166; pytorch 148884; Megatron-LM 737")
def smoothing_over_others(scores: Array, labels: Array, smoothing: float) -> Any:
    """Give eps / (m - 1) to the other classes where the contract says eps / m to all."""
    return mean(dense_losses(scores, smoothed_over_others(one_hot(labels, scores), smoothing)))


@bug("smoothing_over_all", "value", contract=OTHERS, thread="Megatron-LM 737")
def smoothing_over_all(scores: Array, labels: Array, smoothing: float) -> Any:
    """Give eps / m to all where the contract says eps / (m - 1) to the others."""
    return right_loss(scores, labels, smoothing)


@bug("smoothing_without_1_minus_eps", "value", contract=SMOOTHED, thread="aprender 2199")
def label_keeps_its_share(scores: Array, labels: Array, smoothing: float) -> Any:
    """Add the uniform part and leave the label's share at 1."""
    t = one_hot(labels, scores)
    return mean(dense_losses(scores, t + t.dtype.type(smoothing) / t.shape[1]))


@bug("smoothing_uniform_missing", "value", contract=SMOOTHED, thread="aprender 2199")
def uniform_part_missing(scores: Array, labels: Array, smoothing: float) -> Any:
    """Reduce the label's share and add nothing."""
    return mean(row_losses(scores, labels)) * (1 - scores.dtype.type(smoothing))


@bug("smoothing_not_divided", "value", contract=SMOOTHED, thread="Megatron-LM 7464")
def uniform_part_not_divided(scores: Array, labels: Array, smoothing: float) -> Any:
    """Add eps, not eps / m, to each class."""
    t, eps = one_hot(labels, scores), scores.dtype.type(smoothing)
    return mean(dense_losses(scores, (1 - eps) * t + eps))


@bug("smoothing_label_share", "value", contract=SMOOTHED, thread="tensorflow 32231")
def label_misses_its_share(scores: Array, labels: Array, smoothing: float) -> Any:
    """Give eps / m to the other classes only."""
    t, eps = one_hot(labels, scores), scores.dtype.type(smoothing)
    return mean(dense_losses(scores, (1 - eps) * t + (1 - t) * (eps / t.dtype.type(t.shape[1]))))


@bug(
    "smoothing_times_sum",
    "value",
    "smoothing",
    contract={**SMOOTHED, "labels": ["soft"], "soft_rows": "any"},
    thread="pytorch: eps / m, whatever a soft row sums to",
)
def uniform_part_times_sum(scores: Array, targets: Array, smoothing: float) -> Any:
    """Multiply the uniform part by the sum of the row's labels."""
    t, eps = targets.astype(scores.dtype), scores.dtype.type(smoothing)
    return mean(dense_losses(scores, (1 - eps) * t + t.sum(axis=1, keepdims=True) * (eps / eps.dtype.type(t.shape[1]))))


@bug("smoothing_swapped", "value", contract=SMOOTHED, thread="aprender 2199")
def smoothing_swapped(scores: Array, labels: Array, smoothing: float) -> Any:
    """Take the smoothing for the label's share."""
    return right_loss(scores, labels, 1 - smoothing)


@bug(
    "smoothing_twice",
    "value",
    "label-forms",
    akin=("smoothing_distorted",),
    contract={**SMOOTHED, "labels": ["sparse", "onehot"]},
    thread="keras 23451",
)
def dense_labels_smoothed_twice(scores: Array, labels: Array, smoothing: float) -> Any:
    """Smooth one-hot labels before the call that smooths them."""
    if labels.shape != scores.shape or labels.dtype.kind in "iu":
        return right_loss(scores, labels, smoothing)
    return mean(dense_losses(scores, smoothed(smoothed(labels, smoothing), smoothing)))


@bug(
    "smoothing_uniform_missing",
    "gradient",
    "own-gradient",
    "gradient-row-sum",
    role="gradient",
    loss=right_loss,
    contract=SMOOTHED,
    thread="Megatron-LM 7464",
)
def gradient_lacks_uniform_part(scores: Array, labels: Array, smoothing: float) -> Any:
    """Subtract (1 - eps) t and forget eps / m."""
    return (softmax(scores) - (1 - scores.dtype.type(smoothing)) * one_hot(labels, scores)) / max(len(scores), 1)


@bug(
    "smoothing_distorted",
    "value",
    akin=("smoothing_ignored", "scaled"),
    contract=SMOOTHED,
    thread="Liger-Kernel 243: a range check",
)
def smoothing_limited(scores: Array, labels: Array, smoothing: float) -> Any:
    """Limit the smoothing to 0.8."""
    return right_loss(scores, labels, min(smoothing, 0.8))


@bug(
    "smoothing_over_others",
    "value",
    contract={**SMOOTHED, "labels": ["soft"], "soft_rows": "normalised"},
    akin=("scaled",),
    thread="mlx 166",
)
def soft_rows_smoothed_over_others(scores: Array, targets: Array, smoothing: float) -> Any:
    """Smooth soft rows by eps / (m - 1) (1 - t)."""
    return mean(dense_losses(scores, smoothed_over_others(targets, smoothing)))


@bug("z_loss_missing", "gradient", role="gradient", loss=right_z_loss, contract=Z_LOSS, thread="Liger-Kernel 343")
def gradient_without_z_loss(scores: Array, labels: Array, z_loss: float) -> Any:
    """The loss has a z-loss, the gradient has not."""
    return row_gradients(scores, labels) / max(len(scores), 1)


@bug(
    "z_loss_halved",
    "gradient",
    "gradient-row-sum",
    role="gradient",
    loss=right_z_loss,
    contract=Z_LOSS,
    thread="Megatron-LM 7452",
)
def z_loss_gradient_lacks_factor_two(scores: Array, labels: Array, z_loss: float) -> Any:
    """The z-loss gives lambda lse p, not 2 lambda lse p."""
    extra = scores.dtype.type(z_loss) * lse_of(scores)[:, None] * softmax(scores)
    return (row_gradients(scores, labels) + extra) / max(len(scores), 1)


@bug(
    "z_loss_gradient",
    "gradient",
    "gradient-row-sum",
    role="gradient",
    loss=right_z_loss,
    contract=Z_LOSS,
    thread="Megatron-LM 7452",
)
def z_loss_gradient_lacks_lse(scores: Array, labels: Array, z_loss: float) -> Any:
    """The z-loss gives 2 lambda p, not 2 lambda lse p."""
    return (row_gradients(scores, labels) + 2 * scores.dtype.type(z_loss) * softmax(scores)) / max(len(scores), 1)


@bug("z_loss_not_squared", "value", contract=Z_LOSS, thread="ml-cross-entropy 52")
def z_loss_not_squared(scores: Array, labels: Array, z_loss: float) -> Any:
    """Add lambda lse."""
    return mean(row_losses(scores, labels) + scores.dtype.type(z_loss) * lse_of(scores))


@bug("z_loss_reduction", "value", contract=Z_LOSS, thread="Liger-Kernel 1338")
def z_loss_summed(scores: Array, labels: Array, z_loss: float) -> Any:
    """Add the sum of the z-losses to a mean."""
    return mean(row_losses(scores, labels)) + scores.dtype.type(z_loss) * (lse_of(scores) ** 2).sum()


@bug(
    "z_loss_ignored_rows",
    "value",
    contract={**Z_LOSS, "ignore_index": {"argument": "ignore_index"}, "reduction": "sum"},
    thread="Liger-Kernel 1338",
)
def z_loss_of_ignored_rows(scores: Array, labels: Array, z_loss: float, ignore_index: int) -> Any:
    """Add the z-loss of ignored rows too."""
    kept, safe = kept_rows(labels, ignore_index)
    return np.where(kept, row_losses(scores, safe), 0).sum() + scores.dtype.type(z_loss) * (lse_of(scores) ** 2).sum()


@bug("z_loss_missing", "value", akin=("z_loss_shifted",), contract=Z_LOSS, thread="ml-cross-entropy 52")
def z_loss_of_shifted_scores(scores: Array, labels: Array, z_loss: float) -> Any:
    """Take the z-loss of the log-sum-exp after the maximum was subtracted."""
    lse = np.log(np.exp(shifted(scores)).sum(axis=1))
    return mean(row_losses(scores, labels) + scores.dtype.type(z_loss) * lse**2)


@bug(
    "smoothing_ignored",
    "gradient",
    role="gradient",
    loss=None,
    akin=("ignored_rows_used",),
    contract={**SMOOTHED, **IGNORING},
    thread="Liger-Kernel 243; pytorch 192685",
)
def smoothing_lost_beside_ignored_rows(scores: Array, labels: Array, smoothing: float, ignore_index: int) -> Any:
    """Use the smoothing only in batches in which no row is ignored."""
    kept, safe = kept_rows(labels, ignore_index)
    t = smoothed(one_hot(safe, scores), smoothing if kept.all() else 0.0)
    return np.where(kept[:, None], dense_gradients(scores, t), 0) / max(kept.sum(), 1)


@bug(
    "raises",
    "answers",
    "smoothing",
    contract={"label_smoothing": {"argument": "smoothing", "range": [0, 0.9]}},
    thread="mlx: smoothing in [0, 1), compared by <",
)
def end_of_the_range_refused(scores: Array, labels: Array, smoothing: float) -> Any:
    """Take smoothings up to 0.9, as is declared, and compare by < where <= is meant."""
    if not 0 <= smoothing < 0.9:
        raise ValueError("smoothing lies in [0, 0.9]")
    return mean(dense_losses(scores, smoothed(one_hot(labels, scores), smoothing)))


@bug(
    "smoothing_weights",
    "value",
    contract={**SMOOTHED, **WEIGHTED, "reduction": "sum", "smoothing_weights": "mean"},
    thread="paddle and torch differ: label_smoothing beside weight",
)
def weight_of_the_label_beside_smoothing(scores: Array, labels: Array, weights: Array, smoothing: float) -> Any:
    """Weigh each row by its label where the contract says the smoothed label."""
    t = one_hot(labels, scores)
    return (dense_losses(scores, smoothed(t, smoothing)) * (t @ weights)).sum()
