"""Cross-entropy in numpy: a definition to be read, and the same made fast.

Read `softmax`, then `plain`: the definition for both label forms, in float64 and on whole arrays. `sparse` and
`onehot`, the two code paths by label form, do the same in blocks that stay in cache, with several threads where there
is much to do, and in float32 where the logits are no wider; `compiled` does it by numba where that is asked for.
`probabilities` is for probabilities. The answer has the dtype of the scores.
"""

from __future__ import annotations

from xentcheck.reference.either import gradient, loss, loss_and_gradient
from xentcheck.reference.onehot import onehot_gradient, onehot_loss, onehot_loss_and_gradient
from xentcheck.reference.presets import AveragedClipped, SummedGuarded
from xentcheck.reference.probabilities import (
    onehot_gradient_from_probabilities,
    onehot_loss_from_probabilities,
    sparse_gradient_from_probabilities,
    sparse_loss_from_probabilities,
)
from xentcheck.reference.sparse import sparse_gradient, sparse_loss, sparse_loss_and_gradient

__all__ = [
    "AveragedClipped",
    "SummedGuarded",
    "gradient",
    "loss",
    "loss_and_gradient",
    "onehot_gradient",
    "onehot_gradient_from_probabilities",
    "onehot_loss",
    "onehot_loss_and_gradient",
    "onehot_loss_from_probabilities",
    "sparse_gradient",
    "sparse_gradient_from_probabilities",
    "sparse_loss",
    "sparse_loss_and_gradient",
    "sparse_loss_from_probabilities",
]
