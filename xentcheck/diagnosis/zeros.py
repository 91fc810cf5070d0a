"""What a batch is with a small probability in the place of each 0 that no label counts: 0 * log 0 does not arise."""

from __future__ import annotations

import numpy as np

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract
from xentcheck.diagnosis.cause import Cause

ZEROS = Cause(
    "zero_times_inf",
    "The answer is right once each probability of 0 that adds nothing is a small one instead: 0 * log 0 is nan in "
    "floating point, as 0 / 0 is; leave such classes out, before the logarithm and in its derivative.",
)


SILENCED = Cause(
    "zero_times_inf",
    "The answer is right once the rows that do not count hold zeros: 0 * nan is nan, and so is 0 * inf; replace the "
    "scores of such rows before anything is calculated of them.",
)


def without_silenced(contract: Contract, batch: Batch) -> Batch | None:
    """Return a batch with zeros for the scores of the rows that are ignored or of weight 0, if these are not finite.

    Parameters
    ----------
    contract : Contract
    batch : Batch
    """
    index, weights = (contract.value_in(key, batch.options) for key in ("ignore_index", "row_weights"))
    silent = np.zeros(batch.n, bool)
    if index is not None and batch.label_form == "sparse":
        silent |= batch.labels.reshape(-1) == index
    if weights is not None:
        silent |= np.asarray(weights).reshape(-1) == 0
    scores = np.where(silent[:, None], 0, batch.scores).astype(batch.scores.dtype)
    if contract.input != "logits" or np.isfinite(batch.scores[silent].astype(np.float64)).all():
        return None
    return batch.replace(scores=scores)


def without_zeros(contract: Contract, batch: Batch) -> Batch | None:
    """Return a batch with a small probability in the place of each that is 0 in its dtype and that no label counts.

    Parameters
    ----------
    contract : Contract
    batch : Batch

    Returns
    -------
    Batch or None
        None where there is no such probability, or where the contract does not admit the batch without it.
    """
    space = InputSpace(contract, batch.dtype, batch.label_form)
    scores = batch.scores.astype(np.float64)
    labels = batch.labels if batch.label_form != "sparse" else one_hot(batch.labels % batch.m, batch.m, np.float64)
    free = np.ones(scores.shape, bool) if contract.is_entropy else np.asarray(labels == 0)
    top = np.where(np.isfinite(scores), scores, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
    if contract.input == "probabilities":
        zero, small = scores == 0, np.broadcast_to(space.format.smallest_normal, scores.shape)
    else:
        limit = space.exponential_limit
        zero, small = scores < top - limit, np.broadcast_to(top - limit / 2, scores.shape)
    changed = batch.replace(scores=np.where(zero & free, small, scores).astype(batch.scores.dtype))
    return None if not (zero & free).any() or objection(space, changed) else changed
