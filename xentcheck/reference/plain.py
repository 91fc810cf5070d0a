"""Cross-entropy of logits in its plain form: the definition, one line of code to one line of formula.

    sparse labels y          L = -log p_y = log1p(s) + (M - z_y)                           g_j = p_j - [j = y]
    one-hot or soft labels t L = sum of t_j (-log p_j) = T log1p(s) + sum of t_j (M - z_j)   g_j = T p_j - t_j

M is the largest logit of the row, s the sum of exp(z_j - M) over all classes but one that has it, T the sum of the
labels. All arithmetic is done in float64 on whole arrays, and rounded once. The public functions do the same in blocks
that stay in cache; the tests hold them against these four, and rows at the rim of the range are handed over to these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.checks import Doubles
from xentcheck.reference.reductions import reduce_losses, scale_gradient
from xentcheck.reference.softmax import softmax


def sparse_loss(logits: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> Any:
    """Return the cross-entropy with class numbers y: log1p(s) + (M - z_y).

    Both terms are >= 0, so nothing cancels, and both keep their relative accuracy when they are small.

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
    """Return the gradient of `sparse_loss` with respect to the logits: p_j - [j = y].

    At the label p_y - 1 = -(sum of the other exponentials) / S. Where the label is the top class this form keeps
    digits that the subtraction would lose.

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


def onehot_loss(logits: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> Any:
    """Return the cross-entropy with dense labels t: T log1p(s) + sum of t_j (M - z_j).

    A class of weight 0 costs nothing, whatever its logit: 0 log 0 = 0.

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
    """Return the gradient of `onehot_loss` with respect to the logits: T p_j - t_j.

    Where the top class has all the weight, T p_j - t_j = -T (1 - p_j), and 1 - p_j = s / S keeps the digits that the
    subtraction would lose.

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
