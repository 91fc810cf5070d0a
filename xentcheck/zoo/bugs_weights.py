"""Bugs: class weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    SMOOTHED,
    WEIGHTED,
    Array,
    at,
    dense_losses,
    each,
    integers,
    log_softmax,
    one_hot,
    row_gradients,
    row_losses,
    smoothed,
)
from xentcheck.zoo.specimen import bug

OVER_WEIGHTS = {**WEIGHTED, "mean_over": "weights"}
SUM = {**WEIGHTED, "reduction": "sum"}


def taken(weights: Array, labels: Array, like: Array) -> Array:
    """Return the weight of each row's label in the dtype of `like`."""
    return weights[integers(labels)].astype(like.dtype)


def over_weights(losses: Array, w: Array) -> Any:
    """Return the weighted mean."""
    return (losses * w).sum() / w.sum()


def right_loss(scores: Array, labels: Array, weights: Array) -> Any:
    """Return the mean over the weights."""
    losses = row_losses(scores, labels)
    return over_weights(losses, taken(weights, labels, losses))


SIGNED = {**SUM, "class_weights_as": "signed"}


@bug("weights_clipped", "value", contract=SIGNED)
def weights_below_zero_as_zero(scores: Array, labels: Array, weights: Array) -> Any:
    """Raise weights below 0 to 0."""
    losses = row_losses(scores, labels)
    return (losses * np.maximum(taken(weights, labels, losses), 0)).sum()


@bug("weights_absolute", "value", contract=SIGNED)
def sizes_of_weights(scores: Array, labels: Array, weights: Array) -> Any:
    """Take the sizes of the weights."""
    losses = row_losses(scores, labels)
    return (losses * np.abs(taken(weights, labels, losses))).sum()


@bug("weights_ignored", "value", contract=SUM, thread="iree 24228")
def weights_ignored(scores: Array, labels: Array, weights: Array) -> Any:
    """Take the weights and not use them."""
    return row_losses(scores, labels).sum()


@bug(
    "weights_ignored",
    "value",
    "label-forms",
    contract={**SUM, "labels": ["sparse", "onehot"]},
    thread="pytorch 107680; iree 24228",
)
def weights_ignored_for_one_hot(scores: Array, labels: Array, weights: Array) -> Any:
    """Use the weights with sparse labels only."""
    if labels.shape == scores.shape and labels.dtype.kind not in "iu":
        return dense_losses(scores, labels).sum()
    losses = row_losses(scores, labels)
    return (losses * taken(weights, labels, losses)).sum()


@bug("weight_on_logit_only", "value", contract=SUM, thread="scikit-learn 10055")
def weight_on_logit_only(scores: Array, labels: Array, weights: Array) -> Any:
    """Weight z_y and not the log-sum-exp."""
    d = scores - scores.max(axis=1, keepdims=True)
    lse = np.log(np.exp(d).sum(axis=1)) + scores.max(axis=1)
    return (lse - taken(weights, labels, scores) * at(scores, labels)).sum()


@bug("weight_of_wrong_class", "value", contract=SUM, thread="pytorch 31295")
def weight_of_predicted_class(scores: Array, labels: Array, weights: Array) -> Any:
    """Take the weight of the class with the highest score."""
    return (row_losses(scores, labels) * weights[scores.argmax(axis=1)]).sum()


@bug("divisor_rows", "value", contract=OVER_WEIGHTS, thread="pytorch 31295; iree 24228")
def divided_by_rows(scores: Array, labels: Array, weights: Array) -> Any:
    """Divide by the rows where the contract says the weights."""
    losses = row_losses(scores, labels)
    return (losses * taken(weights, labels, losses)).sum() / max(len(losses), 1)


@bug("divisor_weights", "value", contract={**WEIGHTED, "mean_over": "rows"}, thread="pytorch 107680")
def divided_by_weights(scores: Array, labels: Array, weights: Array) -> Any:
    """Divide by the weights where the contract says the rows."""
    losses = row_losses(scores, labels)
    w = taken(weights, labels, losses)
    return (losses * w).sum() / (w.sum() or w.dtype.type(1))


