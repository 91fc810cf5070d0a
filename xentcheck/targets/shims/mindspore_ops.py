"""MindSpore's cross_entropy, differentiated by MindSpore."""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore import Tensor, ops

from xentcheck.targets.call.adapter import Adapter


def _vjp(loss: Any, logits: Any, upstream: Any) -> Any:
    return ops.vjp(loss, logits)[1](upstream)[0]


def _put(array: Any) -> Any:
    return Tensor(np.array(array, order="C"))


CROSS_ENTROPY = Adapter(put=_put, get=lambda value: value.asnumpy(), vjp=_vjp).target(ops.cross_entropy)
