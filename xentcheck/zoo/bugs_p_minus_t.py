"""Bugs: p - t is declared for soft rows of any sum, and something else is returned."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    P_MINUS_T,
    SMOOTHED,
    Array,
    dense_gradients,
    dense_losses,
    softmax,
)
from xentcheck.zoo.right_p_minus_t import ROWS, given, kernel, smoothed_mean
from xentcheck.zoo.specimen import bug


@bug(
    "gradient_with_sum_t",
    "gradient",
    "gradient-row-sum",
    role="gradient",
    loss=dense_losses,
    contract=ROWS,
    thread="tensorflow: its kernel's p - t, replaced by the derivative of the loss",
)
def derivative_of_the_loss(scores: Array, targets: Array) -> Any:
    """Write (sum t) p - t where p - t is declared."""
    return dense_gradients(scores, targets)


@bug(
    "targets_renormalised",
    "gradient",
    role="gradient",
    loss=dense_losses,
    contract=ROWS,
    thread="scikit-learn 24515: rows divided by their sum",
)
def p_minus_shares(scores: Array, targets: Array) -> Any:
    """Divide the targets by their sum before they are subtracted."""
    t = given(scores, targets)
    total = t.sum(axis=1, keepdims=True)
    return softmax(scores) - t / np.where(total == 0, 1, total)


@bug(
    "zero_rows_left_out",
    "gradient",
    role="gradient",
    loss=dense_losses,
    contract=ROWS,
    thread="padding told by rows of zeros",
)
def rows_of_zeros_taken_for_padding(scores: Array, targets: Array) -> Any:
    """Give a row of zeros no gradient, as its loss is 0."""
    padding = (targets == 0).all(axis=1, keepdims=True)
    return np.where(padding, 0, kernel(scores, targets)).astype(scores.dtype)


@bug(
    "smoothing_ignored",
    "gradient",
    role="gradient",
    loss=smoothed_mean,
    contract={**P_MINUS_T, **SMOOTHED, "dense_label_dtypes": ["same"]},
    thread="Liger-Kernel 243",
)
def p_minus_unsmoothed_t(scores: Array, targets: Array, smoothing: float) -> Any:
    """Smooth the targets of the loss, and subtract those that are given."""
    return kernel(scores, targets) / max(len(scores), 1)


@bug(
    "hessian_with_sum_t",
    "second-order",
    role="hessian_vector",
    loss=dense_losses,
    gradient=kernel,
    contract=ROWS,
    thread="tensorflow: the second derivative of its loss is not that of its gradient",
)
def second_derivative_of_the_loss(scores: Array, targets: Array, vector: Array) -> Any:
    """Multiply the derivative of p - t by the sum of t."""
    p = softmax(scores)
    product = p * (vector - (p * vector).sum(axis=1, keepdims=True))
    return given(scores, targets).sum(axis=1, keepdims=True) * product
