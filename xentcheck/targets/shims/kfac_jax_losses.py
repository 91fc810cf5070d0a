"""KFAC-JAX's loss of a categorical distribution given its logits."""

from __future__ import annotations

from typing import Any

from kfac_jax import CategoricalLogitsNegativeLogProbLoss


def evaluate(logits: Any, labels: Any) -> Any:
    """Return the loss of each row."""
    return CategoricalLogitsNegativeLogProbLoss(logits).evaluate(labels)
