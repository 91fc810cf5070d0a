"""tinygrad's losses, differentiated by tinygrad."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DEV", "CPU")

import numpy as np
from tinygrad import Tensor

from xentcheck.targets.call.adapter import Adapter


def _nll(logits: Any, labels: Any, weight: Any, ignore_index: int) -> Any:
    return logits.log_softmax().nll_loss(labels, weight=weight.cast(logits.dtype), ignore_index=ignore_index)


_TINYGRAD = Adapter(
    put=lambda array: Tensor(np.array(array, order="C")),
    get=Tensor.numpy,
    vjp=lambda loss, logits, upstream: loss(logits).gradient(logits, gradient=upstream)[0],
)
CROSS_ENTROPY = _TINYGRAD.target(lambda logits, labels, **k: logits.cross_entropy(labels, reduction="none", **k))
SPARSE_CATEGORICAL_CROSSENTROPY = _TINYGRAD.target(Tensor.sparse_categorical_crossentropy)
NLL_LOSS = _TINYGRAD.target(_nll)
