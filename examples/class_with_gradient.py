"""A loss as a class: `loss` and `gradient`, one-hot labels, one loss a row."""

import numpy as np


class CrossEntropy:
    """The cross-entropy of softmax(logits) to rows of one-hot labels."""

    def loss(self, logits, labels):
        """Return one loss a row."""
        return -(labels * self._log_softmax(logits)).sum(axis=1)

    def gradient(self, logits, labels):
        """Return the gradient of each row's loss by its logits."""
        return np.exp(self._log_softmax(logits)) - labels

    def _log_softmax(self, logits):
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
