"""Right: p - t for soft rows of any sum, declared as a policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    P_MINUS_T,
    ROW_WEIGHTED,
    SMOOTHED,
    Array,
    dense_losses,
    dense_mean_loss,
    mean,
    shifted,
    smoothed,
    softmax,
)
from xentcheck.zoo.specimen import right

ROWS = {**P_MINUS_T, "reduction": "none"}


def given(scores: Array, targets: Array) -> Array:
    """Return the targets in the dtype of the scores."""
    t: Array = targets.astype(scores.dtype)
    return t


def kernel(scores: Array, targets: Array) -> Any:
    """Return p - t of each row, as tensorflow's kernel does beside its loss."""
    return softmax(scores) - given(scores, targets)


@right("vjp", loss=dense_losses, gradient=kernel, contract=ROWS, thread="tensorflow: SoftmaxCrossEntropyWithLogits")
def p_minus_t_times_upstream(scores: Array, targets: Array, upstream: Array) -> Any:
    """The loss is -sum t log p, and its pullback the upstream gradient times p - t."""
    return kernel(scores, targets) * upstream.astype(scores.dtype)[:, None]


@right("hessian_vector", loss=dense_losses, gradient=kernel, contract=ROWS, thread="tensorflow: its second derivative")
def jacobian_of_softmax(scores: Array, targets: Array, vector: Array) -> Any:
    """The derivative of p - t along a vector, p (v - p.v), whatever t sums to."""
    p = softmax(scores)
    return p * (vector - (p * vector).sum(axis=1, keepdims=True))


@right("gradient", loss=dense_mean_loss, contract=P_MINUS_T)
def p_minus_t_of_the_mean(scores: Array, targets: Array) -> Any:
    """(e - S t) / S, divided by the number of rows."""
    e = np.exp(shifted(scores))
    total = e.sum(axis=1, keepdims=True)
    return (e - total * given(scores, targets)) / total / max(len(e), 1)


def smoothed_mean(scores: Array, targets: Array, smoothing: float) -> Any:
    """Return the mean loss of smoothed targets."""
    return mean(dense_losses(scores, smoothed(given(scores, targets), smoothing)))


@right("gradient", loss=smoothed_mean, contract={**P_MINUS_T, **SMOOTHED, "dense_label_dtypes": ["same"]})
def p_minus_smoothed_t(scores: Array, targets: Array, smoothing: float) -> Any:
    """P - t' with the smoothed t', which sums to 1 where t does."""
    return (softmax(scores) - smoothed(targets, smoothing)) / max(len(scores), 1)


def weighted_sum(scores: Array, targets: Array, sample_weight: Array) -> Any:
    """Return the sum of the row losses times their weights, 0 for a row of weight 0."""
    losses = np.where(sample_weight > 0, dense_losses(scores, targets), 0)
    return (losses.astype(scores.dtype) * sample_weight).sum()


@right("gradient", loss=weighted_sum, contract={**P_MINUS_T, **ROW_WEIGHTED, "reduction": "sum"})
def weighted_p_minus_t(scores: Array, targets: Array, sample_weight: Array) -> Any:
    """V p - v t, each of its terms rounded."""
    v = sample_weight[:, None]
    with np.errstate(invalid="ignore"):
        return np.where(v > 0, v * softmax(scores) - v * given(scores, targets), 0).astype(scores.dtype)


def guarded_sum(probabilities: Array, targets: Array) -> Any:
    """Return -sum t log(p + 1e-12)."""
    return -(given(probabilities, targets) * np.log(probabilities + probabilities.dtype.type(1e-12))).sum()


@right(
    "gradient",
    loss=guarded_sum,
    contract={**P_MINUS_T, "input": "probabilities", "boundary": {"add": 1e-12}, "reduction": "sum"},
    thread="from-scratch networks: p - t behind the softmax",
)
def p_minus_t_behind_the_softmax(probabilities: Array, targets: Array) -> Any:
    """Probabilities less targets, the gradient by the logits behind them."""
    return probabilities - given(probabilities, targets)
