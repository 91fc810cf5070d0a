"""The formula of the textbook, written down as it stands."""

import numpy as np


def loss(logits, labels):
    """Return the cross-entropy of integer labels."""
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    picked = probabilities[np.arange(len(labels)), labels]
    return -np.log(picked).sum()
