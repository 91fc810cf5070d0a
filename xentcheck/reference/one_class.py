"""Rows whose labels are in one class each: sparse labels, and the rows of dense labels that have one nonzero entry.

loss      L = log1p(s) + (M - z_y)
gradient  g_j = p_j - [j = y]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xentcheck.reference.blocks import Scratch
from xentcheck.reference.checks import Doubles
from xentcheck.reference.long_row import survey, write_gradient
from xentcheck.reference.part import Part, contiguous
from xentcheck.reference.rows import (
    Classes,
    exponentiate,
    label_gradients,
    label_losses,
    multiply_rows,
    subtract_maximum,
)


def in_one_class(part: Part, y: Classes, factors: Doubles, working: np.dtype[Any], scratch: Scratch) -> None:
    """Fill losses and gradient of a block, as far as they are wanted.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
    factors : ndarray of float64, shape () or (n,)
        What the rows of the gradient are multiplied by, in place of those of the part.
    """
    if part.kernel is not None:
        _compiled(part.kernel, part, y, factors, scratch)
        return
    z = contiguous(part.z, working)
    e = part.buffer(working, scratch)
    top, first, maximum = subtract_maximum(z, e)
    at = y + first if len(z) > 1 else y
    d = z.take(at).astype(np.float64, copy=False) - maximum
    s = exponentiate(e, top, maximum, kept=part.gradient is not None)
    del top, first, maximum  # one number a row each, which is much where the classes are few
    if part.losses is not None:
        label_losses(s, d, part.losses)
    if part.gradient is not None:
        scale = factors / (1.0 + s)
        multiply_rows(e, scale)
        e.reshape(-1)[at] = label_gradients(s, d, scale)
        part.keep(e)


def long_in_one_class(row: Part, y: Classes, factors: Doubles, working: np.dtype[Any], threads: int) -> None:
    """Do the same for one long row."""
    if row.kernel is not None:
        in_one_class(row, y, factors, working, Scratch())
        return
    seen = survey(row, working, threads)
    d = row.z[0, y].astype(np.float64) - seen.maximum
    if row.losses is not None:
        label_losses(seen.s, d, row.losses)
    if row.gradient is not None:
        scale = factors / (1.0 + seen.s)
        write_gradient(row, seen, scale, working, threads)
        row.gradient[0, y] = label_gradients(seen.s, d, scale)


def _compiled(kernel: Callable[..., None], part: Part, y: Classes, factors: Doubles, scratch: Scratch) -> None:
    """Do the same by a kernel."""
    z = contiguous(part.z, part.z.dtype)
    n, m = z.shape
    e = np.empty((0, m), z.dtype) if part.gradient is None else part.buffer(z.dtype, scratch)
    s, d = np.empty(n) if part.losses is None else part.losses, np.empty(n)
    kernel(z, y if y.flags.aligned else y.copy(), np.broadcast_to(factors, n), s, d, e)
    if part.losses is not None:
        label_losses(s, d, part.losses)
    part.keep(e)
