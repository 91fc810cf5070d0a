"""One name for both label forms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference.onehot import onehot_gradient, onehot_loss, onehot_loss_and_gradient
from xentcheck.reference.sparse import sparse_gradient, sparse_loss, sparse_loss_and_gradient


def is_sparse(labels: ArrayLike) -> bool:
    """Whether labels are class numbers: shape (n,), or integers of shape (n, 1)."""
    given = np.asarray(labels)
    return given.ndim < 2 or (given.shape[1:] == (1,) and given.dtype.kind in "iu")


def loss(
    logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", *, threads: int | None = None, compiled: bool = False
) -> Any:
    """Return the cross-entropy of logits, shape (n, m), in nats.

    Parameters
    ----------
    logits : array_like, shape (n, m)
    labels : array_like
        Sparse, shape (n,) or integers of shape (n, 1): see `sparse_loss`. One-hot or soft, shape (n, m): see
        `onehot_loss`.
    reduction : {"mean", "sum", "none"}
    threads : int, optional
        How many work on large inputs. It changes no bit of the answer.
    compiled : bool
        Whether numba works on rows in one class. It changes last bits, and needs the extra "compiled".

    Examples
    --------
    >>> loss([[0.0, 0.0]], [1]) == loss([[0.0, 0.0]], [[0.0, 1.0]])
    np.True_
    """
    return (sparse_loss if is_sparse(labels) else onehot_loss)(
        logits, labels, reduction, threads=threads, compiled=compiled
    )


def gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> NDArray[np.floating[Any]]:
    """Return the gradient of `loss` with respect to the logits, shape (n, m), times `upstream`.

    `out` is an array to write to, as for `sparse_gradient`.

    Examples
    --------
    >>> gradient([[0.0, 0.0]], [1])
    array([[ 0.5, -0.5]])
    """
    chosen = sparse_gradient if is_sparse(labels) else onehot_gradient
    return chosen(logits, labels, reduction, upstream=upstream, out=out, threads=threads, compiled=compiled)


def loss_and_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> tuple[Any, NDArray[np.floating[Any]]]:
    """Return `loss` and `gradient`, for little more than the gradient costs alone.

    Examples
    --------
    >>> loss_and_gradient([[0.0, 0.0]], [1])
    (np.float64(0.6931471805599453), array([[ 0.5, -0.5]]))
    """
    chosen = sparse_loss_and_gradient if is_sparse(labels) else onehot_loss_and_gradient
    return chosen(logits, labels, reduction, upstream=upstream, out=out, threads=threads, compiled=compiled)
