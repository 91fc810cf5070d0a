"""Losses as public code over jax has them: test_public.py had what they do before they were probed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def cross_entropy_with_logits(logits: Any, targets: Any, z_loss: float = 0.0) -> Any:
    """As of t5x and maxtext, one loss a row: one-hot rows, a z-loss on the normaliser."""
    logits_sum = jax.scipy.special.logsumexp(logits, axis=-1, keepdims=True)
    log_softmax = logits - logits_sum
    loss = -jnp.sum(targets * log_softmax, axis=-1)
    log_z = jnp.squeeze(logits_sum, axis=-1)
    return loss + z_loss * jnp.square(log_z)


def one_hot_labels(labels_onehot: Any, log_probs: Any) -> Any:
    """As from-scratch code over jax: labels first, of log-probabilities, a sum."""
    return -jnp.vdot(labels_onehot, log_probs)


def compute_weighted_cross_entropy(logits: Any, targets: Any, weights: Any = None, label_smoothing: float = 0.0) -> Any:
    """As in the examples of flax, divided by the weights as its train step does; smoothing over the others."""
    m = logits.shape[-1]
    confidence = 1.0 - label_smoothing
    low = (1.0 - confidence) / (m - 1)
    soft = jax.nn.one_hot(targets, m, dtype=logits.dtype) * (confidence - low) + low
    loss = -jnp.sum(soft * jax.nn.log_softmax(logits), axis=-1)
    if weights is None:
        return loss.mean()
    return (loss * weights).sum() / weights.sum()


def where_argument(logits: Any, labels: Any, where: Any = None) -> Any:
    """As losses that take where=, averaged over what it keeps."""
    loss = -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1)[:, 0]
    return jnp.mean(loss, where=where)


def ten_digits(*, logits: Any, labels: Any) -> Any:
    """As a network of ten digits has it, whose last layer is a log-softmax; keywords alone."""
    one_hot = jax.nn.one_hot(labels, num_classes=10)
    return -jnp.mean(jnp.sum(one_hot * logits, axis=-1))
