"""``numpy_ml.neural_nets.losses.CrossEntropy``, whose loss and gradient are static methods."""

from __future__ import annotations

from numpy_ml.neural_nets.losses import CrossEntropy

loss, gradient = CrossEntropy.loss, CrossEntropy.grad
