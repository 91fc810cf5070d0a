"""The hyperbolic tangent from the other operations of an arithmetic, accurate relative to itself.

|x| <= 1/16, by Lambert's continued fraction, z = x^2:

    tanh x = x / (1 + z / (3 + z / (5 + ... z / (13 + w))))          0 <= w <= z/15

w is taken as all of [0, z/8]. A change of w by delta changes tanh x relatively by less than delta times the product of
z/k^2 over k = 3, 5, ... 13, here below 2^-12 2^-48 2^-34 = 2^-94.

Elsewhere tanh x = (1 - E)/(1 + E) with E = exp(-2 |x|) <= exp(-1/8): the difference is at least 0.117, so that an error
of E relative to itself is magnified 8 times at most.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.real import Real

R = TypeVar("R", bound=Real)


def tanh(x: R, near: NDArray[np.bool_], negative: NDArray[np.bool_]) -> R:
    """Return the hyperbolic tangents.

    Parameters
    ----------
    x : Real
    near : ndarray of bool
        Where |x| is certainly at most 1/16.
    negative : ndarray of bool
        The sign of x, wherever it is not near.
    """
    if near.all():
        return _fraction(x)
    return _fraction(x).where(near, _quotient(x, negative)) if near.any() else _quotient(x, negative)


def _fraction(x: R) -> R:
    """Return tanh x for |x| <= 1/16."""
    z = x * x
    tail = (z * 0.125).hull(x.exact(np.zeros(x.shape)))
    for odd in (13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        tail = z / (tail + odd)
    return x / (tail + 1.0)


def _quotient(x: R, negative: NDArray[np.bool_]) -> R:
    """Return tanh x for x away from 0."""
    E = ((-x).where(~negative, x) * 2.0).exp()
    size = (1.0 - E) / (E + 1.0)
    return (-size).where(negative, size)
