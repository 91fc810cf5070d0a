"""Whether a batch is one that the contract admits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.drawn_options import divisor, ignore_index, smoothing
from xentcheck.batches.input_space import InputSpace, reads_as_classes
from xentcheck.batches.shapes import admits
from xentcheck.truth.formats import FORMATS, Format

Rows = NDArray[np.float64]


def objection(space: InputSpace, batch: Batch) -> str:
    """Return why the contract does not admit a batch, in few words, or "" if it does.

    Rows of probabilities and of normalised labels may miss a sum of 1 by the rounding of their entries:
    2u + m times the smallest subnormal.
    """
    if not admits(space, (batch.n, batch.m)):
        return "the shape lies outside the domain"
    said = _of_scores(space, batch) or _of_labels(space, batch) or _of_options(space, batch)
    if not said and space.positive and impossible(space, batch).any():
        return "a class that a label counts has probability 0"
    return said


def impossible(space: InputSpace, batch: Batch) -> NDArray[np.bool_]:
    """Return where a class that a label counts, by itself or by smoothing, has probability 0; shape (n, m)."""
    if batch.label_form != "sparse":
        counted = batch.labels.astype(np.float64) > 0
    else:
        counted = np.arange(batch.m) == batch.labels.reshape(-1, 1).astype(np.int64)
    if smoothing(space, batch.options) > 0:
        counted = np.ones_like(counted)
    zero = 0.0 if space.contract.input == "probabilities" else -np.inf
    return np.asarray(counted & (batch.scores.astype(np.float64) <= zero))


def _of_scores(space: InputSpace, batch: Batch) -> str:
    contract = space.contract
    scores = batch.scores.astype(np.float64)
    finite = np.isfinite(scores)
    if not finite.all():
        if np.isnan(scores).any() and "nan" not in contract.nonfinite:
            return "a score is nan"
        if (scores == np.inf).any() and ("+inf" not in contract.nonfinite or contract.input != "logits"):
            return "a score is inf"
        if (scores == -np.inf).any() and ("-inf" not in contract.nonfinite_kinds or contract.input == "probabilities"):
            return "a score is -inf"
    if contract.input == "logits":
        return "a score is too large" if np.abs(scores[finite]).max(initial=0.0) > space.largest else ""
    if contract.input == "log_probabilities":
        if scores[finite].max(initial=-1.0) > 0 or scores[finite].min(initial=0.0) < -space.largest:
            return "a log-probability is out of range"
        return "" if _logs_sum_to_one(space, scores) else "a row of log-probabilities does not sum to 1"
    if scores[finite].min(initial=0.0) < 0:
        return "a probability is negative"
    rows = finite.all(axis=1)
    if space.stochastic and not _sum_to_one(space.format, scores[rows]):
        return "a row of probabilities does not sum to 1"
    return ""


def _of_labels(space: InputSpace, batch: Batch) -> str:
    labels = batch.labels
    if space.label_form == "sparse":
        values = labels.reshape(-1).astype(np.float64)
        index = ignore_index(space, dict(batch.options))
        inside = (values >= 0) & (values < batch.m)
        if index is not None:
            inside |= values == index
        if not inside.all():
            return "a label is out of range"
        return ""
    if reads_as_classes(space.contract, batch.m, labels.dtype):
        return "the label rows look like classes"
    rows = labels.astype(np.float64)
    if space.label_form == "onehot":
        if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
            return "a label row is not one-hot"
        return ""
    if rows.min(initial=0.0) < 0 or not np.isfinite(rows).all():
        return "a label is negative or not finite"
    # Labels of a narrower dtype than the scores' are rounded to that.
    coarser = FORMATS.get(labels.dtype.name, space.format)
    if space.contract.soft_rows == "normalised":
        return "" if _sum_to_one(max(space.format, coarser, key=_coarseness), rows) else "a label row does not sum to 1"
    total = rows.sum(axis=1)
    if space.contract.soft_rows == "renormalised" and not (total > 0).all():
        return "a label row sums to 0"
    return (
        "a label row sums to more than 4" if total.max(initial=0.0) > 4 * (1 + 4 * space.format.unit_roundoff) else ""
    )


def _of_options(space: InputSpace, batch: Batch) -> str:
    contract = space.contract
    if not set(contract.arguments) - contract.optional <= set(batch.options) <= set(contract.arguments):
        return "the options are not those declared"
    if together := contract.refused(batch.label_form, batch.options):
        return f"{' and '.join(together)} exclude each other"
    for key in batch.options:
        limits = contract.drawn[key].range
        if limits is not None and batch.options[key] not in limits:
            return f"{key} lies outside its range"
    weights = batch.options.get("class_weights")
    if weights is not None:
        if weights.shape != (batch.m,):
            return "class_weights do not match the classes"
        if not contract.signed_weights and (np.asarray(weights, np.float64) < 0).any():
            return "a class weight is below 0"
        if not weights.any():
            return "all class weights are 0"
    rows = batch.options.get("row_weights")
    if rows is not None and np.shape(rows) != (batch.n,):
        return "row_weights do not match the rows"
    if batch.m == 1 and space.contract.smoothing_over == "others" and smoothing(space, batch.options) > 0:
        return "there is no other class to smooth over"
    return "the mean has divisor 0" if space.empty_is_open and divisor(space, batch) <= 0 else ""


def _logs_sum_to_one(space: InputSpace, scores: Rows) -> bool:
    """Return whether rows are logarithms, rounded, of probabilities that sum to 1.

    Rounding log p moves p by u p |log p|, and the sum of these is at most u log m.
    """
    rows = scores[~np.isnan(scores).any(axis=1) & (scores > -np.inf).any(axis=1)]
    m = rows.shape[1]
    allowed = 4 * space.format.unit_roundoff * (2 + np.log(m)) + m * (np.exp(-space.largest) + 2.0**-53)
    return bool((np.abs(np.exp(rows).sum(axis=1) - 1) <= allowed).all())


def _coarseness(format_: Format) -> float:
    return format_.unit_roundoff


def _sum_to_one(format_: Format, rows: Rows) -> bool:
    allowed = 2 * format_.unit_roundoff + rows.shape[1] * max(format_.smallest_subnormal, 2.0**-53)
    return bool((np.abs(rows.sum(axis=1) - 1) <= allowed).all())
