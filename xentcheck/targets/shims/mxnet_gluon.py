"""The cross-entropies of MXNet Gluon, differentiated by MXNet."""

from __future__ import annotations

from typing import Any

from mxnet import autograd, nd
from mxnet.gluon.loss import SoftmaxCrossEntropyLoss

from xentcheck.targets.call.adapter import Adapter

_SPARSE, _DENSE = SoftmaxCrossEntropyLoss(), SoftmaxCrossEntropyLoss(sparse_label=False)


def sparse(logits: Any, labels: Any, sample_weight: Any) -> Any:
    """Return the loss of each row, whose weights are given an axis of one, which the losses have until their end."""
    return _SPARSE(logits, labels, sample_weight.expand_dims(1))


def dense(logits: Any, labels: Any, sample_weight: Any) -> Any:
    """Return the same of rows of probabilities."""
    return _DENSE(logits, labels, sample_weight.expand_dims(1))


def _vjp(loss: Any, logits: Any, upstream: Any) -> Any:
    logits.attach_grad()
    with autograd.record():
        value = loss(logits)
    value.backward(upstream)
    return logits.grad


def _put(array: Any) -> Any:
    return nd.array(array, dtype=array.dtype)


_GLUON = Adapter(put=_put, get=lambda value: value.asnumpy(), vjp=_vjp)
SPARSE, DENSE = _GLUON.target(sparse), _GLUON.target(dense)
