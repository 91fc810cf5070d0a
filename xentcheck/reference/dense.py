"""Blocks of rows with dense labels: those with one class as in `sparse`, the others as in `plain` piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference import checks, plain
from xentcheck.reference.batch import DOUBLE, SINGLE, Batch, Part, at_rim, buffer, contiguous, share
from xentcheck.reference.blocks import Scratch, each_block, width
from xentcheck.reference.rows import Classes, dense_gradients, exponentials, label_gradients, label_losses


class _InvalidLabelError(Exception):
    """A label is negative, infinite or nan."""


def evaluate(batch: Batch, threads: int | None) -> None:
    """Fill the batch's losses and gradient, as far as they are wanted.

    Raises
    ------
    ValueError
        If a label is negative, infinite or nan.
    """
    single = batch.working
    soft = SINGLE if single == SINGLE and _fits_float32(batch.labels.dtype) else DOUBLE

    def block(rows: slice, scratch: Scratch) -> None:
        _mixed(batch.part(rows), single, soft, scratch)

    try:
        each_block(block, batch.z.shape, soft, threads, share(batch))
    except _InvalidLabelError:
        checks.dense_labels(batch.labels, *batch.z.shape)
        raise


def _fits_float32(dtype: np.dtype[Any]) -> bool:
    """Whether every number of a dtype of labels is one of float32."""
    return dtype == SINGLE or dtype.itemsize <= 2


def _mixed(given: Part, single: np.dtype[Any], soft: np.dtype[Any], scratch: Scratch) -> None:
    """Divide the rows into those whose labels are in one class, and the others: a row's answer is its own.

    `single` and `soft` are the dtypes of the arithmetic for the ones and for the others.
    """
    y, in_one = _classes(given.labels)
    if in_one is None:
        _in_one_class(given, y, single, scratch)
        return
    if not in_one.any():
        _soft(given, soft, scratch)
        return
    for rows in (np.flatnonzero(in_one), np.flatnonzero(~in_one)):
        part = Part(
            given.z[rows],
            given.labels[rows],
            given.factors[rows] if given.factors.ndim else given.factors,
            np.empty(len(rows)),
            None if given.gradient is None else np.empty((len(rows), given.z.shape[1]), given.gradient.dtype),
        )
        _mixed(part, single, soft, scratch)
        if given.losses is not None:
            given.losses[rows] = part.losses
        if given.gradient is not None:
            given.gradient[rows] = part.gradient


def _classes(t: NDArray[Any]) -> tuple[Classes, NDArray[np.bool_] | None]:
    """Return the class of each row if all have just one, and None; else nothing of use, and which rows have one."""
    n, m = t.shape
    step = width(SINGLE)
    if m > step and n == 1:
        found = [np.flatnonzero(t[0, first : first + step] != 0) + first for first in range(0, m, step)]
        y = np.concatenate(found)
        return y, None if len(y) == 1 else np.array([False])
    present = t != 0
    if np.count_nonzero(present) == n:
        y = present.ravel().nonzero()[0] - np.arange(0, n * m, m)
        if y.view(np.uintp).max() < m:
            return y, None
    return _NONE, np.add.reduce(present, axis=1) == 1


def _in_one_class(given: Part, y: Classes, working: np.dtype[Any], scratch: Scratch) -> None:
    z = contiguous(given.z, working)
    e = buffer(z, given.gradient, scratch)
    sums = exponentials(z, e)
    weights, factors = given.labels[sums.rows, y].astype(np.float64), given.factors
    weighted = not np.logical_and.reduce(weights == 1.0)
    if weighted:
        if not (weights.min() > 0 and weights.max() < np.inf):
            raise _InvalidLabelError
        factors = weights * factors
    if given.losses is not None:
        given.losses[...] = weights * label_losses(z, y, sums)
    if given.gradient is not None:
        label_gradients(e, y, factors, sums)
        if e is not given.gradient:
            given.gradient[...] = e
    if weighted and given.losses is not None:
        # The gap of two huge logits may exceed the largest float although the weight times the gap does not.
        _carefully(given._replace(gradient=None), np.flatnonzero((weights != 1.0) & np.isinf(given.losses)))
    _carefully(given, at_rim(factors, len(z), working))


def _soft(given: Part, working: np.dtype[Any], scratch: Scratch) -> None:
    z = contiguous(given.z, working)
    e = buffer(z, given.gradient, scratch)
    if not np.minimum.reduce(given.labels, axis=None) >= 0:
        raise _InvalidLabelError
    sums = exponentials(z, e, given.labels, scratch)
    certain = np.isfinite(sums.T + sums.gaps)
    if certain.all():
        uncertain = _NONE
    else:
        # 0 times an infinite gap, or gaps and sums beyond the working dtype though not beyond float64.
        uncertain = np.flatnonzero(np.isfinite(sums.maximum) & ~certain)
        if not (given.labels < np.inf).all():
            raise _InvalidLabelError
    if given.losses is not None:
        given.losses[...] = sums.T * np.log1p(sums.s) + sums.gaps
    if given.gradient is not None:
        dense_gradients(e, given.labels, given.factors, sums, scratch)
        if e is not given.gradient:
            given.gradient[...] = e
    _carefully(given, uncertain)
    _carefully(given, at_rim(sums.T * given.factors, len(z), working))


def _carefully(given: Part, rows: Classes) -> None:
    """Work on rows at the rim of the range again, in the plain form."""
    if len(rows) == 0:
        return
    z, t = given.z[rows].astype(np.float64), given.labels[rows].astype(np.float64)
    if given.losses is not None:
        given.losses[rows] = plain.onehot_loss(z, t, "none")
    if given.gradient is not None:
        upstream = np.broadcast_to(given.factors, len(given.z))[rows]
        given.gradient[rows] = plain.onehot_gradient(z, t, "none", upstream=upstream)


_NONE = np.empty(0, np.intp)
