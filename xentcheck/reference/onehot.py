"""Cross-entropy of logits with dense labels t: one-hot rows, or soft rows of any weights t_j >= 0.

    loss      L = sum of t_j (-log p_j) = T log1p(s) + sum of t_j (M - z_j)
    gradient  g_j = T p_j - t_j

T = sum of t_j is 1 for one-hot rows and for distributions, but need not be. M and s as in `sparse`; `plain` has the
same without blocks. A row that has all its weight in one class is worked on as in `sparse`, times that weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.batch import Form, answer
from xentcheck.reference.dense import evaluate

Gradient = NDArray[np.floating[Any]]


def onehot_loss(
    logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", *, threads: int | None = None, compiled: bool = False
) -> Any:
    """Return the cross-entropy, in nats.

    Parameters
    ----------
    logits : array_like, shape (n, m)
        float16, bfloat16, float32, float64 or integers.
    labels : array_like, shape (n, m)
        The weight of each class, finite and not negative, in any real dtype; the narrower, the faster. A class of
        weight 0 costs nothing, whatever its logit: 0 log 0 = 0.
    reduction : {"mean", "sum", "none"}
        "mean" divides by n, the number of rows.
    threads, compiled
        As for `sparse_loss`. Rows of several classes are not compiled.

    Returns
    -------
    ndarray of shape (n,) for "none", else a numpy scalar; in the dtype of the logits
        Infinite logits count as in `sparse_loss`.

    Raises
    ------
    TypeError, ValueError
        See `checks`.
    ModuleNotFoundError
        If `compiled` is asked for and there is no numba.

    Examples
    --------
    >>> onehot_loss([[0.0, 0.0], [8.0, 0.0]], [[1, 0], [0.75, 0.25]], reduction="none")
    array([0.69314718, 2.00033541])
    """
    return answer(_DENSE, logits, labels, reduction, threads, compiled, loss=True, gradient=False)[0]


def onehot_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> Gradient:
    """Return the gradient of `onehot_loss` with respect to the logits.

    Parameters
    ----------
    logits, labels, reduction, threads, compiled
        As for `onehot_loss`.
    upstream
        As for `sparse_gradient`.
    out : ndarray, shape (n, m), optional
        An array in the dtype of the logits to write to and to return, apart from the inputs. What it holds after
        an error is left open.

    Returns
    -------
    ndarray, shape (n, m), in the dtype of the logits

    Examples
    --------
    >>> onehot_gradient([[0.0, 0.0], [800.0, 0.0]], [[1, 0], [0.75, 0.25]], reduction="sum")
    array([[-0.5 ,  0.5 ],
           [ 0.25, -0.25]])
    """
    _, gradient = answer(_DENSE, logits, labels, reduction, threads, compiled, loss=False, upstream=upstream, out=out)
    return gradient  # type: ignore[no-any-return]


def onehot_loss_and_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> tuple[Any, Gradient]:
    """Return `onehot_loss` and `onehot_gradient`, for little more than the gradient costs alone.

    Examples
    --------
    >>> onehot_loss_and_gradient([[0.0, 0.0]], [[1, 0]])
    (np.float64(0.6931471805599453), array([[-0.5,  0.5]]))
    """
    return answer(_DENSE, logits, labels, reduction, threads, compiled, loss=True, upstream=upstream, out=out)


_DENSE = Form(checks.real_labels, evaluate)
