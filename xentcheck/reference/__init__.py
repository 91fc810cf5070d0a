"""Cross-entropy in numpy, written to be read as its definition.

Read `softmax`, then `sparse` and `onehot`, the two code paths by label form, then `probabilities`. Whatever the dtype,
the arithmetic is done in float64 and rounded once, and the answer has the dtype of the scores.
"""

from __future__ import annotations

from xentcheck.reference.either import gradient, loss
from xentcheck.reference.onehot import onehot_gradient, onehot_loss
from xentcheck.reference.presets import AveragedClipped, SummedGuarded
from xentcheck.reference.probabilities import (
    onehot_gradient_from_probabilities,
    onehot_loss_from_probabilities,
    sparse_gradient_from_probabilities,
    sparse_loss_from_probabilities,
)
from xentcheck.reference.sparse import sparse_gradient, sparse_loss

__all__ = [
    "AveragedClipped",
    "SummedGuarded",
    "gradient",
    "loss",
    "onehot_gradient",
    "onehot_gradient_from_probabilities",
    "onehot_loss",
    "onehot_loss_from_probabilities",
    "sparse_gradient",
    "sparse_gradient_from_probabilities",
    "sparse_loss",
    "sparse_loss_from_probabilities",
]
