"""From one loss a row to the loss that is returned, and what that does to the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.checks import Doubles

REDUCTIONS = ("none", "sum", "mean")
ONE = np.ones(())


def reduce_losses(losses: Doubles, reduction: str, dtype: np.dtype[Any], n: int | None = None) -> Any:
    """Return losses of shape (n,) as they are, their sum or their mean, rounded to `dtype`.

    The sum of no losses is 0 and their mean nan. The mean of finite losses is finite, whatever their sum. Where `n` is
    given, `losses` may be sums of some of n losses each.
    """
    checks.one_of("reduction", reduction, REDUCTIONS)
    if reduction == "none":
        return losses.astype(dtype)
    total = losses[0] if len(losses) == 1 else np.add.reduce(losses)
    if reduction == "sum":
        return total.astype(dtype)
    n = len(losses) if n is None else n
    if total == np.inf and np.isfinite(losses).all():
        halvings = n.bit_length()  # n 2**-halvings < 1: the sum of the scaled losses is below the largest of them
        total = np.ldexp(np.ldexp(losses, -halvings).sum() / n, halvings)
        return np.minimum(total, losses.max()).astype(dtype)
    return (total / np.float64(n)).astype(dtype)


def row_factors(reduction: str, upstream: ArrayLike | None, n: int) -> Doubles:
    """Return what `scale_gradient` multiplies the rows by: one number for all, shape (), or one for each, (n,)."""
    checks.one_of("reduction", reduction, REDUCTIONS)
    factors = ONE if upstream is None else checks.cotangent(upstream, reduction, n)
    return np.asarray(factors / n) if reduction == "mean" and n > 1 else factors


def scale_gradient(
    gradient: Doubles, reduction: str, upstream: ArrayLike | None, dtype: np.dtype[Any]
) -> NDArray[np.floating[Any]]:
    """Return gradients of the single rows' losses as that of the reduced loss, rounded to `dtype`.

    Parameters
    ----------
    gradient : ndarray of float64, shape (n, m)
        Row i holds the derivatives of loss i. Overwritten.
    reduction : {"none", "sum", "mean"}
        "mean" divides by n.
    upstream : array_like, optional
        The derivative of whatever comes after by the loss: shape (n,) for "none", else a number.
    """
    checks.one_of("reduction", reduction, REDUCTIONS)
    n = len(gradient)
    if upstream is not None:
        gradient *= checks.cotangent(upstream, reduction, n).reshape(-1, 1)
    if reduction == "mean" and n > 1:
        gradient /= n
    return gradient.astype(dtype, copy=False)
