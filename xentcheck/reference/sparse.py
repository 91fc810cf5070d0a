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
from xentcheck.reference.batch import Batch, at_rim, buffer, contiguous, share
from xentcheck.reference.blocks import Scratch, each_block
from xentcheck.reference.reductions import ONE, row_factors
from xentcheck.reference.rows import exponentials, label_gradients, label_losses

Gradient = NDArray[np.floating[Any]]


def sparse_loss(logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", *, threads: int | None = None) -> Any:
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
    z, dtype = checks.real_rows(logits)
    y = checks.sparse_labels(labels, *z.shape)
    with np.errstate(all="ignore"):
        batch = Batch(z, y, dtype, reduction, ONE, np.empty(len(z)), None)
        _evaluate(batch, threads)
        return batch.loss()


def sparse_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Gradient:
    """Return the gradient of `sparse_loss` with respect to the logits.

    Parameters
    ----------
    logits, labels, reduction, threads
        As for `sparse_loss`.
    upstream : array_like, optional
        Multiplies the gradient: shape (n,) for the reduction "none", else a number.
    out : ndarray, shape (n, m), optional
        An array in the dtype of the logits to write to and to return, apart from the inputs. To use it again saves
        the memory of a new one, and more than half of the time for large inputs.

    Returns
    -------
    ndarray, shape (n, m), in the dtype of the logits

    Examples
    --------
    >>> sparse_gradient([[0.0, 0.0], [800.0, 0.0]], [0, 1], reduction="sum")
    array([[-0.5,  0.5],
           [ 1. , -1. ]])
    """
    batch = _with_gradient(logits, labels, reduction, upstream, out, threads, loss=False)
    assert batch.gradient is not None
    return batch.gradient


def sparse_loss_and_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str = "mean",
    *,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> tuple[Any, Gradient]:
    """Return `sparse_loss` and `sparse_gradient`, for little more than the gradient costs alone.

    Examples
    --------
    >>> sparse_loss_and_gradient([[0.0, 0.0]], [0])
    (np.float64(0.6931471805599453), array([[-0.5,  0.5]]))
    """
    batch = _with_gradient(logits, labels, reduction, upstream, out, threads, loss=True)
    assert batch.gradient is not None
    with np.errstate(all="ignore"):
        return batch.loss(), batch.gradient


def _with_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str,
    upstream: ArrayLike | None,
    out: NDArray[Any] | None,
    threads: int | None,
    loss: bool,
) -> Batch:
    z, dtype = checks.real_rows(logits)
    y = checks.sparse_labels(labels, *z.shape)
    with np.errstate(all="ignore"):
        factors = row_factors(reduction, upstream, len(z))
        gradient = checks.output(out, z.shape, dtype, z, y)
        batch = Batch(z, y, dtype, reduction, factors, np.empty(len(z)) if loss else None, gradient)
        _evaluate(batch, threads)
    return batch


def _evaluate(batch: Batch, threads: int | None) -> None:
    """Fill the batch's losses and gradient, as far as they are wanted."""
    working = batch.working

    def block(rows: slice, scratch: Scratch) -> None:
        given = batch.part(rows)
        z, y = contiguous(given.z, working), given.labels
        e = buffer(z, given.gradient, scratch)
        sums = exponentials(z, e)
        if given.losses is not None:
            given.losses[...] = label_losses(z, y, sums)
        if given.gradient is not None:
            label_gradients(e, y, given.factors, sums)
            if e is not given.gradient:
                given.gradient[...] = e
            rim = at_rim(given.factors, len(z), working)
            if len(rim) > 0:
                upstream = np.broadcast_to(given.factors, len(z))[rim]
                given.gradient[rim] = plain.sparse_gradient(
                    z[rim].astype(np.float64), y[rim], "none", upstream=upstream
                )

    each_block(block, batch.z.shape, working, threads, share(batch))
