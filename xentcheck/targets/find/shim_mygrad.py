"""mygrad's losses, differentiated by mygrad."""

from __future__ import annotations

from typing import Any

import mygrad
import numpy as np
from mygrad.nnet.activations import logsoftmax
from mygrad.nnet.losses import negative_log_likelihood, softmax_crossentropy

from xentcheck.targets.call.adapter import Adapter


def _vjp(loss: Any, logits: Any, upstream: Any) -> Any:
    leaf = mygrad.tensor(logits)
    loss(leaf).backward(upstream)
    return leaf.grad


_MYGRAD = Adapter(put=np.array, get=np.asarray, vjp=_vjp)
SOFTMAX_CROSSENTROPY = _MYGRAD.target(softmax_crossentropy)
NEGATIVE_LOG_LIKELIHOOD = _MYGRAD.target(
    lambda logits, labels, weights: negative_log_likelihood(logsoftmax(logits), labels, weights=weights)
)
