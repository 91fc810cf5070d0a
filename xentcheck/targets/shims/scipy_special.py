"""Cross-entropies that scipy's functions make: scipy has the parts, not the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

Array = NDArray[Any]


def log_softmax_loss(logits: Array, labels: Array) -> Array:
    """Return -log_softmax(z)_y, shape (n,)."""
    chosen: Array = -log_softmax(logits, axis=-1)[np.arange(len(logits)), labels]
    return chosen


def log_softmax_gradient(logits: Array, labels: Array) -> Array:
    """Return exp(log_softmax(z)) - y, shape (n, m)."""
    return _less_one_hot(np.exp(log_softmax(logits, axis=-1)), labels)


def logsumexp_loss(logits: Array, labels: Array) -> Array:
    """Return logsumexp(z) - z_y, shape (n,)."""
    difference: Array = logsumexp(logits, axis=-1) - logits[np.arange(len(logits)), labels]
    return difference


def logsumexp_gradient(logits: Array, labels: Array) -> Array:
    """Return exp(z - logsumexp(z)) - y, shape (n, m)."""
    return _less_one_hot(np.exp(logits - logsumexp(logits, axis=-1, keepdims=True)), labels)


def _less_one_hot(probabilities: Array, labels: Array) -> Array:
    probabilities[np.arange(len(probabilities)), labels] -= 1
    return probabilities
