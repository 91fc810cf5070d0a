"""The multinomial logit of statsmodels, whose log-likelihood of each observation is minus a cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.discrete.discrete_model import MNLogit


def loss(scores: Any, labels: Any) -> Any:
    """Return the loss of each row.

    The model takes logits beside that of class 0, and every class has to occur: a row of each, with logits of 0, is put
    beside those asked for, and left out of what is returned.
    """
    n, m = scores.shape
    beside = scores - scores[:, :1]
    rows = np.vstack([np.eye(n), np.zeros((m, n))])
    model = MNLogit(np.concatenate([labels, np.arange(m)]), rows, check_rank=False)
    return -model.loglikeobs(beside[:, 1:].ravel(order="F"))[:n].sum(axis=1)
