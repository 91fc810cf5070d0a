"""Bugs: sums, means and what they are divided by."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import Array, dense_losses, mean, mean_loss, row_gradients, row_losses, sum_loss
from xentcheck.zoo.specimen import bug

SUM = {"reduction": "sum"}
NONE = {"reduction": "none"}
NAN = float("nan")


@bug("sum_for_mean", "value", "reductions", thread="chainer 2715")
def sum_for_mean(scores: Array, labels: Array) -> Any:
    """Return the sum where the contract says mean."""
    return sum_loss(scores, labels)


@bug("mean_for_sum", "value", "reductions", contract=SUM, thread="burn 5568")
def mean_for_sum(scores: Array, labels: Array) -> Any:
    """Return the mean where the contract says sum."""
    return mean_loss(scores, labels)


@bug("mean_over_n_m", "value", akin=("divided_by_m",), contract={"labels": ["onehot"]}, thread="Paddle 48663")
def mean_over_all_entries(scores: Array, targets: Array) -> Any:
    """Take the mean over all n m entries, the zeros included."""
    return dense_losses(scores, targets).sum() / max(scores.size, 1)


@bug("divided_by_n_twice", "value", "reductions", thread="Liger-Kernel 1298")
def divided_twice(scores: Array, labels: Array) -> Any:
    """Divide the mean by n once more."""
    return mean_loss(scores, labels) / max(len(scores), 1)


@bug("divided_by_m", "value", thread="chainer 2715")
def divided_by_classes(scores: Array, labels: Array) -> Any:
    """Divide the mean by the number of classes."""
    return mean_loss(scores, labels) / scores.shape[1]


@bug("divisor_m_for_n", "value", "reductions", akin=("divided_by_m",), thread="chainer 2715")
def divided_by_m_for_n(scores: Array, labels: Array) -> Any:
    """Divide the sum by the number of classes."""
    return sum_loss(scores, labels) / scores.shape[1]


@bug("divisor_one_off", "value", "finite", "reductions", akin=("last_row_dropped",), thread="pytorch 69339")
def divided_by_one_less(scores: Array, labels: Array) -> Any:
    """Divide by n - 1."""
    return sum_loss(scores, labels) / scores.dtype.type(len(scores) - 1)


@bug("divisor_guarded", "value", akin=("scaled",), contract={"dtypes": ["float64"]}, thread="numerics: n + eps")
def divided_by_n_plus_eps(scores: Array, labels: Array) -> Any:
    """Divide by n + 1e-8."""
    return sum_loss(scores, labels) / (len(scores) + 1e-8)


@bug("mean_of_means", "value", "reductions", "row-independence", thread="transformers 34191")
def mean_of_means(scores: Array, labels: Array) -> Any:
    """Take the mean of the means of chunks of 4 rows, of which the last may be shorter."""
    losses = row_losses(scores, labels)
    if not len(losses):
        return losses.dtype.type(NAN)
    return np.mean([losses[start : start + 4].mean() for start in range(0, len(losses), 4)], dtype=losses.dtype)


@bug(
    "mean_times_chunks", "value", "reductions", akin=("sum_for_mean", "doubled", "scaled"), thread="NeMo Automodel 3803"
)
def mean_times_chunks(scores: Array, labels: Array) -> Any:
    """Add the means of chunks of 8 rows and forget to divide by the number of chunks."""
    losses = row_losses(scores, labels)
    chunks = [losses[start : start + 8] for start in range(0, len(losses), 8)]
    return sum((chunk.mean() for chunk in chunks), losses.dtype.type(0)) if chunks else losses.dtype.type(NAN)


@bug("reduced_rows", "value", "row-independence", akin=("mean_for_sum",), contract=NONE, thread="Paddle 76033")
def every_row_the_mean(scores: Array, labels: Array) -> Any:
    """Return the mean in each row."""
    losses = row_losses(scores, labels)
    return np.full_like(losses, losses.mean() if len(losses) else 0)


@bug("rows_misplaced", "value", contract=NONE, thread="ml-cross-entropy 59")
def rows_sorted(scores: Array, labels: Array) -> Any:
    """Return the row losses in the order of their labels."""
    return row_losses(scores, labels)[np.argsort(np.asarray(labels).reshape(-1), kind="stable")]


@bug("last_row_dropped", "value", "row-independence", thread="ml-cross-entropy 59")
def last_odd_row_dropped(scores: Array, labels: Array) -> Any:
    """Work on pairs of rows and forget the last of an odd number, unless it is the only one."""
    losses = row_losses(scores, labels)
    even = len(losses) - len(losses) % 2 or len(losses)
    return mean(losses) if not len(losses) else losses[:even].sum() / losses.dtype.type(len(losses))


@bug(
    "rows_beyond_a_limit",
    "value",
    "row-independence",
    akin=("last_row_dropped", "size_dependent"),
    thread="pytorch 190139 (grid limits)",
)
def rows_beyond_256_dropped(scores: Array, labels: Array) -> Any:
    """Forget the rows after the 256th."""
    losses = row_losses(scores, labels)
    return losses[:256].sum() / losses.dtype.type(max(len(losses), 1))


@bug("divisor_wrapped", "value", "finite", akin=("scaled", "sum_for_mean", "divisor_one_off"), thread="pytorch 111484")
def rows_counted_in_a_byte(scores: Array, labels: Array) -> Any:
    """Count the rows in an uint8."""
    losses = row_losses(scores, labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        return losses.sum() / losses.dtype.type(len(losses) & 255)


@bug("maximum_of_rows", "value", "reductions", "row-independence", contract=SUM, thread="sockeye 200")
def largest_row(scores: Array, labels: Array) -> Any:
    """Return the largest row of a sum."""
    return row_losses(scores, labels).max(initial=0)


@bug("wrong_sign", "value", "gibbs", thread="every second tutorial's first version")
def wrong_sign(scores: Array, labels: Array) -> Any:
    """Lack the minus sign."""
    return -mean_loss(scores, labels)


@bug("base_2", "value", akin=("scaled",), thread="machinelearning 2708")
def base_two(scores: Array, labels: Array) -> Any:
    """Measure in bits."""
    return mean_loss(scores, labels) / np.log(scores.dtype.type(2))


@bug("halved", "value", thread="half the squared error's factor, carried over")
def halved(scores: Array, labels: Array) -> Any:
    """Carry over the factor 1/2 of a squared error."""
    return mean_loss(scores, labels) / 2


@bug(
    "gradient_missing_1_over_n",
    "gradient",
    "own-gradient",
    role="gradient",
    thread="numpy-ml; TransformerEngine 2139",
)
def gradient_of_the_sum(scores: Array, labels: Array) -> Any:
    """Return the gradient of the sum beside a mean."""
    return row_gradients(scores, labels)


@bug(
    "gradient_extra_1_over_n",
    "gradient",
    "own-gradient",
    role="gradient",
    loss=sum_loss,
    contract=SUM,
    thread="dezero; neuralnetlib",
)
def gradient_of_the_mean(scores: Array, labels: Array) -> Any:
    """Return the gradient of the mean beside a sum."""
    return row_gradients(scores, labels) / max(len(scores), 1)


@bug("empty_mean", "reductions", "value", contract={"empty_mean": "zero"}, thread="pytorch 64572")
def mean_of_nothing_is_nan(scores: Array, labels: Array) -> Any:
    """Return nan for no rows, where the contract says 0."""
    return mean_loss(scores, labels)


@bug("empty_mean", "reductions", "value", akin=("zero",), contract={"empty_mean": "nan"}, thread="pytorch 70348")
def mean_of_nothing_is_zero(scores: Array, labels: Array) -> Any:
    """Return 0 for no rows, where the contract says nan."""
    return sum_loss(scores, labels) / max(len(scores), 1)


@bug("mean_of_means", "value", "reductions", "row-independence", akin=("size_dependent",), thread="two micro-batches")
def mean_of_two_halves(scores: Array, labels: Array) -> Any:
    """Average the means of two halves, of which the second has the odd row."""
    losses, half = row_losses(scores, labels), len(scores) // 2
    return mean(losses) if half == 0 else (losses[:half].mean() + losses[half:].mean()) / 2
