"""Bugs: rows along several axes, with the classes last or along axis 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    log_softmax,
    mean,
    mean_gradient,
    mean_loss,
    row_gradients,
    row_losses,
    row_vjp,
    sum_loss,
)
from xentcheck.zoo.right_extra_axes import back, rows_of
from xentcheck.zoo.specimen import bug

ALONG_ONE = {"axis": 1, "extra_axes": [1, 2]}
LAST = {"extra_axes": [1, 2]}
NONE = {"reduction": "none"}


@bug("wrong_axis", "value", contract=ALONG_ONE, thread="Paddle 27311; mlx 2641")
def softmax_along_the_last_axis(scores: Array, labels: Array) -> Any:
    """Take the softmax along the last axis, where the classes are along axis 1."""
    z = scores - scores.max(axis=-1, keepdims=True, initial=-np.inf)
    logs = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return mean(-at(rows_of(logs), labels))


@bug("wrong_axis", "value", contract={**LAST, **NONE, "domain": {"rows": [1, 1 << 20]}}, thread="UNO 4")
def softmax_along_axis_one(scores: Array, labels: Array) -> Any:
    """Take the softmax along axis 1, where the classes are last."""
    logs = back(log_softmax(rows_of(scores)), scores)
    return -at(rows_of(logs, -1), labels).reshape(labels.shape)


@bug("reshaped_scores", "value", akin=("wrong_axis",), contract=ALONG_ONE, thread="structure_knowledge_distillation 11")
def viewed_without_a_permutation(scores: Array, labels: Array) -> Any:
    """Make rows of (N, m, d1, d2) by a reshape alone, which mixes classes and places."""
    return mean_loss(scores.reshape(labels.size, scores.shape[1]), labels)


@bug("divisor_first_axis", "value", contract=ALONG_ONE, thread="segmentation code: divided by the batch size")
def mean_over_the_first_axis(scores: Array, labels: Array) -> Any:
    """Divide the sum by N, and not by N d1 d2."""
    total = sum_loss(rows_of(scores), labels)
    return total / total.dtype.type(len(scores)) if labels.size else total.dtype.type("nan")


@bug("labels_misaligned", "value", akin=("labels_transposed",), contract=LAST, thread="height and width exchanged")
def labels_with_axes_exchanged(scores: Array, labels: Array) -> Any:
    """Read the labels with their first and last axes exchanged."""
    return mean_loss(rows_of(scores, -1), labels.T)


@bug("labels_misaligned", "value", contract={**ALONG_ONE, **NONE}, thread="oneflow 4808")
def losses_in_another_order(scores: Array, labels: Array) -> Any:
    """Return the losses with their axes in another order, where the shape does not tell."""
    losses = row_losses(rows_of(scores), labels).reshape(labels.shape)
    return losses.T if losses.T.shape == losses.shape else losses


@bug("wrong_shape", "layout", contract={**ALONG_ONE, **NONE}, thread="Paddle 76033")
def flat_losses(scores: Array, labels: Array) -> Any:
    """Return the losses of the rows in one axis."""
    return row_losses(rows_of(scores), labels)


@bug("gradient_misaligned", "gradient", role="gradient", contract=ALONG_ONE, loss=None, thread="pytorch-semseg 222")
def gradient_reshaped_without_a_permutation(scores: Array, labels: Array) -> Any:
    """Return the gradient of the rows in the shape of the scores by a reshape alone."""
    return mean_gradient(rows_of(scores), labels).reshape(scores.shape)


@bug(
    "upstream_first_row",
    "vjp-linearity",
    role="vjp",
    loss=lambda scores, labels: row_losses(rows_of(scores), labels).reshape(labels.shape),
    gradient=lambda scores, labels: back(row_gradients(rows_of(scores), labels), scores),
    contract={**ALONG_ONE, **NONE},
    thread="a cotangent broadcast over the places",
)
def cotangent_of_the_first_place(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply every place of a batch element by the cotangent of its first place."""
    first = upstream[(slice(None), *(slice(1) for _ in upstream.shape[1:]))]
    return back(row_vjp(rows_of(scores), labels, np.broadcast_to(first, upstream.shape).reshape(-1)), scores)
