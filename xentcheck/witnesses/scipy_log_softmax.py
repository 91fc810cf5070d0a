"""scipy's log_softmax and softmax in float64 as a witness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xentcheck.witnesses.rows import answerable

Floats = NDArray[np.float64]


def scipy_loss_and_gradient(scores: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return the loss of each row, shape (n,), and its gradient, shape (n, m).

    loss = -sum of t_j log_softmax(z)_j over the classes with t_j != 0, gradient = T softmax(z)_j - t_j.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, m)
        Logits.
    targets : ndarray of float64, shape (n, m)
        Dense labels t; T is their sum.

    Notes
    -----
    scipy computes the shifted form, whose error is within the tight allowance of grade B with numpy's exp and log
    (k_e = k_l = 2) and, as numpy adds by pairs along contiguous rows, any h up to m - 1. That is the radius to use.
    """
    from scipy.special import log_softmax, softmax

    asked = answerable(scores)
    losses = np.full(len(scores), np.nan)
    gradient = np.full(scores.shape, np.nan)
    z, t = scores[asked], targets[asked]
    if z.size > 0:
        with np.errstate(all="ignore"):
            logs = log_softmax(z, axis=1)
            losses[asked] = -np.where(t != 0, t * logs, 0.0).sum(axis=1)
            gradient[asked] = t.sum(axis=1, keepdims=True) * softmax(z, axis=1) - t
    return losses, gradient
