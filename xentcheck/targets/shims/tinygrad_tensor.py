"""tinygrad's losses, which are methods of a tensor."""

from __future__ import annotations

from typing import Any

from tinygrad import Tensor

cross_entropy = Tensor.cross_entropy
sparse_categorical_crossentropy = Tensor.sparse_categorical_crossentropy


def nll_loss(scores: Any, labels: Any, weight: Any = None, **options: Any) -> Any:
    """Return the loss of log-probabilities; weights in their dtype."""
    return scores.nll_loss(labels, weight=None if weight is None else weight.cast(scores.dtype), **options)
