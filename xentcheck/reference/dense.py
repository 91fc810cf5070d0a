"""Blocks of rows with dense labels: those with one class as in `sparse`, the others as in `plain` piece by piece."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference import checks, plain
from xentcheck.reference.batch import DOUBLE, SINGLE, Batch, at_rim, buffer, contiguous
from xentcheck.reference.blocks import Scratch, each_block, width
from xentcheck.reference.checks import Doubles
from xentcheck.reference.rows import Classes, dense_gradients, exponentials, label_gradients, label_losses


class _InvalidLabelError(Exception):
    """A label is negative, infinite or nan."""


class _Rows(NamedTuple):
    """Some rows: logits, labels and factors as given, where the answers go, and the dtypes of the arithmetic."""

    z: NDArray[Any]
    t: NDArray[Any]
    factors: Doubles
    losses: Doubles
    target: NDArray[Any] | None
    single: np.dtype[Any]
    soft: np.dtype[Any]


def evaluate(batch: Batch, t: NDArray[Any], threads: int | None) -> None:
    """Fill the batch's losses, and its gradient if that is wanted.

    Raises
    ------
    ValueError
        If a label is negative, infinite or nan.
    """
    soft = SINGLE if batch.working == SINGLE and _fits_float32(t.dtype) else DOUBLE

    def block(rows: slice, scratch: Scratch) -> None:
        _mixed(
            _Rows(
                batch.z[rows],
                t[rows],
                batch.factors_of(rows),
                batch.losses[rows],
                batch.target(rows),
                batch.working,
                soft,
            ),
            scratch,
        )

    try:
        each_block(block, batch.z.shape, soft, threads)
    except _InvalidLabelError:
        checks.dense_labels(t, *t.shape)
        raise


def _fits_float32(dtype: np.dtype[Any]) -> bool:
    return dtype.name == "bfloat16" or bool(np.can_cast(dtype, np.float32))


def _mixed(given: _Rows, scratch: Scratch) -> None:
    """Divide the rows into those whose labels are in one class, and the others: a row's answer is its own."""
    y, single = _classes(given.t)
    if single is None:
        _in_one_class(given, y, scratch)
        return
    for chosen, of_one in ((np.flatnonzero(single), True), (np.flatnonzero(~single), False)):
        if len(chosen) == len(single):
            _soft(given, scratch)
        elif len(chosen) > 0:
            losses = np.empty(len(chosen))
            target = None if given.target is None else np.empty((len(chosen), given.z.shape[1]), given.target.dtype)
            factors = given.factors[chosen] if given.factors.ndim else given.factors
            part = given._replace(z=given.z[chosen], t=given.t[chosen], factors=factors, losses=losses, target=target)
            if of_one:
                _in_one_class(part, _classes(part.t)[0], scratch)
            else:
                _soft(part, scratch)
            given.losses[chosen] = losses
            if given.target is not None:
                given.target[chosen] = target


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
    return _NONE, np.count_nonzero(present, axis=1) == 1


def _in_one_class(given: _Rows, y: Classes, scratch: Scratch) -> None:
    z = contiguous(given.z, given.single)
    e = buffer(z, given.target, scratch)
    sums = exponentials(z, e)
    weights, factors = given.t[sums.rows, y].astype(np.float64), given.factors
    losses = label_losses(z, y, sums)
    weighted = bool((weights != 1.0).any())
    if weighted:
        if not (weights.min() > 0 and weights.max() < np.inf):
            raise _InvalidLabelError
        losses *= weights
        factors = weights * factors
    given.losses[...] = losses
    if given.target is not None:
        label_gradients(e, y, factors, sums)
        if e is not given.target:
            given.target[...] = e
    if weighted:
        # The gap of two huge logits may exceed the largest float although the weight times the gap does not.
        _carefully(given, np.flatnonzero((weights != 1.0) & np.isinf(losses)))
    _carefully(given, at_rim(factors, len(z), given.single))


def _soft(given: _Rows, scratch: Scratch) -> None:
    z = contiguous(given.z, given.soft)
    e = buffer(z, given.target, scratch)
    if not given.t.min() >= 0:
        raise _InvalidLabelError
    sums = exponentials(z, e, given.t, scratch)
    if not np.isfinite(sums.T).all() and not (given.t < np.inf).all():
        raise _InvalidLabelError
    given.losses[...] = sums.T * np.log1p(sums.s) + sums.gaps
    if given.target is not None:
        dense_gradients(e, given.t, given.factors, sums, scratch)
        if e is not given.target:
            given.target[...] = e
    # 0 times an infinite gap, or gaps and sums beyond the working dtype though not beyond float64.
    _carefully(given, np.flatnonzero(np.isfinite(sums.maximum) & ~np.isfinite(sums.T + sums.gaps)))
    _carefully(given, at_rim(sums.T * given.factors, len(z), given.single))


def _carefully(given: _Rows, rows: Classes) -> None:
    """Work on rows at the rim of the range again, in the plain form."""
    if len(rows) == 0:
        return
    z, t = given.z[rows].astype(np.float64), given.t[rows].astype(np.float64)
    given.losses[rows] = plain.onehot_loss(z, t, "none")
    if given.target is not None:
        upstream = np.broadcast_to(given.factors, len(given.z))[rows]
        given.target[rows] = plain.onehot_gradient(z, t, "none", upstream=upstream)


_NONE = np.empty(0, np.intp)
