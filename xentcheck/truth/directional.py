"""The exact derivative of each row's loss along a tangent, written once for every arithmetic: sum_j g_j v_j.

g is the gradient of the row's loss (see `definition`), by whatever the contract has it be, and v the row of the
tangent. It is reduced as the loss is, since it is the derivative of that.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from xentcheck.truth.definition import Block, gradient
from xentcheck.truth.real import Real

R = TypeVar("R", bound=Real)


def derivative(given: Block[R]) -> R:
    """Return the derivative of each row's loss along the problem's tangent, shape (n, 1)."""
    if given.tangent is None:
        raise ValueError("A derivative along a tangent needs one.")
    one = given.real.exact(np.ones((len(given.tangent), 1)))
    along: R = (gradient(given, one) * given.real.exact(given.tangent)).sum()
    return along
