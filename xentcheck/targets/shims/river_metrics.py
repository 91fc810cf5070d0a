"""river's metric, which learns of one row after the other, with the probability of each class by its name."""

from __future__ import annotations

from typing import Any

from river.metrics import CrossEntropy


def cross_entropy(labels: Any, probabilities: Any) -> float:
    """Return the mean over the rows."""
    metric = CrossEntropy()
    for label, row in zip(labels.tolist(), probabilities.tolist(), strict=True):
        metric.update(label, dict(enumerate(row)))
    return float(metric.get())
