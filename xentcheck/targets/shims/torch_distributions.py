"""Distributions of torch over classes."""

from __future__ import annotations

from typing import Any

from torch.distributions import Categorical


def log_prob(logits: Any, labels: Any) -> Any:
    """Return the log-probability of each label, shape (n,), arguments unchecked."""
    return Categorical(logits=logits, validate_args=False).log_prob(labels)


def entropy(logits: Any) -> Any:
    """Return the entropy of each row, shape (n,), arguments unchecked."""
    return Categorical(logits=logits, validate_args=False).entropy()
