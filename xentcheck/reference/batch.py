"""A batch: it is checked, its parts are worked on, and its losses are reduced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks, cut
from xentcheck.reference.compiled import kernel
from xentcheck.reference.part import DOUBLE, SINGLE, Part
from xentcheck.reference.reductions import ONE, reduce_losses, row_factors


class Form(NamedTuple):
    """A form of labels.

    Parameters
    ----------
    check : callable (labels, n, m) -> ndarray
        Returns what is accepted.
    evaluate : callable (Part, dtype, threads) -> None
        Fills losses and gradient as far as they are wanted; the dtype is that of the arithmetic.
    """

    check: Callable[[ArrayLike, int, int], NDArray[Any]]
    evaluate: Callable[[Part, np.dtype[Any], int | None], None]


def answer(
    form: Form,
    logits: ArrayLike,
    labels: ArrayLike,
    reduction: str,
    threads: int | None,
    compiled: bool,
    *,
    loss: bool,
    gradient: bool = True,
    upstream: ArrayLike | None = None,
    out: NDArray[Any] | None = None,
) -> tuple[Any, Any]:
    """Return the reduced loss and the gradient in the dtype of the answer, or None for what is not wanted.

    The parameters are those of the public functions.
    """
    z, dtype = checks.real_rows(logits)
    n, m = z.shape
    working = DOUBLE if dtype == DOUBLE else SINGLE
    accepted = form.check(labels, n, m)
    with np.errstate(all="ignore"):
        factors = row_factors(reduction, upstream, n) if gradient else ONE
        written = checks.output(out, z.shape, dtype, z, accepted) if gradient else None
        fast = kernel(working) if compiled and z.dtype == working else None
        grouped = loss and reduction != "none" and cut.grouped(n, m)
        losses = np.empty(n) if loss and not grouped else None
        sums = np.empty(cut.groups(n)) if grouped else None
        form.evaluate(Part(z, accepted, factors, losses, written, sums, fast), working, threads)
        if sums is not None:
            if np.add.reduce(sums) != np.inf:
                return reduce_losses(sums, reduction, dtype, n), written
            losses = np.empty(n)  # the mean of finite losses is finite, so each of them is needed
            form.evaluate(Part(z, accepted, ONE, losses, None, None, fast), working, threads)
        return None if losses is None else reduce_losses(losses, reduction, dtype, n), written
