"""A plain softmax, frozen: what everything is compared with on every commit.

Never change this file: old figures would no longer be comparable with new ones.
"""

from __future__ import annotations

import numpy as np


def softmax_floor(logits, buffer):
    """Write the softmax of logits, shape (n, m), to a buffer of the same shape and dtype, and return it."""
    np.subtract(logits, logits.max(axis=1, keepdims=True), out=buffer)
    np.exp(buffer, out=buffer)
    buffer /= buffer.sum(axis=1, keepdims=True)
    return buffer
