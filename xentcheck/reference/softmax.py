"""The softmax, kept in the pieces from which loss and gradient can be put together without cancellation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.reference.checks import Doubles


class Softmax(NamedTuple):
    """Softmax of rows z of m logits, with maximum M and S = sum of exp(z_j - M) = 1 + s.

    Attributes
    ----------
    top : ndarray of int, shape (n,)
        Where the maximum is: the first class that has it.
    maximum : ndarray, shape (n,)
        M.
    exponentials : ndarray, shape (n, m)
        exp(z_j - M). Each lies in [0, 1], so nothing overflows, and -inf logits give 0 where M is finite.
    s : ndarray, shape (n,)
        The sum of all exponentials but the top one; nan where M is not finite, which makes nan of all that
        follows: for a row with nan, with +inf, or with nothing but -inf.

    Notes
    -----
    S is at least 1, so 1 + s rounds a small s away. The small s is all that a confident row has to tell:
    its loss is log1p(s) and its gradient at the label is -s / S. So s is summed without the 1. This is the
    log1p form of Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA J. Numer. Anal. 41 (2021), section 4.
    """

    top: NDArray[np.intp]
    maximum: Doubles
    exponentials: Doubles
    s: Doubles

    def probabilities(self) -> Doubles:
        """Return p = exp(z - M) / S, shape (n, m)."""
        return self.exponentials / (1.0 + self.s)[:, np.newaxis]

    def top_complement(self) -> Doubles:
        """Return 1 - p of the top class, s / S, shape (n,), accurate however near 1 that p is.

        Only the top class needs it. Any other p_j is at most 1/2, and p_j - 1 then loses nothing.
        """
        return self.s / (1.0 + self.s)


def softmax(logits: Doubles) -> Softmax:
    """Return the softmax of logits, shape (n, m) with m >= 1."""
    rows = np.arange(len(logits))
    top = logits.argmax(axis=1)
    maximum = logits[rows, top]
    exponentials = logits - maximum[:, np.newaxis]
    np.exp(exponentials, out=exponentials)
    exponentials[rows, top] = 0.0
    s = exponentials.sum(axis=1) + 0.0 * maximum  # nan where M is not finite, even if m = 1 leaves nothing to sum
    exponentials[rows, top] = 1.0
    return Softmax(top, maximum, exponentials, s)
