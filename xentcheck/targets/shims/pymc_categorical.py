"""PyMC's categorical distribution, compiled, with pytensor's gradient."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pymc
import pytensor
import pytensor.tensor as pt


@functools.lru_cache(None)
def _compiled(dtype: str) -> Any:
    logits, labels = pt.matrix(dtype=dtype), pt.lvector()
    logp = pymc.logp(pymc.Categorical.dist(logit_p=logits), labels)
    return pytensor.function([logits, labels], [logp, pytensor.grad(logp.sum(), logits)])


def log_probability_and_gradient(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Return the log-probability of each row's class and the gradient of their sum."""
    logp, gradient = _compiled(logits.dtype.name)(np.array(logits, order="C"), np.asarray(labels).astype(np.int64))
    return logp, gradient


LOGP = {"value_and_gradient": log_probability_and_gradient}
