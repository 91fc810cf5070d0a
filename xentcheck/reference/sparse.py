"""Cross-entropy of logits with sparse labels: one class number a row.

    loss      L = -log p_y = log1p(s) + (M - z_y)
    gradient  g_j = p_j - [j = y]

M is the largest logit of the row, s the sum of exp(z_j - M) over all classes but one that has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.reductions import reduce_losses, scale_gradient
from xentcheck.reference.softmax import softmax


def sparse_loss(logits: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> Any:
    """Return the cross-entropy, in nats.

    Both terms of L are >= 0, so nothing cancels, and both keep their relative accuracy when they are small.

    Parameters
    ----------
    logits : array_like, shape (n, m)
        float16, bfloat16, float32, float64 or integers.
    labels : array_like of integers, shape (n,) or (n, 1)
        Classes 0 ... m - 1.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    ndarray of shape (n,) for "none", else a numpy scalar; in the dtype of the logits
        A logit of -inf off the label drops out; at the label it costs +inf. A row with nan, with +inf or
        with nothing but -inf has the loss nan.

    Raises
    ------
    TypeError, ValueError
        See `checks`.

    Examples
    --------
    >>> sparse_loss([[0.0, 0.0], [8.0, 0.0]], [0, 1], reduction="none")
    array([0.69314718, 8.00033541])
    """
    z, dtype = checks.scores(logits)
    y = checks.sparse_labels(labels, *z.shape)
    with np.errstate(all="ignore"):
        parts = softmax(z)
        gap = parts.maximum - z[np.arange(len(z)), y]
        return reduce_losses(np.log1p(parts.s) + gap, reduction, dtype)


def sparse_gradient(
    logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", *, upstream: ArrayLike | None = None
) -> NDArray[np.floating[Any]]:
    """Return the gradient of `sparse_loss` with respect to the logits.

    At the label p_y - 1 = -(sum of the other exponentials) / S. Where the label is the top class this form
    keeps digits that the subtraction would lose.

    Parameters
    ----------
    logits, labels, reduction
        As for `sparse_loss`.
    upstream : array_like, optional
        Multiplies the gradient: shape (n,) for the reduction "none", else a number.

    Returns
    -------
    ndarray, shape (n, m), in the dtype of the logits

    Examples
    --------
    >>> sparse_gradient([[0.0, 0.0], [800.0, 0.0]], [0, 1], reduction="sum")
    array([[-0.5,  0.5],
           [ 1. , -1. ]])
    """
    z, dtype = checks.scores(logits)
    y = checks.sparse_labels(labels, *z.shape)
    with np.errstate(all="ignore"):
        parts = softmax(z)
        gradient = parts.probabilities()
        rows = np.arange(len(z))
        gradient[rows, y] = np.where(y == parts.top, -parts.top_complement(), gradient[rows, y] - 1.0)
        return scale_gradient(gradient, reduction, upstream, dtype)
