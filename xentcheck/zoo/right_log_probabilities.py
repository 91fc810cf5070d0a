"""Right: the log-probability of each label is returned, minus the loss, as for a policy or for tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    LOG_PROBABILITIES,
    Array,
    at,
    log_softmax,
    mean_gradient,
    one_hot,
    row_gradients,
    row_losses,
    softmax,
    widened,
)
from xentcheck.zoo.specimen import right

ABSENT = {**LOG_PROBABILITIES, "nonfinite": ["-inf"]}


def _gradient(scores: Array, labels: Array) -> Any:
    return one_hot(labels, widened(scores)) - softmax(scores)


def _vjp(scores: Array, labels: Array, upstream: Array) -> Any:
    return _gradient(scores, labels) * upstream.astype(widened(scores).dtype)[:, None]


def _product(scores: Array, labels: Array, vector: Array) -> Any:
    p = softmax(scores)
    return p * ((p * vector).sum(axis=1, keepdims=True) - vector)


@right(contract=ABSENT, gradient=_gradient, vjp=_vjp, hessian_vector=_product)
def log_softmax_at_label(scores: Array, labels: Array) -> Any:
    """Take the label's entry of log_softmax; the gradient is t - p, and an absent label costs -inf."""
    return at(log_softmax(scores), labels)


@right(contract={**LOG_PROBABILITIES, "accuracy": "C"}, thread="trl: selective_log_softmax")
def logits_less_logsumexp(scores: Array, labels: Array) -> Any:
    """Subtract the log-sum-exp from the label's logit, which costs digits where all logits are large."""
    wide = widened(scores)
    top = wide.max(axis=1)
    return at(wide, labels) - (top + np.log(np.exp(wide - top[:, None]).sum(axis=1)))


@right(contract={"output": "log_probability"}, gradient=lambda scores, labels: -mean_gradient(scores, labels))
def mean_log_likelihood(scores: Array, labels: Array) -> Any:
    """Return the mean over the rows; nan of none."""
    losses = row_losses(scores, labels)
    return -(losses.sum() / losses.dtype.type(len(losses))) if len(losses) else losses.dtype.type("nan")


@right(contract={"output": "log_probability", "reduction": "sum", "invalid": {"returns": -1.0}})
def sum_with_a_sentinel(scores: Array, labels: Array) -> Any:
    """Return -1 for labels that are none; the number is declared as it is returned."""
    if labels.ndim > 2 or labels.dtype.kind not in "iu" or len(labels) != len(scores):
        return scores.dtype.type(-1)
    if labels.size != len(scores) or ((labels < 0) | (labels >= scores.shape[1])).any():
        return scores.dtype.type(-1)
    return -row_losses(scores, labels).sum()


@right(
    "vjp", loss=lambda z, y: -row_losses(z, y), gradient=lambda z, y: -row_gradients(z, y), contract=LOG_PROBABILITIES
)
def advantages_pulled_back(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply t - p by the advantage of each row, whatever its sign."""
    return _gradient(scores, labels) * upstream.astype(widened(scores).dtype)[:, None]
