"""NNabla's softmax_cross_entropy, differentiated by NNabla."""

from __future__ import annotations

from typing import Any

import nnabla as nn
import numpy as np
from nnabla import functions

from xentcheck.targets.call.adapter import Adapter

nn.set_auto_forward(True)


def _put(array: Any) -> Any:
    return nn.Variable.from_numpy_array(array, need_grad=array.dtype.kind == "f")


def _loss(logits: Any, labels: Any) -> Any:
    """Return the loss of each row: labels and losses have an axis of one class there."""
    return functions.reshape(functions.softmax_cross_entropy(logits, functions.reshape(labels, (-1, 1))), (-1,))


def _vjp(loss: Any, logits: Any, upstream: Any) -> Any:
    logits.grad.zero()
    loss(logits).backward(upstream.data)
    return nn.Variable.from_numpy_array(logits.g)


SOFTMAX_CROSS_ENTROPY = Adapter(put=_put, get=lambda value: np.array(value.d), vjp=_vjp).target(_loss)
