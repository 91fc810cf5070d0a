"""Distributions of TensorFlow Probability over classes, given by their logits."""

from __future__ import annotations

from typing import Any

from tensorflow_probability import distributions


def log_prob(logits: Any, labels: Any) -> Any:
    """Return the log-probability of each label, shape (n,)."""
    return distributions.Categorical(logits=logits).log_prob(labels)


def entropy(logits: Any) -> Any:
    """Return the entropy of each row, shape (n,)."""
    return distributions.Categorical(logits=logits).entropy()
