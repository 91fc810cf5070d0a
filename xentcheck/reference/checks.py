"""What the reference refuses, each with one sentence that says what to pass instead."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Doubles = NDArray[np.float64]
FLOATS = ("float16", "bfloat16", "float32", "float64")


def real_rows(values: ArrayLike, name: str = "logits") -> tuple[NDArray[Any], np.dtype[Any]]:
    """Return logits or probabilities as they are, shape (n, m), and the dtype in which to answer.

    Returns
    -------
    rows : ndarray, shape (n, m)
        Maybe `values` itself, so it is only read.
    dtype : dtype
        That of `values` in native byte order; float64 where these are integers.

    Raises
    ------
    TypeError, ValueError
        If `values` are no real numbers in a supported dtype, or have no shape (n, m) with m >= 1.
    """
    given = np.asarray(values)
    dtype = given.dtype
    if dtype.kind in "iu":
        dtype = np.dtype(np.float64)
    elif not _is_float(dtype):
        raise TypeError(f"{name} must be numbers of dtype {', '.join(FLOATS)} or integers, but have dtype {dtype}.")
    if given.ndim != 2 or given.shape[1] == 0:
        raise ValueError(f"{name} must have shape (n, m) with at least one class, but have shape {given.shape}.")
    return given, dtype if dtype.isnative else dtype.newbyteorder("=")


def scores(values: ArrayLike, name: str = "logits") -> tuple[Doubles, np.dtype[Any]]:
    """Return logits or probabilities as float64 rows, and the dtype in which to answer.

    float64 holds each of the four formats exactly. The rows are C-contiguous, so that a sum adds the same terms in
    the same order whatever the memory layout of `values`; they may be `values` itself, so they are only read.

    Raises
    ------
    TypeError, ValueError
        As `real_rows` does.
    """
    given, dtype = real_rows(values, name)
    return given.astype(np.float64, order="C", copy=False), dtype


def _is_float(dtype: np.dtype[Any]) -> bool:
    """Whether it is one of FLOATS; the name of a dtype takes longer to ask for."""
    return dtype.itemsize in (2, 4, 8) if dtype.kind == "f" else dtype.name == "bfloat16"


def sparse_labels(labels: ArrayLike, n: int, m: int) -> NDArray[np.intp]:
    """Return sparse labels, shape (n,), from integers of any width and shape (n,) or (n, 1).

    Raises
    ------
    TypeError
        If the labels are not integers. Whole numbers held as floats are refused too: one of them may once
        have been a class number too large for its format.
    ValueError
        If their shape is another, or one lies outside 0 ... m - 1.
    """
    given = np.asarray(labels)
    if given.shape != (n,) and given.shape != (n, 1):
        raise ValueError(f"labels must have shape ({n},) or ({n}, 1), one for each row, but have shape {given.shape}.")
    if given.dtype.kind not in "iu" and given.size > 0:
        raise TypeError(f"sparse labels must be integers, but have dtype {given.dtype}.")
    given = given.reshape(n)
    classes = given.astype(np.intp, copy=False)
    # As unsigned numbers the negative ones are the largest, and so are the unsigned that do not fit.
    unsigned = classes.view(np.uintp)
    if n > 0 and unsigned[unsigned.argmax()] >= m:
        row = int(np.argmax((given < 0) | (given >= m)))
        raise ValueError(f"labels[{row}] is {given[row]}, but labels of {m} classes lie in 0 ... {m - 1}.")
    return classes


def real_labels(labels: ArrayLike, n: int, m: int) -> NDArray[Any]:
    """Return one-hot or soft labels as they are, shape (n, m); their values are not looked at.

    Raises
    ------
    TypeError
        If the labels are not real numbers.
    ValueError
        If their shape is not that of the scores.
    """
    given = np.asarray(labels)
    if given.dtype.kind not in "biu" and not _is_float(given.dtype):
        raise TypeError(f"one-hot and soft labels must be real numbers, but have dtype {given.dtype}.")
    if given.shape != (n, m):
        raise ValueError(f"one-hot and soft labels must have the scores' shape ({n}, {m}), but have {given.shape}.")
    return given


def dense_labels(labels: ArrayLike, n: int, m: int) -> Doubles:
    """Return one-hot or soft labels as float64 rows, shape (n, m); they may be `labels` itself.

    Raises
    ------
    TypeError, ValueError
        As `real_labels` does, and ValueError if a label is negative, infinite or nan.
    """
    given = real_labels(labels, n, m)
    exact = given.astype(np.float64, order="C", copy=False)
    allowed = (exact >= 0) & (exact < np.inf)
    if not allowed.all():
        row, column = np.argwhere(~allowed)[0]
        raise ValueError(f"labels[{row}, {column}] is {exact[row, column]}, but must be finite and not negative.")
    return exact


def within_unit_interval(probabilities: Doubles) -> None:
    """Raise ValueError if a probability lies outside [0, 1]; nan passes."""
    if probabilities.size > 0 and (np.fmin.reduce(probabilities, None) < 0 or np.fmax.reduce(probabilities, None) > 1):
        row, column = np.argwhere((probabilities < 0) | (probabilities > 1))[0]
        raise ValueError(
            f"probabilities[{row}, {column}] is {probabilities[row, column]}, but must lie in [0, 1]; "
            "for logits use the functions for logits."
        )


def cotangent(upstream: ArrayLike | None, reduction: str, n: int) -> Doubles:
    """Return the numbers by which the gradient's rows are multiplied, shape (n,) for "none", else ().

    Raises
    ------
    TypeError, ValueError
        If they are not real numbers or have another shape.
    """
    shape = (n,) if reduction == "none" else ()
    if upstream is None:
        return np.ones(shape)
    given = np.asarray(upstream)
    if given.dtype.kind not in "iu" and given.dtype.name not in FLOATS:
        raise TypeError(f"upstream must be real numbers, but has dtype {given.dtype}.")
    if given.shape != shape:
        raise ValueError(f"upstream must have the loss's shape {shape}, but has shape {given.shape}.")
    return given.astype(np.float64)


def output(
    out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any], *inputs: NDArray[Any]
) -> NDArray[Any]:
    """Return the array to write to: a new one, or `out` if it can take the answer.

    Raises
    ------
    TypeError, ValueError
        If `out` is no writeable array of that shape and dtype, or may overlap one of the inputs: these are
        still read when the first rows are written.
    """
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != dtype:
        kind = f"dtype {out.dtype}" if isinstance(out, np.ndarray) else f"type {type(out).__name__}"
        raise TypeError(f"out must be an array of dtype {dtype}, but has {kind}.")
    if out.shape != shape or not out.flags.writeable:
        raise ValueError(f"out must be a writeable array of shape {shape}.")
    if any(np.may_share_memory(out, given) for given in inputs):
        raise ValueError("out must not overlap the logits or the labels.")
    return out


def stochastic_tolerance(m: int, dtype: DTypeLike) -> float:
    """Return how far from 1 the sum of m rounded probabilities may be: max(1e-5, 8 u + m u' + m eta).

    u is the unit roundoff of the dtype and eta its smallest subnormal: what rounding m probabilities once
    costs. m u' bounds the sum's own error in any order of addition in float32 or better, u' = 2**-24 (2**-53
    for float64). The floor of 1e-5 accepts rows of float32 that were promoted to float64.
    """
    u, eta = {
        "float16": (2.0**-11, 2.0**-24),
        "bfloat16": (2.0**-8, 2.0**-133),
        "float32": (2.0**-24, 2.0**-149),
        "float64": (2.0**-53, 2.0**-1074),
    }[np.dtype(dtype).name]
    return max(1e-5, 8 * u + m * min(u, 2.0**-24) + m * eta)


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ValueError if `value` is not among `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, but must be one of {', '.join(map(repr, allowed))}.")
