"""Cross-entropy of logits with dense labels t: one-hot rows, or soft rows of any weights t_j >= 0.

    loss      L = sum of t_j (-log p_j) = T log1p(s) + sum of t_j (M - z_j)
    gradient  g_j = T p_j - t_j

T = sum of t_j is 1 for one-hot rows and for distributions, but need not be. M and s as in `sparse`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.checks import Doubles
from xentcheck.reference.reductions import reduce_losses, scale_gradient
from xentcheck.reference.softmax import softmax


def onehot_loss(logits: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> Any:
    """Return the cross-entropy, in nats.

    Parameters
    ----------
    logits : array_like, shape (n, m)
        float16, bfloat16, float32, float64 or integers.
    labels : array_like, shape (n, m)
        The weight of each class, finite and not negative. A class of weight 0 costs nothing, whatever its
        logit: 0 log 0 = 0.
    reduction : {"mean", "sum", "none"}
        "mean" divides by n, the number of rows.

    Returns
    -------
    ndarray of shape (n,) for "none", else a numpy scalar; in the dtype of the logits
        Infinite logits count as in `sparse_loss`.

    Raises
    ------
    TypeError, ValueError
        See `checks`.

    Examples
    --------
    >>> onehot_loss([[0.0, 0.0], [8.0, 0.0]], [[1, 0], [0.75, 0.25]], reduction="none")
    array([0.69314718, 2.00033541])
    """
    z, dtype = checks.scores(logits)
    t = checks.dense_labels(labels, *z.shape)
    with np.errstate(all="ignore"):
        parts = softmax(z)
        losses = t.sum(axis=1) * np.log1p(parts.s) + _weighted_gaps(z, t, parts.maximum)
        return reduce_losses(losses, reduction, dtype)


def onehot_gradient(
    logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", *, upstream: ArrayLike | None = None
) -> NDArray[np.floating[Any]]:
    """Return the gradient of `onehot_loss` with respect to the logits.

    Where the top class has all the weight, T p_j - t_j = -T (1 - p_j), and 1 - p_j = s / S keeps the digits
    that the subtraction would lose.

    Parameters
    ----------
    logits, labels, reduction
        As for `onehot_loss`.
    upstream : array_like, optional
        Multiplies the gradient: shape (n,) for the reduction "none", else a number.

    Returns
    -------
    ndarray, shape (n, m), in the dtype of the logits

    Examples
    --------
    >>> onehot_gradient([[0.0, 0.0], [800.0, 0.0]], [[1, 0], [0.75, 0.25]], reduction="sum")
    array([[-0.5 ,  0.5 ],
           [ 0.25, -0.25]])
    """
    z, dtype = checks.scores(logits)
    t = checks.dense_labels(labels, *z.shape)
    with np.errstate(all="ignore"):
        parts = softmax(z)
        T = t.sum(axis=1)
        gradient = T[:, np.newaxis] * parts.probabilities() - t
        rows = np.arange(len(z))
        all_on_top = t[rows, parts.top] == T
        gradient[rows, parts.top] = np.where(all_on_top, -T * parts.top_complement(), gradient[rows, parts.top])
        return scale_gradient(gradient, reduction, upstream, dtype)


def _weighted_gaps(z: Doubles, t: Doubles, maximum: Doubles) -> Doubles:
    """Return the sum of t_j (M - z_j) over the classes with t_j > 0, shape (n,)."""
    top = maximum[:, np.newaxis]
    products = np.where(t > 0, t * (top - z), 0.0)
    sums: Doubles = products.sum(axis=1)
    if np.isinf(sums).any():
        # The gap of two huge logits may exceed the largest float although t_j times the gap does not.
        halves = np.where(np.isfinite(z), 2.0 * (t * (0.5 * top - 0.5 * z)), products)
        sums = np.where(np.isinf(sums), np.where(t > 0, halves, 0.0).sum(axis=1), sums)
    return sums
