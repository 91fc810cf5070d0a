"""Dense labels: rows with all their weight in one class as sparse labels, the others as in `plain`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference import checks, plain
from xentcheck.reference.blocks import Scratch
from xentcheck.reference.checks import Doubles
from xentcheck.reference.compiled import finder
from xentcheck.reference.cut import STRIP, each_part
from xentcheck.reference.long_row import survey, write_gradient
from xentcheck.reference.one_class import in_one_class, long_in_one_class
from xentcheck.reference.part import DOUBLE, NONE, SINGLE, Part, at_rim, contiguous
from xentcheck.reference.rows import Classes, exponentiate, multiply_rows, row_sums, subtract_maximum


class _InvalidLabelError(Exception):
    """A label is negative, infinite or nan."""


def evaluate(batch: Part, working: np.dtype[Any], threads: int | None) -> None:
    """Fill the batch's losses and gradient, as far as they are wanted.

    Rows with several classes are worked on in float64 if their labels are wider than float32.

    Raises
    ------
    ValueError
        If a label is negative, infinite or nan.
    """
    soft = SINGLE if working == SINGLE and _fits_float32(batch.labels.dtype) else DOUBLE

    def block(part: Part, soft: np.dtype[Any], scratch: Scratch) -> None:
        _block(part, working, soft, scratch)

    def row(part: Part, soft: np.dtype[Any], count: int) -> None:
        _long(part, working, soft, count)

    try:
        each_part(batch, soft, threads, block, row)
    except _InvalidLabelError:
        checks.dense_labels(batch.labels, *batch.z.shape)
        raise


def _fits_float32(dtype: np.dtype[Any]) -> bool:
    """Whether every number of a dtype of labels is one of float32."""
    return dtype == SINGLE or dtype.itemsize <= 2


def _block(part: Part, single: np.dtype[Any], soft: np.dtype[Any], scratch: Scratch) -> None:
    """Divide the rows into those whose labels are in one class, and the others: a row's answer is its own.

    `single` and `soft` are the dtypes of the arithmetic for the ones and for the others.
    """
    found = _classes(part.labels, part.kernel is not None)
    if found is not None:
        _weighted(part, *found, single, scratch)
        return
    n, strip = len(part.z), max(1, STRIP // part.z.shape[1])
    if (
        part.kernel is not None and part.gradient is None and n > strip
    ):  # a block meant for a kernel, which would have needed no memory
        for first in range(0, n, strip):
            _block(part.rows(slice(first, first + strip)), single, soft, scratch)
        return
    in_one = np.count_nonzero(part.labels, axis=1) == 1
    if not in_one.any():
        _soft(part, soft, scratch)
        return
    for rows in (np.flatnonzero(in_one), np.flatnonzero(~in_one)):
        some = part._replace(
            z=part.z[rows],
            labels=part.labels[rows],
            factors=part.factors[rows] if part.factors.ndim else part.factors,
            losses=np.empty(len(rows)),
            gradient=None if part.gradient is None else np.empty((len(rows), part.z.shape[1]), part.gradient.dtype),
        )
        _block(some, single, soft, scratch)
        if part.losses is not None:
            part.losses[rows] = some.losses
        if part.gradient is not None:
            part.gradient[rows] = some.gradient


def _classes(t: NDArray[Any], compiled: bool) -> tuple[Classes, Doubles | None] | None:
    """Return the class of each row and its weight, shape (n,), if each has just one; None for weights that are all 1.

    Where they can be, labels are read as integers of the same bits, which numpy counts and compares several times as
    fast and without a temporary: 0 is 0 there, and what is positive is positive.
    """
    bits = t.view(f"i{t.itemsize}") if t.flags.c_contiguous and t.flags.aligned and t.dtype.isnative else None
    if bits is None:
        found = None
    elif compiled:
        y = np.empty(len(t), np.intp)
        found = (y, _weights(t, y)) if finder(bits.dtype)(bits, y) else None
    else:
        found = _entries(bits, t)
    if found is None and (bits is None or bits.min() < 0):  # -0.0, which is no entry, or a negative label
        found = _entries((t != 0).view(np.int8), t)
    return found


def _entries(read: NDArray[np.signedinteger[Any]], t: NDArray[Any]) -> tuple[Classes, Doubles | None] | None:
    """Return the same by what the labels read as: 0 where they are 0, and elsewhere positive."""
    n = len(t)
    if np.count_nonzero(read) != n:
        return None
    y: Classes = read.argmax(axis=1)
    weights = _weights(t, y)
    # As many entries as rows, but a row may have none and another two.
    return (y, weights) if weights is None or np.count_nonzero(weights) == n else None


def _weights(t: NDArray[Any], y: Classes) -> Doubles | None:
    """Return the weight of one class in each row; None if all are 1."""
    weights = t[np.arange(len(t)), y].astype(np.float64, copy=False)
    return None if np.count_nonzero(weights == 1.0) == len(t) else weights


def _weighted(part: Part, y: Classes, weights: Doubles | None, working: np.dtype[Any], scratch: Scratch) -> None:
    """Work on rows that have all their weight in one class."""
    if weights is None:
        in_one_class(part, y, part.factors, working, scratch)
        _carefully(part, at_rim(part.factors, len(y), working))
        return
    factors = _accepted(weights) * part.factors
    in_one_class(part, y, factors, working, scratch)
    _times(part, weights)
    _carefully(part, at_rim(factors, len(y), working))


def _times(part: Part, weights: Doubles) -> None:
    """Multiply losses by their weights."""
    if part.losses is not None:
        np.multiply(part.losses, weights, out=part.losses)
        # The gap of two huge logits may exceed the largest float although the weight times the gap does not.
        _carefully(part._replace(gradient=None), np.flatnonzero((weights != 1.0) & np.isinf(part.losses)))


def _accepted(weights: Doubles) -> Doubles:
    _not_negative(weights)
    _finite(weights, weights)
    return weights


def _not_negative(labels: NDArray[Any]) -> None:
    if not labels.min() >= 0:
        raise _InvalidLabelError


def _finite(labels: NDArray[Any], T: Doubles) -> None:
    """See that labels are finite; where their sums T are, they are."""
    if not np.isfinite(T).all() and not (labels < np.inf).all():
        raise _InvalidLabelError


def _soft(part: Part, working: np.dtype[Any], scratch: Scratch) -> None:
    """Work on rows with any weights."""
    _not_negative(part.labels)
    z, t = contiguous(part.z, working), contiguous(part.labels, working)
    e = part.buffer(working, scratch)
    top, _, maximum = subtract_maximum(z, e)
    T, gaps = row_sums(t), -row_sums(e, t)
    _finite(part.labels, T)
    s = exponentiate(e, top, maximum, kept=part.gradient is not None)
    if part.losses is not None:
        part.losses[...] = T * np.log1p(s) + gaps
    if part.gradient is not None:
        multiply_rows(e, T / (1.0 + s))
        e -= t
        multiply_rows(e, part.factors)
        part.keep(e)
    _carefully(part, _uncertain(maximum, T + gaps))
    _carefully(part, at_rim(np.maximum(T, 1.0) * part.factors, len(z), working))


def _long(row: Part, single: np.dtype[Any], soft: np.dtype[Any], threads: int) -> None:
    """Work on one row, piece by piece."""
    found = _classes(row.labels, row.kernel is not None)
    if found is not None:
        y, weight = found
        factors = row.factors if weight is None else _accepted(weight) * row.factors
        long_in_one_class(row, y, factors, single, threads)
        if weight is not None:
            _times(row, weight)
        _carefully(row, at_rim(factors, 1, single))
        return
    _not_negative(row.labels)
    seen = survey(row, soft, threads, row.labels)
    _finite(row.labels, seen.T)
    if row.losses is not None:
        row.losses[...] = seen.T * np.log1p(seen.s) + seen.gaps
    if row.gradient is not None:
        write_gradient(row, seen, seen.T / (1.0 + seen.s), soft, threads, row.labels)
    _carefully(row, _uncertain(seen.maximum, seen.T + seen.gaps))
    _carefully(row, at_rim(np.maximum(seen.T, 1.0) * row.factors, 1, soft))


def _uncertain(maximum: Doubles, sums: Doubles) -> Classes:
    """Return the rows in which 0 times an infinite gap occurs, or a sum beyond the working dtype."""
    certain = np.isfinite(sums)
    return NONE if certain.all() else np.flatnonzero(np.isfinite(maximum) & ~certain)


def _carefully(part: Part, rows: Classes) -> None:
    """Work on rows at the rim of the range again, in the plain form."""
    if len(rows) == 0:
        return
    z, t = part.z[rows].astype(np.float64), part.labels[rows].astype(np.float64)
    if part.losses is not None:
        part.losses[rows] = plain.onehot_loss(z, t, "none")
    if part.gradient is not None:
        upstream = np.broadcast_to(part.factors, len(part.z))[rows]
        part.gradient[rows] = plain.onehot_gradient(z, t, "none", upstream=upstream)
