"""A kernel compiled by numba that returns loss and gradient in one call."""

import numba
import numpy as np


@numba.njit
def _kernel(logits, labels, losses, gradient):
    for i in range(logits.shape[0]):
        largest = logits[i].max()
        total = 0.0
        for j in range(logits.shape[1]):
            gradient[i, j] = np.exp(logits[i, j] - largest)
            total += gradient[i, j]
        losses[i] = np.log(total) - (logits[i, labels[i]] - largest)
        for j in range(logits.shape[1]):
            gradient[i, j] /= total
        gradient[i, labels[i]] -= 1


def loss_and_gradient(logits, labels):
    """Return one loss a row and its gradient by the logits."""
    losses = np.empty(len(logits), logits.dtype)
    gradient = np.empty_like(logits, order="C")
    _kernel(logits, labels, losses, gradient)
    return losses, gradient
