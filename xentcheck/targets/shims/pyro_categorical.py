"""Distributions of Pyro over classes, given by their logits."""

from __future__ import annotations

from typing import Any

from pyro.distributions import Categorical


def log_prob(logits: Any, labels: Any) -> Any:
    """Return the log-probability of each label, shape (n,)."""
    return Categorical(logits=logits).log_prob(labels)


def entropy(logits: Any) -> Any:
    """Return the entropy of each row, shape (n,)."""
    return Categorical(logits=logits).entropy()
