"""mayini's loss of logits, with its own backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from mayini import Tensor
from mayini.nn import CrossEntropyLoss


def loss_and_gradient(logits: Any, labels: Any, reduction: str = "mean") -> tuple[Any, Any]:
    """Return the loss and its gradient."""
    leaf = Tensor(np.array(logits), requires_grad=True)
    value = CrossEntropyLoss(reduction)(leaf, Tensor(np.array(labels)))
    loss = np.array(value.data)
    value.backward()
    return loss, leaf.grad


CROSS_ENTROPY = {"value_and_gradient": loss_and_gradient}
