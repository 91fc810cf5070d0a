"""Bugs: a sum over a number that the caller gives, such as the items of all batches of a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import COUNTED, Array, row_gradients, row_losses, sum_loss
from xentcheck.zoo.specimen import bug


def right_loss(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Return the sum over the number given."""
    losses = row_losses(scores, labels)
    return losses.sum() / losses.dtype.type(num_items_in_batch)


@bug("divisor_ignored", "value", "divisor", contract=COUNTED, thread="transformers 34191")
def number_of_items_ignored(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Take the number and return the sum."""
    return sum_loss(scores, labels)


@bug("divisor_ignored", "value", akin=("mean_for_sum",), contract=COUNTED, thread="transformers 34191")
def mean_where_items_are_counted(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Divide by the rows of this batch."""
    return sum_loss(scores, labels) / max(len(scores), 1)


@bug("divisor_twice", "value", akin=("divided_by_n", "mean_for_sum"), contract=COUNTED, thread="transformers 35438")
def divided_by_rows_and_items(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Divide the mean of the rows by the number of items."""
    return right_loss(scores, labels, num_items_in_batch) / max(len(scores), 1)


@bug("divisor_narrowed", "value", contract=COUNTED, thread="a stranger's mistake")
def items_counted_in_float16(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Keep the number of items in half precision, which has every second number from 2,048 on."""
    return right_loss(scores, labels, float(np.float16(num_items_in_batch)))


@bug("divisor_ignored", "gradient", role="gradient", loss=right_loss, contract=COUNTED, thread="transformers 35438")
def gradient_of_the_undivided_sum(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Return the gradient of the sum."""
    return row_gradients(scores, labels)


@bug("divisor_ignored", "divisor", contract=COUNTED, thread="transformers 35438")
def items_of_one_micro_batch_at_most(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Count no more items than a micro-batch of 8,192 tokens has."""
    return right_loss(scores, labels, min(num_items_in_batch, 8192.0))


@bug("divisor_limited", "value", contract=COUNTED, thread="from-scratch training loops: min(items, len(rows))")
def items_no_more_than_rows(scores: Array, labels: Array, num_items_in_batch: float) -> Any:
    """Divide by the rows where the caller counted more."""
    return right_loss(scores, labels, min(num_items_in_batch, max(len(scores), 1)))
