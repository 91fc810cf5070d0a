"""Right: other ways to add up rows, and every policy for means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    IGNORING,
    Array,
    at,
    kept_rows,
    mean,
    mean_gradient,
    mean_loss,
    one_by_one,
    one_hot,
    row_gradients,
    row_losses,
    row_vjp,
    shifted,
    softmax,
    sum_loss,
)
from xentcheck.zoo.specimen import right

NONE = {"reduction": "none"}
SUM = {"reduction": "sum"}


def kept_mean(losses: Array, kept: Array, empty: float) -> Any:
    """Return the mean of the kept losses, or what that of none is."""
    return losses[kept].sum() / losses.dtype.type(kept.sum()) if kept.any() else losses.dtype.type(empty)


@right()
def running_mean(scores: Array, labels: Array) -> Any:
    """Update the mean row by row."""
    average = scores.dtype.type(0)
    for count, loss in enumerate(row_losses(scores, labels), 1):
        average = average + (loss - average) / scores.dtype.type(count)
    return average if len(scores) else scores.dtype.type("nan")


@right()
def divided_before_the_sum(scores: Array, labels: Array) -> Any:
    """Divide each loss by n, and add up."""
    return (row_losses(scores, labels) / max(len(scores), 1)).sum()


@right()
def product_with_one_over_n(scores: Array, labels: Array) -> Any:
    """Multiply by the rounded 1 / n."""
    n = scores.dtype.type(max(len(scores), 1))
    return row_losses(scores, labels) @ np.full(len(scores), 1 / n, scores.dtype)


@right()
def chunks_weighted_by_length(scores: Array, labels: Array) -> Any:
    """Combine the means of chunks of 4 rows by their lengths."""
    losses = row_losses(scores, labels)
    chunks = [losses[start : start + 4] for start in range(0, len(losses), 4)]
    total = sum((chunk.mean() * losses.dtype.type(len(chunk)) for chunk in chunks), losses.dtype.type(0))
    return total / losses.dtype.type(len(losses)) if chunks else losses.dtype.type("nan")


@right(contract=SUM)
def two_additions_a_row(scores: Array, labels: Array) -> Any:
    """Add the logarithm of the sum and the label's distance to the maximum to the loss one after the other."""
    d = shifted(scores)
    return one_by_one(np.stack([np.log(np.exp(d).sum(axis=1)), -at(d, labels)], axis=1))


@right(contract=SUM)
def rows_reversed_and_summed(scores: Array, labels: Array) -> Any:
    """Add the rows up from the last one, one by one."""
    total = scores.dtype.type(0)
    for loss in row_losses(scores, labels)[::-1]:
        total = total + loss
    return total


@right(contract={**SUM, "domain": {"magnitude": 1e300}})
def exact_sum_of_rows(scores: Array, labels: Array) -> Any:
    """Add the rows up exactly, and return a Python float."""
    return math.fsum(row_losses(scores, labels).tolist())


@right(contract=NONE)
def losses_reversed_view(scores: Array, labels: Array) -> Any:
    """Return a view that runs backwards through memory."""
    return row_losses(scores[::-1], np.asarray(labels)[::-1])[::-1]


@right("vjp", loss=row_losses, gradient=row_gradients, contract=NONE)
def vjp_of_rows(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply each row's gradient by its upstream gradient."""
    return row_vjp(scores, labels, upstream)


@right("vjp", loss=row_losses, contract=NONE)
def vjp_alone(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply the softmax and the label's share by the upstream gradient; there is no gradient beside it."""
    up = upstream.astype(scores.dtype)[:, None]
    return up * softmax(scores) - up * one_hot(labels, scores)


@right("vjp", gradient=mean_gradient)
def vjp_of_a_mean(scores: Array, labels: Array, upstream: Array) -> Any:
    """Scale by upstream / n before the subtraction of the label."""
    scale = scores.dtype.type(float(upstream) / max(len(scores), 1))
    return row_gradients(scores, labels) * scale


@right("gradient", contract={"gradient_reduction": "sum"})
def gradient_of_sum_declared(scores: Array, labels: Array) -> Any:
    """A mean loss with the gradient of the sum, as declared."""
    return row_gradients(scores, labels)


@right("gradient", loss=sum_loss, contract={"reduction": "sum", "gradient_reduction": "mean"})
def gradient_of_mean_declared(scores: Array, labels: Array) -> Any:
    """A summed loss with the gradient of the mean, as declared."""
    return row_gradients(scores, labels) / max(len(scores), 1)


@right(contract={"empty_mean": "nan"}, gradient=mean_gradient)
def empty_mean_is_nan(scores: Array, labels: Array) -> Any:
    """The mean of no rows is nan."""
    return mean_loss(scores, labels)


@right(contract={"empty_mean": "zero"}, gradient=mean_gradient)
def empty_mean_is_zero(scores: Array, labels: Array) -> Any:
    """The mean of no rows is 0."""
    return sum_loss(scores, labels) / max(len(scores), 1)


@right(contract={**IGNORING, "empty_mean": "nan"})
def all_ignored_is_nan(scores: Array, labels: Array, ignore_index: int) -> Any:
    """The mean over kept rows, nan where none is kept; ignored rows are removed before anything is calculated."""
    kept, safe = kept_rows(labels, ignore_index)
    return kept_mean(row_losses(scores, safe), kept, math.nan)


@right(contract={**IGNORING, "empty_mean": "zero"})
def all_ignored_is_zero(scores: Array, labels: Array, ignore_index: int) -> Any:
    """The mean over kept rows, 0 where none is kept."""
    kept, safe = kept_rows(labels, ignore_index)
    return mean(row_losses(scores[kept], safe[kept])) if kept.any() else scores.dtype.type(0)


@right(contract={**IGNORING, "mean_over": "rows"})
def ignored_rows_counted(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Ignored rows cost 0 and are counted, as declared."""
    kept, safe = kept_rows(labels, ignore_index)
    return mean(np.where(kept, row_losses(scores, safe), 0).astype(scores.dtype))


@right(contract={"ignore_index": 0, "mean_over": "kept"})
def class_zero_ignored(scores: Array, labels: Array) -> Any:
    """Class 0 is the ignored one, constantly."""
    kept, safe = kept_rows(labels, 0)
    return kept_mean(row_losses(scores, safe), kept, math.nan)


@right("value_and_gradient")
def one_pass(scores: Array, labels: Array) -> Any:
    """Loss and gradient of one exponentiation, the gradient written over the exponentials."""
    d = scores - scores.max(axis=1, keepdims=True)
    e = np.exp(d)
    total = e.sum(axis=1, keepdims=True)
    loss = mean(np.log(total[:, 0]) - at(d, labels))
    e /= total
    e[np.arange(len(e)), np.asarray(labels).reshape(-1).astype(np.int64)] -= 1
    e /= max(len(e), 1)
    return loss, e
