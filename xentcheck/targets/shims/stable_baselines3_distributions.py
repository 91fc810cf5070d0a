"""Stable-Baselines3's distribution of the actions of a policy, given by their logits."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.distributions import CategoricalDistribution


def log_prob(logits: Any, labels: Any) -> Any:
    """Return the log-probability of each action, shape (n,)."""
    return CategoricalDistribution(logits.shape[-1]).proba_distribution(logits).log_prob(labels)


def entropy(logits: Any) -> Any:
    """Return the entropy of each row, shape (n,)."""
    return CategoricalDistribution(logits.shape[-1]).proba_distribution(logits).entropy()
