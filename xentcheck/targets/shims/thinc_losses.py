"""thinc's losses, which return the gradient and the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from thinc.api import CategoricalCrossentropy, SequenceCategoricalCrossentropy


def categorical(probabilities: Any, labels: Any) -> tuple[Any, Any]:
    """Return the loss and its gradient."""
    gradient, loss = CategoricalCrossentropy()(np.array(probabilities), _truths(labels))
    return np.asarray(loss), gradient


def sequence(probabilities: Any, labels: Any) -> tuple[Any, Any]:
    """Return the loss and its gradient, of one sequence."""
    gradients, loss = SequenceCategoricalCrossentropy()([np.array(probabilities)], [_truths(labels)])
    return np.asarray(loss), gradients[0]


def _truths(labels: Any) -> Any:
    return np.array(labels).astype("i") if labels.ndim == 1 else np.array(labels)


CATEGORICAL, SEQUENCE = {"value_and_gradient": categorical}, {"value_and_gradient": sequence}
