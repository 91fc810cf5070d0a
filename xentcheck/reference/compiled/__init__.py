"""Rows in one class, compiled by numba: what `compiled=True` asks for.

`exponential` is the exponential, `passes` what is done to stretches of numbers, `rows` the loop over rows, and `labels`
finds the classes of one-hot rows. Only these import numba, and only when something is to be compiled, which takes some
two seconds in each process; `kept` has it done once, where a directory is named.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


@functools.cache
def kernel(working: np.dtype[Any]) -> Any:
    """Return the function for rows whose labels are in one class each.

    Parameters
    ----------
    working : dtype
        float32 or float64.

    Returns
    -------
    callable (z, y, factors, s, d, gradient) -> None
        z, shape (n, m), C-contiguous; y, integers, and factors, float64, shape (n,), are read. s and d = z_y - M,
        float64, shape (n,), are written; so is the gradient, shape (n, m), C-contiguous, but for one of shape (0, m).
        It lets other threads run.

    Raises
    ------
    ModuleNotFoundError
        If there is no numba.
    """
    try:
        import numba
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("compiled=True needs numba: python -m pip install 'xentcheck[compiled]'.") from error
    from xentcheck.reference.compiled import exponential, rows
    from xentcheck.reference.compiled.kept import compiled

    form = exponential.SINGLE if working == np.float32 else exponential.DOUBLE
    real, double, index = numba.from_dtype(working), numba.float64, numba.intp
    array = numba.types.Array
    signature = numba.void(
        array(real, 2, "C", readonly=True),
        array(index, 1, "A", readonly=True),
        array(double, 1, "A", readonly=True),
        double[::1],
        double[::1],
        array(real, 2, "C"),
    )
    return compiled(rows.row_loop(form), signature, nogil=True, error_model="numpy")


@functools.cache
def finder(bits: np.dtype[Any]) -> Any:
    """Return the function that finds the classes of one-hot rows.

    Parameters
    ----------
    bits : dtype
        A signed integer.

    Returns
    -------
    callable (bits, y) -> bool
        bits, shape (n, m), C-contiguous, is read: labels of some dtype as integers as wide. Tells whether each row has
        one entry that is not 0, and none that is negative; then y, integers, shape (n,), holds where. It lets other
        threads run.
    """
    import numba

    from xentcheck.reference.compiled import labels
    from xentcheck.reference.compiled.kept import compiled

    array = numba.types.Array
    signature = numba.boolean(array(numba.from_dtype(bits), 2, "C", readonly=True), numba.intp[::1])
    return compiled(labels.label_loop(bits), signature, nogil=True)
