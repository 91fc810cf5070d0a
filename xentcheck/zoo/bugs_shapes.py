"""Bugs: shapes of results, and how the input lies in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import Array, mean_gradient, mean_loss, row_losses
from xentcheck.zoo.specimen import bug

NONE = {"reduction": "none"}


@bug("wrong_shape", "layout", thread="tensorflow 32231")
def vector_for_scalar(scores: Array, labels: Array) -> Any:
    """Return shape (1,) for a mean."""
    return np.asarray(mean_loss(scores, labels)).reshape(1)


@bug("wrong_shape", "layout", contract=NONE, thread="scikit-learn 30910; Paddle 76033")
def column_of_losses(scores: Array, labels: Array) -> Any:
    """Return the row losses as a column."""
    return row_losses(scores, labels)[:, None]


@bug("wrong_shape", "layout", contract=NONE, thread="keras 23451: squeeze")
def squeezed_losses(scores: Array, labels: Array) -> Any:
    """Squeeze the row losses: a scalar for one row."""
    return np.squeeze(row_losses(scores, labels))


@bug("wrong_shape", "layout", role="gradient", thread="scikit-learn 30910: squeeze")
def squeezed_gradient(scores: Array, labels: Array) -> Any:
    """Squeeze the gradient: one row or one class loses its axis."""
    return np.squeeze(mean_gradient(scores, labels))


@bug("wrong_shape", "layout", role="gradient", thread="Fortran and C order mixed")
def gradient_shape_transposed(scores: Array, labels: Array) -> Any:
    """Return the gradient with the classes first."""
    return mean_gradient(scores, labels).T


@bug("memory_order", "layout", thread="pytorch 69617")
def reads_memory_in_order(scores: Array, labels: Array) -> Any:
    """Take the elements in the order in which they lie in memory."""
    return mean_loss(scores.ravel(order="K").reshape(scores.shape), labels)


@bug("memory_order", "layout", thread="pytorch 31829; ctypes kernels")
def reads_strides_as_positive(scores: Array, labels: Array) -> Any:
    """Read rows that run backwards in memory forwards."""
    backwards = scores.ndim == 2 and len(scores) > 1 and scores.strides[0] < 0
    return mean_loss(scores[::-1] if backwards else scores, labels)


@bug("raises", "layout", "answers", thread="pytorch 31829: .view on a strided tensor")
def needs_contiguous(scores: Array, labels: Array) -> Any:
    """Ask for contiguous memory."""
    if scores.size and not scores.flags.c_contiguous:
        raise ValueError("the scores are not contiguous")
    return mean_loss(scores, labels)


@bug("raises", "layout", "answers", thread="scikit-learn: read-only memory maps and joblib")
def needs_writeable(scores: Array, labels: Array) -> Any:
    """Ask for memory that can be written."""
    scores.setflags(write=scores.flags.writeable)
    if not scores.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return mean_loss(scores, labels)


@bug(
    "raises",
    "answers",
    "label-forms",
    akin=("labels_wrapped",),
    contract={"label_dtypes": ["int64", "int32"]},
    thread="pytorch 108148",
)
def needs_int64_labels(scores: Array, labels: Array) -> Any:
    """Refuse int32 labels that the contract promises."""
    if labels.dtype != np.int64:
        raise TypeError("labels must be int64")
    return mean_loss(scores, labels)


@bug(
    "raises",
    "answers",
    "label-forms",
    contract={"label_shapes": ["(n,)", "(n,1)"]},
    thread="Paddle 76033; tensorflow 32231",
)
def refuses_column_of_labels(scores: Array, labels: Array) -> Any:
    """Refuse labels of shape (n, 1) that the contract promises."""
    if labels.ndim != 1:
        raise ValueError("labels must be one-dimensional")
    return mean_loss(scores, labels)


@bug("raises", "answers", "reductions", contract={"empty_mean": "nan"}, thread="pytorch 11551")
def refuses_no_rows(scores: Array, labels: Array) -> Any:
    """Raise for no rows, whose mean the contract says is nan."""
    if not len(scores):
        raise ZeroDivisionError("no rows")
    return mean_loss(scores, labels)


@bug("raises", "answers", thread="from-scratch networks: a warning made an error")
def raises_on_underflow(scores: Array, labels: Array) -> Any:
    """Make underflow an error."""
    with np.errstate(under="raise"):
        return mean_loss(scores, labels)
