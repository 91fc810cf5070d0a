"""The inputs that are timed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.targets.host.channel import dtype_of


def batch(contract: Mapping[str, Any], rows: int, classes: int, dtype: str, form: str) -> Batch:
    """Return a batch of ordinary values as a contract wants them, the same at every call.

    Parameters
    ----------
    contract : mapping
        In its JSON form; keys may be left out.
    rows, classes : int
    dtype : str
    form : {"sparse", "onehot"}
    """
    random = np.random.default_rng(20_240_417)
    logits = 3.0 * random.standard_normal((rows, classes), np.float32)
    labels = random.integers(0, classes, rows)
    scores = _scores(logits, contract.get("input", "logits")).astype(dtype_of(dtype))
    if form == "sparse":
        return Batch(scores, labels.astype(dtype_of(_label_dtype(contract, dtype))), "sparse")
    return Batch(scores, one_hot(labels, classes, scores.dtype), "onehot")


def _scores(logits: NDArray[np.float32], kind: str) -> NDArray[Any]:
    if kind == "logits":
        return logits
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    if kind == "probabilities":
        return np.asarray(exponentials / sums)
    return np.asarray(shifted - np.log(sums))


def _label_dtype(contract: Mapping[str, Any], scores: str) -> str:
    allowed = contract.get("label_dtypes", "integers")
    name = "int64" if allowed == "integers" or "int64" in allowed else str(allowed[0])
    return scores if name == "same" else name
