"""neograd's losses of one-hot labels, with its own backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from neograd import tensor
from neograd.nn.loss import CE, SoftmaxCE


def softmax_ce(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Return the mean loss of logits and its gradient."""
    return _both(SoftmaxCE(axis=1), logits, labels)


def ce(probabilities: Any, labels: Any) -> tuple[Any, Any]:
    """Return the mean loss of probabilities and its gradient."""
    return _both(CE(), probabilities, labels)


def _both(loss: Any, scores: Any, labels: Any) -> tuple[Any, Any]:
    leaf = tensor(np.array(scores), requires_grad=True)
    value = loss(leaf, tensor(np.array(labels)))
    answer = np.array(value.data)
    value.backward(1.0)
    return answer, leaf.grad


SOFTMAX_CE, CE_OF_PROBABILITIES = {"value_and_gradient": softmax_ce}, {"value_and_gradient": ce}
