"""Right: a sum over a number that the caller gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import COUNTED, IGNORING, Array, kept_rows, row_gradients, row_losses
from xentcheck.zoo.specimen import right


def _gradient(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    g = row_gradients(scores, labels)
    return g * (1 / g.dtype.type(num_items_in_batch))


@right(contract=COUNTED, gradient=_gradient)
def sum_over_items(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Each row is divided, and then the sum taken."""
    losses = row_losses(scores, labels)
    return (losses / losses.dtype.type(num_items_in_batch)).sum()


@right(contract={**IGNORING, **COUNTED})
def kept_sum_over_items(scores: Array, labels: Array, num_items_in_batch: float, ignore_index: int) -> Any:
    """The sum of the rows kept over the number of items, which need not be theirs."""
    kept, safe = kept_rows(labels, ignore_index)
    losses = np.where(kept, row_losses(scores, safe), 0).astype(scores.dtype)
    return losses.sum() / losses.dtype.type(num_items_in_batch)
