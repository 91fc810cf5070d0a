"""The last layer of a network from scratch: softmax and loss apart, labels first, a constant in the logarithm."""

import numpy as np

EPS = np.finfo(np.float64).eps


class CategoricalCrossEntropy:
    """The summed loss of softmax outputs; `grad` is by the logits behind them."""

    def loss(self, labels, probabilities):
        """Return the sum of -log(p + EPS) at the labels."""
        return -(labels * np.log(probabilities + EPS)).sum()

    def grad(self, labels, probabilities):
        """Return p - t, the gradient of softmax and loss together."""
        return probabilities - labels
