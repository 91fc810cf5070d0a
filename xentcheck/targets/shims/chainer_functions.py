"""chainer's softmax_cross_entropy, differentiated by chainer."""

from __future__ import annotations

from typing import Any

import numpy as np
from chainer import Variable
from chainer.functions import softmax_cross_entropy

from xentcheck.targets.call.adapter import Adapter


def _vjp(loss: Any, logits: Any, upstream: Any) -> Any:
    leaf = Variable(logits)
    value = loss(leaf)
    value.grad = upstream
    value.backward()
    return leaf.grad_var


SOFTMAX_CROSS_ENTROPY = Adapter(put=np.array, get=lambda value: value.array, vjp=_vjp).target(softmax_cross_entropy)
