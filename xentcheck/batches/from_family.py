"""From a family's draft to a batch that a contract admits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.drawn_options import (
    OPTION_BYTES,
    as_row_weights,
    class_weights,
    divisor,
    draw_options,
    ignore_index,
)
from xentcheck.batches.families_probabilities import to_input
from xentcheck.batches.family import Family
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.labels import dense_labels, sparse_labels
from xentcheck.batches.layout import LAYOUTS
from xentcheck.batches.numbers import Floats, Labels, Numbers
from xentcheck.batches.validity import impossible

EXTRA_BYTES = 4 + OPTION_BYTES
"""The bytes from which layout, label dtype, label shape, ignored rows and options are made."""

_C_CODES = 176
"""Of 256 codes of a layout, those that mean C."""


def batch_of_family(space: InputSpace, family: Family, numbers: Numbers, extra: NDArray[np.uint8]) -> Batch:
    """Return the batch of a family.

    Parameters
    ----------
    space : InputSpace
    family : Family
    numbers : Numbers
        The source of the scores and labels.
    extra : ndarray of uint8, shape (EXTRA_BYTES,)
        Codes of everything else; all 0 gives layout C, int64 labels of shape (n,), no row ignored, plain options.
    """
    layout, dtype, shape, ignoring = (int(code) for code in extra[:4])
    with np.errstate(all="ignore"):
        draft = family.make(numbers)
        scores = fit(space, to_input(draft.scores, family.gives, space))
    emphasised = family.emphasis == "reduction"
    options = draw_options(space, numbers.n, numbers.m, extra[4:], emphasised)
    memory = _layout(layout, family.emphasis == "layout")
    if memory == "broadcast" and numbers.n:
        scores = np.repeat(scores[:1], numbers.n, axis=0)
    if space.label_form == "sparse":
        index = ignore_index(space, options)
        ignored = _ignored(numbers, ignoring, emphasised) if index is not None else np.zeros(numbers.n, bool)
        labels = sparse_labels(space, draft.labels, numbers.m, ignored, index, dtype, shape)
    else:
        labels = dense_labels(space, draft.labels, numbers, dtype)
    batch = Batch(scores, labels, space.label_form, options, memory, family.name)
    return settle(space, batch, draft.labels)


def fit(space: InputSpace, scores: Floats) -> NDArray[Any]:
    """Return scores in the dtype, clipped into the domain; non-finite ones stay only where they are declared."""
    declared = space.contract.nonfinite_kinds
    largest = space.largest
    if space.contract.input == "probabilities":
        finite = np.where(np.isnan(scores), scores if "nan" in declared else 1.0, np.maximum(scores, 0.0))
        return finite.astype(space.format.dtype)
    fitted = np.clip(scores, -largest, largest)
    if "-inf" in declared:
        fitted = np.where(scores == -np.inf, scores, fitted)
    if "+inf" in declared and space.contract.input == "logits":
        fitted = np.where(scores == np.inf, scores, fitted)
    if "nan" not in declared:
        fitted = np.where(np.isnan(scores), 0.0, fitted)
    if space.largest < space.format.largest:
        return _rounded_within(fitted, space)
    return fitted.astype(space.format.dtype)


def _rounded_within(scores: Floats, space: InputSpace) -> NDArray[Any]:
    """Return scores rounded to the dtype, those that rounding took beyond the magnitude one step nearer to 0."""
    kind = space.format.dtype
    rounded = scores.astype(kind)
    beyond = (np.abs(rounded.astype(np.float64)) > space.largest) & np.isfinite(scores)
    return np.where(beyond, np.nextafter(rounded, np.zeros((), kind)), rounded) if beyond.any() else rounded


def settle(space: InputSpace, batch: Batch, classes: Labels) -> Batch:
    """Return the batch with what the contract leaves open or outside its domain replaced.

    Parameters
    ----------
    classes : ndarray of int64, shape (n,)
        A class for each row, for those that must count after all.
    """
    if space.empty_is_open and batch.n:
        batch = _with_a_divisor(space, batch, classes)
    if space.positive:
        batch = _with_positive_probabilities(space, batch)
    return batch


def _with_a_divisor(space: InputSpace, batch: Batch, classes: Labels) -> Batch:
    """Return a batch whose mean has a positive divisor: one row counts, with a positive weight."""
    if divisor(space, batch) > 0:
        return batch
    options = dict(batch.options)
    if batch.m == 1 and options.get("ignore_index") == 0:
        options["ignore_index"] = 1
    weights = class_weights(space, options)
    if "class_weights" in options:
        weights = np.where(weights == 0, weights.dtype.type(1), weights)
        options["class_weights"] = weights
    if "row_weights" in options:
        options["row_weights"] = as_row_weights(space, np.ones(batch.n))
    batch = batch.replace(options=options)
    if divisor(space, batch) > 0:
        return batch
    weights = np.ones(batch.m) if weights is None else weights.astype(np.float64)
    index = ignore_index(space, options)
    if index is not None and 0 <= index < batch.m:
        weights[index] = -1.0
    labels = batch.labels.copy()
    counting = int(classes[0]) if weights[classes[0]] > 0 else int(np.argmax(weights))
    labels[0] = counting if space.label_form == "sparse" else np.arange(batch.m) == counting
    return batch.replace(labels=labels)


def _with_positive_probabilities(space: InputSpace, batch: Batch) -> Batch:
    """Return a batch in which each class that a label counts has a positive probability.

    The smallest normal number, or the lowest finite logit, stands for 0, and a logit of 0 for one of -inf that only
    the label must not have; rows that must sum to 1 give what it takes from their greatest entry.
    """
    empty = impossible(space, batch)
    if not empty.any():
        return batch
    chances = space.contract.input == "probabilities"
    floor = space.format.smallest_normal if chances else -space.largest
    if space.contract.masks_off_label and space.contract.input == "logits":
        floor = 0.0
    scores = np.where(empty, floor, batch.scores.astype(np.float64))
    if chances and space.stochastic:
        top = np.argmax(scores, axis=1)
        scores[np.arange(batch.n), top] -= floor * empty.sum(axis=1)
    return batch.replace(scores=scores.astype(batch.scores.dtype))


def _layout(code: int, emphasised: bool) -> str:
    if emphasised:
        return LAYOUTS[1 + code % (len(LAYOUTS) - 1)]
    return "C" if code < _C_CODES else LAYOUTS[code % len(LAYOUTS)]


def _ignored(numbers: Numbers, code: int, emphasised: bool) -> NDArray[np.bool_]:
    """Return the rows that carry the ignored label: none for the code 0, a quarter, a half, or all."""
    if emphasised or code % 16 == 15:
        return np.ones(numbers.n, bool)
    if code % 4 == 0:
        return np.zeros(numbers.n, bool)
    share = (0, 0, 0, 1) if code % 4 < 3 else (0, 1)
    return np.asarray(numbers.pick(share, rows=True)[:, 0] == 1)
