"""``sklearn.metrics.log_loss`` told which classes there are, as it must be where a batch lacks some."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss as metric


def log_loss(labels: NDArray[Any], probabilities: NDArray[Any], reduction: str = "mean") -> Any:
    """Return the mean or the sum of -log p_y.

    Raises
    ------
    ValueError
        For the reduction "none", which the metric does not have, and whatever the metric refuses.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"log_loss has the reductions mean and sum, not {reduction!r}.")
    return metric(labels, probabilities, normalize=reduction == "mean", labels=np.arange(probabilities.shape[1]))
