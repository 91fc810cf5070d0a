"""Distributions of numpyro over classes, given by their logits."""

from __future__ import annotations

from typing import Any

from numpyro.distributions import CategoricalLogits


def log_prob(logits: Any, labels: Any) -> Any:
    """Return the log-probability of each label, shape (n,)."""
    return CategoricalLogits(logits).log_prob(labels)


def entropy(logits: Any) -> Any:
    """Return the entropy of each row, shape (n,)."""
    return CategoricalLogits(logits).entropy()
