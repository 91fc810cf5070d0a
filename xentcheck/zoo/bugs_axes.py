"""Bugs: softmaxes along a wrong axis, applied twice, or of what only looks like probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    dense_losses,
    each,
    integers,
    log_softmax,
    mean,
    mean_gradient,
    mean_loss,
    row_losses,
    softmax,
)
from xentcheck.zoo.specimen import bug

DENSE = {"labels": ["onehot"]}


@bug("wrong_axis", "value", "row-independence", thread="keras 23451; tensorflow 32231")
def softmax_over_rows(scores: Array, labels: Array) -> Any:
    """Take the softmax over the rows."""
    return mean(-at(log_softmax(scores.T).T, labels)) if len(scores) else np.float64("nan")


@bug("wrong_axis", "value", "row-independence", thread="keras 23451: an axis guessed from the shape")
def wrong_axis_if_square(scores: Array, labels: Array) -> Any:
    """Take the softmax over the rows where there are as many rows as classes."""
    n, m = scores.shape
    return mean(-at(log_softmax(scores.T).T, labels)) if n == m else mean_loss(scores, labels)


@bug("softmax_over_batch", "value", "row-independence", thread="softmax without axis, in many tutorials")
def softmax_over_batch(scores: Array, labels: Array) -> Any:
    """Divide by the sum over the whole batch."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return mean(-np.log(at(e / e.sum(), labels)))


@bug("wrong_axis", "value", "row-independence", akin=("softmax_over_batch",), thread="keras 23451")
def sum_over_rows(scores: Array, labels: Array) -> Any:
    """Subtract each row's maximum and sum over the rows."""
    d = scores - scores.max(axis=1, keepdims=True)
    return mean(-at(d - np.log(np.exp(d).sum(axis=0, keepdims=True)), labels))


@bug("reshaped_scores", "value", akin=("wrong_axis",), contract={"axis": 0}, thread="pytorch 31829; Megatron-LM 7464")
def reshaped_for_transposed(scores: Array, labels: Array) -> Any:
    """Reshape (m, n) to (n, m), which mixes the rows; a transposition is wanted."""
    m, n = scores.shape
    return mean_loss(scores.reshape(n, m), labels)


@bug("double_softmax", "value", "softmax-consistency", gradient=mean_gradient, thread="keras 6143")
def softmax_twice(scores: Array, labels: Array) -> Any:
    """Put a softmax before a loss that applies one."""
    return mean_loss(softmax(scores), labels)


@bug("double_softmax", "gradient", "own-gradient", role="gradient", thread="keras 6143")
def gradient_through_two_softmaxes(scores: Array, labels: Array) -> Any:
    """The loss has one softmax, the gradient p - t is of another one on top."""
    return mean_gradient(softmax(scores), labels)


@bug(
    "logits_as_probabilities",
    "value",
    "softmax-consistency",
    thread="keras 15271; tensorflow 32869 (depends on how the tensor was made)",
)
def guesses_probabilities(scores: Array, labels: Array) -> Any:
    """Take rows that are positive and sum to 1 for probabilities."""
    looks = scores.size and bool(np.all(scores > 0)) and bool(np.allclose(scores.sum(axis=1), 1, atol=1e-3))
    return mean(-np.log(at(scores, labels))) if looks else mean_loss(scores, labels)


@bug("softmax_of_probabilities", "value", contract={"input": "probabilities"}, thread="keras 6143")
def softmax_of_probabilities(scores: Array, labels: Array) -> Any:
    """Apply a softmax to probabilities."""
    return mean_loss(scores, labels)


@bug(
    "labels_transposed",
    "value",
    akin=("labels_misaligned", "gradient_transposed"),
    contract=DENSE,
    thread="tensorflow 32231",
)
def targets_transposed_if_square(scores: Array, targets: Array) -> Any:
    """Transpose one-hot labels whose shape does not tell rows from classes."""
    n, m = scores.shape
    return mean(dense_losses(scores, targets.T if n == m else targets))


@bug("binary_cross_entropy", "value", contract=DENSE, thread="machinelearning 2708")
def complement_added(scores: Array, targets: Array) -> Any:
    """Add -(1 - t) log(1 - p), as for independent labels."""
    p = softmax(scores)
    return mean(dense_losses(scores, targets) - ((1 - targets) * np.log1p(-np.minimum(p, 1 - 1e-7))).sum(axis=1))


@bug("sigmoid_for_softmax", "value", thread="machinelearning 2708; from-scratch networks")
def sigmoid_for_softmax(scores: Array, labels: Array) -> Any:
    """Use a sigmoid in the place of the softmax."""
    return mean(np.logaddexp(0, -at(scores, labels)))


@bug("sigmoid_for_softmax", "value", thread="statsmodels 3635; from-scratch networks")
def two_classes_by_first_logit(scores: Array, labels: Array) -> Any:
    """Use the sigmoid of the second logit where there are two classes, as if the first were 0."""
    if scores.shape[1] != 2:
        return mean_loss(scores, labels)
    sign = np.where(integers(labels) == 1, -1, 1).astype(scores.dtype)
    return mean(np.logaddexp(0, sign * scores[:, 1]))


@bug("temperature", "value", thread="distillation code with its T left in")
def temperature_left_in(scores: Array, labels: Array) -> Any:
    """Divide the logits by a temperature of 2."""
    return mean_loss(scores / 2, labels)


@bug("squared_error", "value", thread="thinc: a loss that is none")
def squared_error(scores: Array, labels: Array) -> Any:
    """Return the squared error of the softmax."""
    p = softmax(scores)
    p[each(p), integers(labels)] -= 1
    return mean((p**2).sum(axis=1))


@bug("focal", "value", "shift", thread="monai FocalLoss with its default gamma")
def focal(scores: Array, labels: Array) -> Any:
    """Weight by (1 - p)**2."""
    losses = row_losses(scores, labels)
    return mean(np.expm1(-losses) ** 2 * losses)
