"""Bugs: weights or a mask of the rows, as an argument of the call."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    MASKED,
    ROW_WEIGHTED,
    Array,
    at,
    integers,
    log_softmax,
    row_gradients,
    row_losses,
    widened,
)
from xentcheck.zoo.specimen import bug

SUM = {**ROW_WEIGHTED, "reduction": "sum"}
OVER_WEIGHTS = {**ROW_WEIGHTED, "mean_over": "weights"}


def weighted(losses: Array, sample_weight: Array) -> Array:
    """Return the losses times their weights."""
    products: Array = losses * sample_weight.astype(losses.dtype)
    return products


@bug("row_weights_ignored", "value", "row-weights", contract=SUM, thread="keras 13329")
def row_weights_ignored(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """Take the weights and not use them."""
    return row_losses(scores, labels).sum()


@bug("divisor_rows", "value", contract=OVER_WEIGHTS, thread="keras 13329")
def row_weights_over_rows(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """Divide by the rows where the contract says the weights."""
    losses = row_losses(scores, labels)
    return weighted(losses, sample_weight).sum() / losses.dtype.type(max(len(losses), 1))


@bug("divisor_weights", "value", contract={**ROW_WEIGHTED, "mean_over": "rows"}, thread="keras 2546")
def row_weights_as_divisor(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """Divide by the weights where the contract says the rows."""
    losses = row_losses(scores, labels)
    w = sample_weight.astype(losses.dtype)
    return (losses * w).sum() / (w.sum() or w.dtype.type(1))


@bug("divisor_rows", "value", contract={**MASKED, "mean_over": "kept"}, thread="keras-core 802")
def mask_divided_by_rows(scores: Array, labels: Array, mask: Array) -> Any:
    """Divide by all rows where the contract says those that the mask keeps."""
    losses = row_losses(scores, labels)
    return weighted(losses, mask).sum() / losses.dtype.type(max(len(losses), 1))


@bug(
    "row_weights_squared", "gradient", role="gradient", loss=None, contract=SUM, thread="Liger-Kernel 1338, of classes"
)
def row_weights_applied_twice(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """Weight a gradient whose rows are weighted already."""
    g = row_gradients(scores, labels)
    return g * sample_weight.astype(g.dtype)[:, None] ** 2


@bug("row_weights_as_mask", "value", contract=SUM, thread="keras 2546: a mask where there are weights")
def weights_taken_for_a_mask(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """Count each row whose weight is not 0 as one."""
    return row_losses(scores, labels)[sample_weight != 0].sum()


@bug(
    "zero_times_inf",
    "row-weights",
    contract={**MASKED, "mean_over": "kept", "nonfinite": ["nan"]},
    thread="bigscience-workshop/metadata 193: inf * 0",
)
def mask_as_a_product(scores: Array, labels: Array, mask: Array) -> Any:
    """Multiply by the mask what may be nan."""
    losses = row_losses(scores, labels)
    return weighted(losses, mask).sum() / np.maximum(mask.sum(), 1).astype(losses.dtype)


@bug("maximum_of_batch", "row-weights", "value", contract={**MASKED, "reduction": "sum"}, thread="ml-cross-entropy 59")
def masked_rows_in_the_maximum(scores: Array, labels: Array, mask: Array) -> Any:
    """Subtract one maximum of all rows, those of weight 0 among them."""
    wide = widened(scores)
    d = wide - (wide.max() if wide.size else wide.dtype.type(0))
    return weighted(np.log(np.exp(d).sum(axis=1)) - at(d, labels), mask)[mask != 0].sum()


@bug("row_weights_misplaced", "value", contract=SUM, thread="verl 5349: what belongs to rows in another order")
def weights_in_another_order(scores: Array, labels: Array, sample_weight: Array) -> Any:
    """Sort the rows by their labels and not the weights."""
    order = np.argsort(integers(labels), kind="stable")[::-1]
    losses = -at(log_softmax(scores), labels)
    return weighted(losses[order], sample_weight).sum()
