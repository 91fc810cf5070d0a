"""Bugs: log-probabilities, and derivatives of them, with the sign or the rim of another convention."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    LOG_PROBABILITIES,
    Array,
    at,
    log_softmax,
    row_gradients,
    row_losses,
    row_vjp,
    softmax,
)
from xentcheck.zoo.specimen import bug


def right_log_probability(scores: Array, labels: Array) -> Any:
    """Return the label's entry of log_softmax."""
    return at(log_softmax(scores), labels)


def right_gradient(scores: Array, labels: Array) -> Any:
    """Return t - p."""
    return -row_gradients(scores, labels)


@bug("wrong_sign", "value", "gibbs", contract=LOG_PROBABILITIES, thread="negative log-likelihood taken for log_prob")
def loss_for_log_probability(scores: Array, labels: Array) -> Any:
    """Return -log p."""
    return row_losses(scores, labels)


@bug(
    "wrong_sign",
    "gradient",
    "gradient-sign",
    role="gradient",
    loss=right_log_probability,
    contract=LOG_PROBABILITIES,
    thread="from-scratch policy gradients: p - t where log p is ascended",
)
def gradient_of_loss_for_log_probability(scores: Array, labels: Array) -> Any:
    """Return p - t, the gradient of the loss."""
    return row_gradients(scores, labels)


@bug(
    "wrong_sign",
    "vjp-linearity",
    role="vjp",
    loss=right_log_probability,
    gradient=right_gradient,
    contract=LOG_PROBABILITIES,
    thread="from-scratch policy gradients: advantage times p - t",
)
def advantage_times_gradient_of_loss(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply p - t by the upstream gradient."""
    return row_vjp(scores, labels, upstream)


@bug(
    "wrong_sign",
    "second-order",
    role="hessian_vector",
    loss=right_log_probability,
    gradient=right_gradient,
    contract=LOG_PROBABILITIES,
    thread="Newton steps on a log-likelihood with the information for the Hessian",
)
def information_for_hessian(scores: Array, labels: Array, vector: Array) -> Any:
    """Return diag p - p p^T times the vector, the Hessian of the loss."""
    p = softmax(scores)
    return p * (vector - (p * vector).sum(axis=1, keepdims=True))


@bug("eps_added", "value", contract=LOG_PROBABILITIES, thread="policy gradients on log(softmax(z) + 1e-8)")
def log_of_probability_and_eps(scores: Array, labels: Array) -> Any:
    """Take the logarithm of softmax + 1e-8."""
    p = softmax(scores)
    return np.log(at(p, labels) + p.dtype.type(1e-8))
