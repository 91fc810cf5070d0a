"""Labels of the three forms: sparse in every integer dtype and shape, one-hot rows, soft rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import one_hot
from xentcheck.batches.families_probabilities import tenths
from xentcheck.batches.input_space import InputSpace, dtype_named, holds, reads_as_classes
from xentcheck.batches.numbers import Floats, Labels, Numbers
from xentcheck.truth.formats import FORMATS


def sparse_labels(
    space: InputSpace, labels: Labels, m: int, ignored: NDArray[np.bool_], index: int | None, dtype: int, shape: int
) -> NDArray[Any]:
    """Return integer labels of shape (n,) or (n, 1), ignored rows carrying the ignored label.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Classes in [0, m).
    ignored : ndarray of bool, shape (n,)
        The rows that are to carry the ignored label `index`, where there is one that a label dtype holds.
    dtype, shape : int
        Codes of the label dtype and the label shape; 0 gives int64 of shape (n,) where the contract has them.
    """
    dtypes = space.label_dtypes(m, index)
    name = dtypes[dtype % 16 % len(dtypes)] if dtype % 16 < 8 else dtypes[0]
    if index is not None and holds(name, index):
        labels = np.where(ignored, index, labels)
    shapes = space.contract.label_shapes
    given = labels.astype(dtype_named(name))
    return given[:, None] if shapes[shape % len(shapes)] == "(n,1)" else given


def dense_labels(space: InputSpace, labels: Labels, numbers: Numbers, dtype: int) -> NDArray[Any]:
    """Return one-hot or soft rows of shape (n, m); the code 0 of their dtype gives that of the scores."""
    names = space.dense_label_dtypes
    rows = (
        one_hot(labels, numbers.m, np.float64) if space.label_form == "onehot" else _soft_rows(space, labels, numbers)
    )
    return in_dtype(space, rows, names[dtype % 16 % len(names)] if dtype % 16 < 8 else names[0])


def in_dtype(space: InputSpace, rows: Floats, name: str) -> NDArray[Any]:
    """Return rows of labels in a dtype, or in one of floats where that lacks their fractions or is read as classes."""
    chosen = dtype_named(name)
    unsuited = chosen.name not in FORMATS and not np.array_equal(rows.astype(chosen).astype(np.float64), rows)
    if unsuited or reads_as_classes(space.contract, rows.shape[1], chosen):
        floats = [other for other in space.dense_label_dtypes if other in FORMATS]
        chosen = dtype_named(floats[0]) if floats else space.format.dtype
    return rows.astype(chosen)


def _soft_rows(space: InputSpace, labels: Labels, numbers: Numbers) -> Floats:
    """Return rows that favour the labels, scaled by T where the contract takes rows of any sum.

    A row is one-hot, in tenths, smoothed around the label, uniform, or half the label and half tenths.
    """
    m = numbers.m
    pure, mixed = one_hot(labels, m, np.float64), tenths(numbers)
    kind = numbers.pick((0, 1, 2, 3, 4, 1, 1), rows=True)
    smoothed = 0.9 * pure + (1 - 0.9) / m
    rows = np.select(
        [kind == 0, kind == 1, kind == 2, kind == 3],
        [pure, mixed, smoothed, np.full_like(pure, 1 / m)],
        0.5 * (pure + mixed),
    )
    if space.contract.soft_rows == "normalised":
        return rows
    factors = (1, 2, 0.5, 0.25, 4, 3, 0.1, 1)
    zero = (0,) if space.contract.soft_rows == "any" else ()
    scaled: Floats = rows * numbers.pick((*factors, *zero), rows=True)
    if space.empty_is_open and numbers.n and not scaled.any():
        scaled[0] = pure[0]
    return scaled
