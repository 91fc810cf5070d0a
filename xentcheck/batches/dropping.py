"""A batch without some of its classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.drawn_options import ignore_index
from xentcheck.batches.input_space import InputSpace


def label_classes(space: InputSpace, batch: Batch) -> NDArray[np.int64]:
    """Return the classes that labels name, which cannot be dropped.

    Where labels are soft only the class of each row's greatest share counts; an ignored label inside the range
    is named too.
    """
    if batch.label_form != "sparse":
        return np.unique(np.argmax(batch.labels.astype(np.float64), axis=1)).astype(np.int64)
    named = batch.labels.reshape(-1).astype(np.int64)
    index = ignore_index(space, batch.options)
    named = named if index is None else np.append(named, index)
    return np.unique(named[(named >= 0) & (named < batch.m)])


def dropped_classes(space: InputSpace, batch: Batch, dropped: NDArray[Any]) -> Batch:
    """Return the batch without some classes, none of them named by a label.

    Sparse labels are renumbered; class weights lose their entries. The mass that rows of probabilities, or soft
    labels, had there goes to each row's greatest entry, so that the rows keep their sums.
    """
    stays = np.ones(batch.m, bool)
    stays[dropped] = False
    kept, renumbered = np.flatnonzero(stays), np.cumsum(stays) - 1
    options = dict(batch.options)
    if "class_weights" in options:
        options["class_weights"] = options["class_weights"][kept]
    labels = batch.labels
    if batch.label_form == "sparse":
        index = options.get("ignore_index")
        if index is not None and 0 <= index < batch.m:
            options["ignore_index"] = int(renumbered[index])
        inside = (labels.astype(np.float64) >= 0) & (labels.astype(np.float64) < batch.m)
        places = np.where(inside, labels, np.zeros((), labels.dtype)).astype(np.int64)
        labels = np.where(inside, renumbered[places].astype(labels.dtype), labels)
    else:
        labels = _with_mass(labels, kept)
    return batch.replace(scores=_scores(space, batch.scores, kept), labels=labels, options=options)


def _scores(space: InputSpace, scores: NDArray[Any], kept: NDArray[Any]) -> NDArray[Any]:
    kind = space.contract.input
    if kind == "probabilities":
        return _with_mass(scores, kept)
    left = scores[:, kept]
    if kind == "log_probabilities":
        exact = left.astype(np.float64)
        with np.errstate(all="ignore"):
            total = np.logaddexp.reduce(exact, axis=1, keepdims=True)
            left = np.where(np.isfinite(total), exact - total, exact).astype(scores.dtype)
    return left


def _with_mass(rows: NDArray[Any], kept: NDArray[Any]) -> NDArray[Any]:
    """Return the columns kept of rows whose sums stay: each row's greatest entry takes what was dropped."""
    exact = rows.astype(np.float64)
    left = exact[:, kept]
    lost = exact.sum(axis=1) - left.sum(axis=1)
    dropped = np.delete(exact, kept, axis=1).any(axis=1)
    top = np.argmax(left, axis=1)
    left[np.arange(left.shape[0]), top] += np.where(dropped, lost, 0.0)
    return left.astype(rows.dtype)
