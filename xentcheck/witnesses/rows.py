"""Which rows a witness is asked about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def answerable(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return, for each row of logits (n, m), whether it has a finite maximum and no nan.

    The others are nan by convention, not by calculation: a nan, a +inf, or nothing but -inf. There is nothing to
    witness in them; the witnesses return nan without calling their library.
    """
    found: NDArray[np.bool_] = np.isfinite(scores.max(axis=1, initial=-np.inf))
    return found
