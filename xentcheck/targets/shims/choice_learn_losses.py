"""choice-learn's loss of its choice models, differentiated by tensorflow."""

from __future__ import annotations

from typing import Any

from choice_learn.tf_ops import CustomCategoricalCrossEntropy


def cross_entropy(labels: Any, probabilities: Any, label_smoothing: float = 0.0) -> Any:
    """Return the mean over the rows, of labels with a column for each class."""
    return CustomCategoricalCrossEntropy(label_smoothing=label_smoothing)(labels, probabilities)
