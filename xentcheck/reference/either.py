"""One name for both label forms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference.onehot import onehot_gradient, onehot_loss
from xentcheck.reference.sparse import sparse_gradient, sparse_loss


def is_sparse(labels: ArrayLike) -> bool:
    """Whether labels are class numbers: shape (n,), or integers of shape (n, 1)."""
    given = np.asarray(labels)
    return given.ndim < 2 or (given.shape[1:] == (1,) and given.dtype.kind in "iu")


def loss(logits: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> Any:
    """Return the cross-entropy of logits, shape (n, m), in nats.

    Parameters
    ----------
    logits : array_like, shape (n, m)
    labels : array_like
        Sparse, shape (n,) or integers of shape (n, 1): see `sparse_loss`. One-hot or soft, shape (n, m): see
        `onehot_loss`.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> loss([[0.0, 0.0]], [1]) == loss([[0.0, 0.0]], [[0.0, 1.0]])
    np.True_
    """
    return (sparse_loss if is_sparse(labels) else onehot_loss)(logits, labels, reduction)


def gradient(
    logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", *, upstream: ArrayLike | None = None
) -> NDArray[np.floating[Any]]:
    """Return the gradient of `loss` with respect to the logits, shape (n, m), times `upstream`.

    Examples
    --------
    >>> gradient([[0.0, 0.0]], [1])
    array([[ 0.5, -0.5]])
    """
    chosen = sparse_gradient if is_sparse(labels) else onehot_gradient
    return chosen(logits, labels, reduction, upstream=upstream)
