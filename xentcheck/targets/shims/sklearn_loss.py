"""scikit-learn's private HalfMultinomialLoss, which takes labels in the dtype of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss import HalfMultinomialLoss


def loss_and_gradient(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Return the loss of each row and the gradient of their sum."""
    scores = np.array(logits, order="C")
    loss = HalfMultinomialLoss(n_classes=scores.shape[1])
    losses, gradient = loss.loss_gradient(y_true=np.asarray(labels).astype(scores.dtype), raw_prediction=scores)
    return losses, gradient


CROSS_ENTROPY = {"value_and_gradient": loss_and_gradient}
