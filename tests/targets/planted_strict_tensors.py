"""A framework that takes nothing but its own tensors, labels too, and whose class no user writes down."""

from __future__ import annotations

from typing import Any

import numpy as np


class _Tensor:
    """An array in hiding: it is read by a method, and must be told whether it has a gradient."""

    def __init__(self, array: Any, requires_grad: bool, back: Any = None) -> None:
        self._array = np.asarray(array)
        self.requires_grad = requires_grad
        self.grad: Any = None
        self._back = back

    def numpy(self) -> Any:
        """Return its numbers."""
        return self._array

    def detach(self) -> Any:
        """Promise what is not there yet."""
        raise NotImplementedError

    def backward(self) -> None:
        """Leave gradients in all that this is made of."""
        self._back()


def loss(predicted: _Tensor, target: _Tensor) -> _Tensor:
    """A mean over rows of which each has an integer or a one-hot row for its label."""
    if not isinstance(predicted, _Tensor) or not isinstance(target, _Tensor):
        raise TypeError(f"Expected tensors, got {type(predicted)} and {type(target)}")
    z, t = predicted.numpy(), target.numpy()
    if t.ndim == 1:
        t = np.eye(z.shape[1], dtype=z.dtype)[t]
    d = z - z.max(axis=1, keepdims=True)
    logs = d - np.log(np.exp(d).sum(axis=1, keepdims=True))

    def back() -> None:
        predicted.grad = (t.sum(axis=1, keepdims=True) * np.exp(logs) - t) / z.dtype.type(len(z))

    return _Tensor(-(t * logs).sum(axis=1).mean(), True, back)
