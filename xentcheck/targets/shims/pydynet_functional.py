"""PyDyNet's ``cross_entropy_loss``, with its own backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydynet import Tensor
from pydynet.nn.functional import cross_entropy_loss


def loss_and_gradient(logits: Any, labels: Any, reduction: str = "mean") -> tuple[Any, Any]:
    """Return the loss and its gradient."""
    leaf = Tensor(np.array(logits), requires_grad=True)
    value = cross_entropy_loss(leaf, np.array(labels), reduction=reduction)
    value.backward()
    return value.data, leaf.grad


CROSS_ENTROPY = {"value_and_gradient": loss_and_gradient}
