"""The cross-entropy metric of permetrics, which asks that every class occurs among the labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from permetrics.classification import ClassificationMetric


def loss(probabilities: Any, labels: Any) -> Any:
    """Return the mean loss; a certain row of each class, which costs nothing, is put beside those asked for."""
    n, m = probabilities.shape
    scores = np.vstack([probabilities, np.eye(m, dtype=probabilities.dtype)])
    metric = ClassificationMetric(np.concatenate([labels, np.arange(m)]), scores)
    return metric.crossentropy_loss() * (n + m) / n
