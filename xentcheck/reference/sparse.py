"""Cross-entropy of logits with sparse labels: one class number a row.

    loss      L = -log p_y = log1p(s) + (M - z_y)
    gradient  g_j = p_j - [j = y]

M is the largest logit of the row, s the sum of exp(z_j - M) over all classes but one that has it. `plain` has the same
without blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks, plain
from xentcheck.reference.batch import Form, answer
from xentcheck.reference.blocks import Scratch
from xentcheck.reference.cut import each_part
from xentcheck.reference.one_class import in_one_class, long_in_one_class
from xentcheck.reference.part import Part, at_rim

Gradient = NDArray[np.floating[Any]]


def sparse_loss(
    logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", *, threads: int | None = None, compiled: bool = False
) -> Any:
    """Return the cross-entropy, in nats.

    Parameters
    ----------
    logits : array_like, shape (n, m)
        float16, bfloat16, float32, float64 or integers.
    labels : array_like of integers, shape (n,) or (n, 1)
        Classes 0 ... m - 1.
    reduction : {"mean", "sum", "none"}
    threads : int, optional
        How many work on large inputs; unasked, as many as there are processors. It changes no bit of the answer.
    compiled : bool
        Whether numba works on float32 and float64: in about half the time, after two seconds in which it compiles.
        It changes last bits, and needs the extra "compiled".

    Returns
    -------
    ndarray of shape (n,) for "none", else a numpy scalar; in the dtype of the logits
        A logit of -inf off the label drops out; at the label it costs +inf. A row with nan, with +inf or
        with nothing but -inf has the loss nan.

    Raises
    ------
    TypeError, ValueError
        See `checks`.
    ModuleNotFoundError
        If `compiled` is asked for and there is no numba.

    Examples
    --------
    >>> sparse_loss([[0.0, 0.0], [8.0, 0.0]], [0, 1], reduction="none")
    array([0.69314718, 8.00033541])
    """
    return answer(_SPARSE, logits, labels, reduction, threads, compiled, loss=True, gradient=False)[0]


def sparse_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> Gradient:
    """Return the gradient of `sparse_loss` with respect to the logits.

    Parameters
    ----------
    logits, labels, reduction, threads, compiled
        As for `sparse_loss`.
    upstream : array_like, optional
        Multiplies the gradient: shape (n,) for the reduction "none", else a number.
    out : ndarray, shape (n, m), optional
        An array in the dtype of the logits to write to and to return, apart from the inputs. To use it again saves
        the memory of a new one, and about a third of the time for large inputs.

    Returns
    -------
    ndarray, shape (n, m), in the dtype of the logits

    Examples
    --------
    >>> sparse_gradient([[0.0, 0.0], [800.0, 0.0]], [0, 1], reduction="sum")
    array([[-0.5,  0.5],
           [ 1. , -1. ]])
    """
    _, gradient = answer(_SPARSE, logits, labels, reduction, threads, compiled, loss=False, upstream=upstream, out=out)
    return gradient  # type: ignore[no-any-return]


def sparse_loss_and_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> tuple[Any, Gradient]:
    """Return `sparse_loss` and `sparse_gradient`, for little more than the gradient costs alone.

    Examples
    --------
    >>> sparse_loss_and_gradient([[0.0, 0.0]], [0])
    (np.float64(0.6931471805599453), array([[-0.5,  0.5]]))
    """
    return answer(_SPARSE, logits, labels, reduction, threads, compiled, loss=True, upstream=upstream, out=out)


def _evaluate(batch: Part, working: np.dtype[Any], threads: int | None) -> None:
    each_part(batch, working, threads, _block, _row)
    if batch.gradient is None:
        return
    rim = at_rim(batch.factors, len(batch.z), working)
    if len(rim) > 0:
        z, upstream = batch.z[rim].astype(np.float64), np.broadcast_to(batch.factors, len(batch.z))[rim]
        batch.gradient[rim] = plain.sparse_gradient(z, batch.labels[rim], "none", upstream=upstream)


def _block(part: Part, working: np.dtype[Any], scratch: Scratch) -> None:
    in_one_class(part, part.labels, part.factors, working, scratch)


def _row(row: Part, working: np.dtype[Any], threads: int) -> None:
    long_in_one_class(row, row.labels, row.factors, working, threads)


_SPARSE = Form(checks.sparse_labels, _evaluate)
