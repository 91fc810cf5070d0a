"""Bugs: rows with the ignored label, and the divisor that leaves them out or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    IGNORING,
    SMOOTHED,
    WEIGHTED,
    Array,
    dense_losses,
    integers,
    kept_rows,
    one_hot,
    row_gradients,
    row_losses,
    smoothed,
)
from xentcheck.zoo.specimen import bug

OVER_ROWS = {**IGNORING, "mean_over": "rows"}
OVER_WEIGHTS = {**IGNORING, **WEIGHTED, "mean_over": "weights"}


def kept_mean(losses: Array, kept: Array) -> Any:
    """Return the sum of the kept losses divided by their number."""
    return np.where(kept, losses, 0).sum() / losses.dtype.type(kept.sum() or "nan")


def right_loss(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Return the mean over the kept rows."""
    kept, safe = kept_rows(labels, ignore_index)
    return kept_mean(row_losses(scores, safe), kept)


@bug("divisor_rows", "value", contract=IGNORING, thread="pytorch 70348; Paddle 48663")
def divided_by_all_rows(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Divide by all rows where the contract says the kept ones."""
    kept, safe = kept_rows(labels, ignore_index)
    losses = row_losses(scores, safe)
    return np.where(kept, losses, 0).sum() / losses.dtype.type(len(losses))


@bug("divisor_kept", "value", contract=OVER_ROWS, thread="keras 21908")
def divided_by_kept_rows(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Divide by the kept rows where the contract says all of them."""
    kept, safe = kept_rows(labels, ignore_index)
    losses = row_losses(scores, safe)
    return np.where(kept, losses, 0).sum() / losses.dtype.type(max(kept.sum(), 1))


@bug("ignored_label_wrapped", "value", contract=IGNORING, thread="torch: -100 is 156 beside uint8")
def ignored_label_in_the_dtype_of_labels(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Compare in the labels' own dtype, where -100 is class 156 of uint8."""
    kept = labels != np.array(ignore_index).astype(labels.dtype)
    return kept_mean(row_losses(scores, np.where(kept, labels, 0)), kept)


@bug("mask_inverted", "value", "finite", contract=IGNORING, thread="sockeye 200")
def mask_inverted(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Keep the ignored rows and ignore the others."""
    kept, safe = kept_rows(labels, ignore_index)
    return kept_mean(row_losses(scores, safe), ~kept)


@bug("ignored_rows_used", "value", contract=IGNORING, thread="burn 5568; chainer 2715")
def ignored_rows_used(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Let the ignored rows take part, with class 0 for their label."""
    kept, safe = kept_rows(labels, ignore_index)
    losses = row_losses(scores, safe)
    return losses.sum() / losses.dtype.type(kept.sum() or "nan")


@bug("ignored_rows_used", "value", akin=("divisor_rows",), contract=IGNORING, thread="Python's falsy 0; burn 5568")
def class_zero_cannot_be_ignored(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Ask `if ignore_index`, so that the index 0 ignores nothing."""
    kept, safe = kept_rows(labels, ignore_index or -100)
    return kept_mean(row_losses(scores, safe), kept)


@bug("ignored_rows_used", "value", "answers", akin=("divisor_rows",), contract=IGNORING, thread="pytorch 73205")
def only_negative_labels_ignored(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Take a label below 0 or beyond the classes for the ignored one, and an ignored class for a label."""
    flat = integers(labels)
    kept = (flat >= 0) & (flat < scores.shape[1])
    return kept_mean(row_losses(scores, np.where(kept, flat, 0)), kept)


@bug(
    "ignored_rows_used",
    "gradient",
    "own-gradient",
    role="gradient",
    loss=right_loss,
    contract=IGNORING,
    thread="pytorch 192685; Liger-Kernel 1338",
)
def gradient_of_ignored_rows(scores: Array, labels: Array, ignore_index: int) -> Any:
    """The gradient of the ignored rows is p, not 0."""
    kept, safe = kept_rows(labels, ignore_index)
    g = row_gradients(scores, safe)
    g[~kept, 0] += 1
    return g / g.dtype.type(max(kept.sum(), 1))


@bug(
    "divisor_rows",
    "gradient",
    role="gradient",
    loss=right_loss,
    contract=IGNORING,
    thread="pytorch 64572; Paddle 76033",
)
def gradient_divided_by_all_rows(scores: Array, labels: Array, ignore_index: int) -> Any:
    """The gradient is divided by all rows, the loss by the kept ones."""
    kept, safe = kept_rows(labels, ignore_index)
    return np.where(kept[:, None], row_gradients(scores, safe), 0) / max(len(scores), 1)


@bug(
    "divisor_of_ignored_weights",
    "value",
    akin=(
        "divisor_weights_of_ignored",
        "divisor_weights",
        "divisor_all_weights",
        "scaled",
        "divisor_one_off",
        "divisor_kept",
        "divisor_rows",
    ),
    contract=OVER_WEIGHTS,
    thread="pytorch 70348; Liger-Kernel 1338",
)
def weights_of_ignored_rows(scores: Array, labels: Array, weights: Array, ignore_index: int) -> Any:
    """Count the weight of class 0 for each ignored row in the divisor."""
    kept, safe = kept_rows(labels, ignore_index)
    w = weights[safe].astype(scores.dtype)
    return (np.where(kept, row_losses(scores, safe), 0) * w).sum() / w.sum()


@bug("ignored_rows_used", "value", contract={**IGNORING, **SMOOTHED}, thread="keras 21908; Megatron-LM 737")
def smoothing_of_ignored_rows(scores: Array, labels: Array, smoothing: float, ignore_index: int) -> Any:
    """Zero the label of ignored rows, and smooth afterwards: the uniform part stays."""
    kept, safe = kept_rows(labels, ignore_index)
    t = one_hot(safe, scores) * kept[:, None].astype(scores.dtype)
    losses = dense_losses(scores, smoothed(t, smoothing))
    return losses.sum() / losses.dtype.type(kept.sum() or "nan")


@bug(
    "ignored_label_wrapped",
    "value",
    akin=("ignored_rows_used", "divisor_rows", "rows_left_out", "labels_wrapped"),
    contract=IGNORING,
    thread="keras 15012; tensorflow 8484",
)
def ignored_label_wraps(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Compare labels with the ignored one in 8 bits: -100 ignores the class 156."""
    flat = integers(labels)
    kept = flat.astype(np.uint8) != np.uint8(ignore_index % 256)
    return kept_mean(row_losses(scores, np.where(kept, flat, 0)), kept)


@bug(
    "empty_mean",
    "value",
    "reductions",
    akin=("zero",),
    contract={**IGNORING, "empty_mean": "nan"},
    thread="pytorch 64572, 11551",
)
def all_ignored_costs_nothing(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Divide by at least 1, so that a batch of ignored rows costs 0; the contract says nan."""
    kept, safe = kept_rows(labels, ignore_index)
    losses = row_losses(scores, safe)
    return np.where(kept, losses, 0).sum() / losses.dtype.type(max(kept.sum(), 1))


@bug(
    "rows_left_out",
    "value",
    "class-permutation",
    akin=("ignored_rows_used", "last_row_dropped", "first_row_dropped", "zero", "only_first_row", "only_last_row"),
    contract={"reduction": "sum"},
    thread="transformers: labels > 0 as the mask",
)
def class_zero_taken_for_padding(scores: Array, labels: Array) -> Any:
    """Take the rows of class 0 for padding."""
    return np.where(integers(labels) > 0, row_losses(scores, labels), 0).sum()
