"""A small constant keeps zero out of the logarithm, as one often sees it done."""

import numpy as np


def loss(logits, labels):
    """Return the cross-entropy of integer labels, summed over the rows."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    picked = probabilities[np.arange(len(labels)), labels]
    return -np.log(picked + 1e-12).sum()