@bug("divisor_all_weights", "value", contract=OVER_WEIGHTS, thread="pytorch 31295")
def divided_by_all_weights(scores: Array, labels: Array, weights: Array) -> Any:
    """Divide by the sum of the weights of all classes."""
    losses = row_losses(scores, labels)
    return (losses * taken(weights, labels, losses)).sum() / weights.sum()


@bug("weights_normalised", "value", contract=SUM, thread="scikit-learn 10055")
def weights_normalised(scores: Array, labels: Array, weights: Array) -> Any:
    """Divide the weights by their sum first."""
    losses = row_losses(scores, labels)
    return (losses * taken(weights / weights.sum(), labels, losses)).sum()


@bug("weights_squared", "gradient", role="gradient", loss=None, contract=SUM, thread="Liger-Kernel 1338")
def weights_applied_twice(scores: Array, labels: Array, weights: Array) -> Any:
    """Weight the gradient in the kernel and once more outside."""
    g = row_gradients(scores, labels)
    return g * taken(weights, labels, g)[:, None] ** 2


@bug("weight_by_row_number", "value", contract=SUM, thread="numpy: weights[arange(n)]")
def weight_by_row_number(scores: Array, labels: Array, weights: Array) -> Any:
    """Index the weights by the row's number."""
    return (row_losses(scores, labels) * weights[each(scores) % len(weights)]).sum()


@bug(
    "weights_ignored",
    "gradient",
    "own-gradient",
    role="gradient",
    loss=right_loss,
    contract=OVER_WEIGHTS,
    thread="Liger-Kernel 1338; iree 24228",
)
def gradient_without_weights(scores: Array, labels: Array, weights: Array) -> Any:
    """The gradient lacks the weights, the loss has them."""
    g = row_gradients(scores, labels)
    return g / taken(weights, labels, g).sum()


@bug("weights_truncated", "value", akin=("zero", "scaled"), contract=SUM, thread="numpy: an integer array of weights")
def weights_cut_to_integers(scores: Array, labels: Array, weights: Array) -> Any:
    """Cut the weights down to whole numbers."""
    losses = row_losses(scores, labels)
    return (losses * taken(weights.astype(np.int64), labels, losses)).sum()


@bug("zero_weight_as_one", "value", akin=("weights_ignored",), contract=SUM, thread="Python's falsy 0: `weight or 1`")
def zero_weight_taken_for_none(scores: Array, labels: Array, weights: Array) -> Any:
    """Take a weight of 0 for a missing one, and use 1."""
    losses = row_losses(scores, labels)
    return (losses * taken(np.where(weights == 0, 1, weights), labels, losses)).sum()


@bug(
    "weight_of_wrong_class",
    "value",
    akin=("soft_as_argmax",),
    contract={**SUM, "labels": ["soft"]},
    thread="pytorch 107680",
)
def weight_of_largest_target(scores: Array, targets: Array, weights: Array) -> Any:
    """Weight a soft row by its largest target's class; the contract weights by sum w t."""
    losses = dense_losses(scores, targets)
    return (losses * weights[targets.argmax(axis=1)]).sum()


@bug(
    "smoothing_weights",
    "value",
    contract={**SUM, **SMOOTHED, "smoothing_weights": "label"},
    thread="pytorch 148884; Megatron-LM 7464",
)
def weights_within_smoothing(scores: Array, labels: Array, weights: Array, smoothing: float) -> Any:
    """Weight each class inside the smoothed sum, where the contract weights the row by its label."""
    t = smoothed(one_hot(labels, scores), smoothing)
    return -(t * weights * log_softmax(scores)).sum()


@bug("weights_on_scores", "value", contract=SUM, thread="forums: logits * class_weights")
def weights_on_scores(scores: Array, labels: Array, weights: Array) -> Any:
    """Multiply the logits by the weights."""
    return row_losses(scores * weights, labels).sum()


@bug(
    "weights_repeat",
    "value",
    "class-permutation",
    akin=("weight_of_wrong_class",),
    contract=SUM,
    thread="pytorch 143644: a table cut to a power of two",
)
def weights_of_first_sixteen(scores: Array, labels: Array, weights: Array) -> Any:
    """Keep a table of 16 weights only; class 16 has the weight of class 0."""
    losses = row_losses(scores, labels)
    return (losses * weights[integers(labels) % 16].astype(losses.dtype)).sum()
