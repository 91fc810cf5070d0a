"""A framework of one class, as those who learn how one works write it, and losses of its tensors."""

from __future__ import annotations

from typing import Any

import numpy as np


class Tensor:
    """An array that knows what it was made of."""

    def __init__(self, data: Any, requires_grad: bool = False, back: Any = None) -> None:
        self.data = np.asarray(data)
        self.grad: Any = None
        self.back = back

    def backward(self, upstream: Any = 1.0) -> None:
        """Add to the gradients of all that this is made of."""
        self.grad = upstream if self.grad is None else self.grad + upstream
        if self.back is not None:
            self.back(upstream)

    def __mul__(self, other: Tensor) -> Tensor:
        return Tensor(self.data * other.data, back=lambda g: self.backward(g * other.data))

    def sum(self) -> Tensor:
        """Return the sum."""
        return Tensor(self.data.sum(), back=lambda g: self.backward(np.full(self.data.shape, g)))

    def log_softmax_at(self, labels: Any) -> Tensor:
        """Return the log-probabilities of labels."""
        d = self.data - self.data.max(axis=1, keepdims=True)
        logs = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
        rows = np.arange(len(labels))
        hot = np.zeros_like(logs)
        hot[rows, labels] = 1

        return Tensor(logs[rows, labels], back=lambda g: self.backward(np.reshape(g, (-1, 1)) * (hot - np.exp(logs))))


def one_a_row(labels: Any, logits: Any) -> Tensor:
    """A loss of each row, labels first."""
    found = logits.log_softmax_at(labels)
    return found * Tensor(np.asarray(-1.0, found.data.dtype))


class Mean:
    """A mean, by calling an object."""

    def __call__(self, logits: Any, labels: Any) -> Tensor:
        """Return it."""
        return one_a_row(labels, logits).sum() * Tensor(np.asarray(1.0 / len(labels), logits.data.dtype))


def of_arrays(logits: Any, labels: Any) -> Any:
    """A loss that takes arrays of numpy beside a class of tensors."""
    return Mean()(Tensor(logits), labels).data
