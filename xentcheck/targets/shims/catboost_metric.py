"""The MultiClass metric of catboost."""

from __future__ import annotations

from typing import Any

import numpy as np
from catboost.utils import eval_metric


def multi_class(scores: Any, labels: Any) -> Any:
    """Return the mean loss."""
    return eval_metric(np.asarray(labels), np.array(scores, order="C"), "MultiClass")[0]
