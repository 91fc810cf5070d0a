"""A loss and its gradient as two numpy functions, with class weights and ignored rows as arguments."""

import numpy as np


def loss(logits, labels, weight, ignore_index):
    """Return the sum of the weighted losses of the rows whose label is not `ignore_index`."""
    kept = labels != ignore_index
    logits, labels = logits[kept], labels[kept]
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return (weight[labels] * (log_sums - shifted[np.arange(len(labels)), labels])).sum()


def gradient(logits, labels, weight, ignore_index):
    """Return the gradient of that sum by the logits: zeros in the rows that are ignored."""
    kept = labels != ignore_index
    rows, labels = logits[kept], labels[kept]
    exponentials = np.exp(rows - rows.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    probabilities[np.arange(len(labels)), labels] -= 1
    result = np.zeros_like(logits)
    result[kept] = weight[labels][:, None] * probabilities
    return result
