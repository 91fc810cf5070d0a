"""Cross-entropy of probabilities p, with nothing added and nothing clipped.

    loss      L = -log p_y,  or the sum of t_j (-log p_j)
    gradient  by the probabilities  -t_j / p_j
              by the logits behind them, p = softmax(z):  T p_j - t_j

Near p = 1 the loss can only be as good as p: what a rounded p has lost of 1 - p no loss can bring back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.checks import Doubles
from xentcheck.reference.reductions import reduce_losses, scale_gradient


def sparse_loss_from_probabilities(probabilities: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> Any:
    """Return the cross-entropy of probabilities with sparse labels, in nats.

    Parameters
    ----------
    probabilities : array_like, shape (n, m)
        In [0, 1]. That rows sum to 1 is not asked for.
    labels : array_like of integers, shape (n,) or (n, 1)
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    ndarray of shape (n,) for "none", else a numpy scalar; in the dtype of the probabilities
        +inf where p_y = 0; nan where the row has a nan.

    Examples
    --------
    >>> sparse_loss_from_probabilities([[0.7, 0.2, 0.1]], [0])
    np.float64(0.35667494393873245)
    """
    p, dtype = _probabilities(probabilities)
    y = checks.sparse_labels(labels, *p.shape)
    with np.errstate(all="ignore"):
        losses = 0.0 - np.log(p[np.arange(len(p)), y])  # not -log: that of 1 would be -0.0
        return reduce_losses(_nan_rows(losses, p), reduction, dtype)


def sparse_gradient_from_probabilities(
    probabilities: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    wrt: str = "logits",
    upstream: ArrayLike | None = None,
) -> NDArray[np.floating[Any]]:
    """Return the gradient of `sparse_loss_from_probabilities`, shape (n, m).

    Parameters
    ----------
    probabilities, labels, reduction
        As for the loss.
    wrt : {"logits", "probabilities"}
        With respect to what: p - t, or -t / p.
    upstream
        As for `sparse_gradient`.

    Examples
    --------
    >>> sparse_gradient_from_probabilities([[0.5, 0.25, 0.25]], [0])
    array([[-0.5 ,  0.25,  0.25]])
    >>> sparse_gradient_from_probabilities([[0.5, 0.25, 0.25]], [0], wrt="probabilities")
    array([[-2.,  0.,  0.]])
    """
    p, dtype = _probabilities(probabilities)
    y = checks.sparse_labels(labels, *p.shape)
    checks.one_of("wrt", wrt, ("logits", "probabilities"))
    rows = np.arange(len(p))
    with np.errstate(all="ignore"):
        if wrt == "logits":
            gradient = p.copy()
            gradient[rows, y] -= 1.0
        else:
            gradient = np.zeros_like(p)
            gradient[rows, y] = -1.0 / p[rows, y]
        return scale_gradient(_nan_rows(gradient, p), reduction, upstream, dtype)


def onehot_loss_from_probabilities(probabilities: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> Any:
    """Return the cross-entropy of probabilities with one-hot or soft labels, in nats.

    As `sparse_loss_from_probabilities`, with labels of shape (n, m), finite and not negative. A class of
    weight 0 costs nothing, even if its probability is 0: 0 log 0 = 0.

    Examples
    --------
    >>> onehot_loss_from_probabilities([[0.7, 0.2, 0.1]], [[1, 0, 0]])
    np.float64(0.35667494393873245)
    """
    p, dtype = _probabilities(probabilities)
    t = checks.dense_labels(labels, *p.shape)
    with np.errstate(all="ignore"):
        losses = 0.0 - np.where(t > 0, t * np.log(p), 0.0).sum(axis=1)
        return reduce_losses(_nan_rows(losses, p), reduction, dtype)


def onehot_gradient_from_probabilities(
    probabilities: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    wrt: str = "logits",
    upstream: ArrayLike | None = None,
) -> NDArray[np.floating[Any]]:
    """Return the gradient of `onehot_loss_from_probabilities`, shape (n, m).

    As `sparse_gradient_from_probabilities`: T p - t with T the sum of the row's labels, or -t / p, which is 0
    where t is 0.

    Examples
    --------
    >>> onehot_gradient_from_probabilities([[0.5, 0.25, 0.25]], [[0.5, 0.5, 0.0]], wrt="probabilities")
    array([[-1., -2.,  0.]])
    """
    p, dtype = _probabilities(probabilities)
    t = checks.dense_labels(labels, *p.shape)
    checks.one_of("wrt", wrt, ("logits", "probabilities"))
    with np.errstate(all="ignore"):
        by_logits = wrt == "logits"
        gradient = t.sum(axis=1, keepdims=True) * p - t if by_logits else np.where(t > 0, -t / p, 0.0)
        return scale_gradient(_nan_rows(gradient, p), reduction, upstream, dtype)


def _probabilities(probabilities: ArrayLike) -> tuple[Doubles, np.dtype[Any]]:
    p, dtype = checks.scores(probabilities, "probabilities")
    checks.within_unit_interval(p)
    return p, dtype


def _nan_rows(values: Doubles, p: Doubles) -> Doubles:
    """Set the rows of `values` to nan in which p has a nan, and return `values`."""
    values[np.isnan(p).any(axis=1)] = np.nan
    return values
