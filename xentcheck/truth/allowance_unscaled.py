"""The allowance of a gradient before it is scaled, whatever it is the gradient of."""

from __future__ import annotations

from dataclasses import dataclass

from xentcheck.truth.allowance_model import Flags, Floats

NEAR = 2.0
"""Times the smallest normal number: what is as large keeps its digits, off by up to half of itself though it may be."""


@dataclass(frozen=True, eq=False)
class Unscaled:
    """Allowances before the scaling by 1/n, weights and upstream cotangents, each of shape (n, m).

    Parameters
    ----------
    value : ndarray
        The gradient of each row's loss.
    error : ndarray
        Its allowance.
    terms : ndarray
        The sum of the sizes of the terms whose difference it is: each may be scaled by itself.
    unbounded : ndarray of bool, shape (n, 1) or (n, m)
    stored : ndarray or None
        The probabilities of which it is made, times what they are multiplied by, where they may have been rounded to
        the output's dtype; 0 where that is against a promise of relative accuracy.
    least : ndarray or None
        The smallest number in (0, 1] that it is made of, and that may underflow; None where that is not known.
    complement : ndarray or float
        How much of the error of each row is for a label's element that is not made by subtraction, shape (n,).
    """

    value: Floats
    error: Floats
    terms: Floats
    unbounded: Flags
    stored: Floats | None = None
    least: Floats | None = None
    complement: Floats | float = 0.0
