"""The logarithm is taken of the sum alone: no probability is formed, and no constant is needed."""

import numpy as np


def loss(logits, labels):
    """Return the cross-entropy of integer labels, summed over the rows."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return (log_sums - shifted[np.arange(len(labels)), labels]).sum()
