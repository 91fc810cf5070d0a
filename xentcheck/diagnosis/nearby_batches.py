"""Batches like that of a finding, which tell one mistake from another by what is returned on them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract

LARGEST = 2**12  # entries of a batch that is asked for evidence alone
LARGEST_VARIED = 2**16  # entries of a minimal batch: what shows there alone has to be asked there once more
LEAST_LIMIT_OF_ROWS = 4  # fewer rows are tried by the sweep in every number
LEAST_LIMIT = 127  # of labels in any dtype: below such a one another dtype may have its own


def variations(contract: Contract, batch: Batch, new_shapes: bool) -> Iterator[Batch]:
    """Yield valid batches with the options of a batch, near it in their scores and far from it.

    Parameters
    ----------
    contract : Contract
    batch : Batch
    new_shapes : bool
        Whether they may have another shape.
    """
    if not 0 < batch.scores.size <= LARGEST_VARIED:
        return
    space = InputSpace(contract, batch.dtype, batch.label_form)
    elsewhere = _other_places(contract, batch, new_shapes) if batch.scores.size <= LARGEST else ()
    for changed in (*_other_numbers(contract, batch), *elsewhere):
        if not objection(space, changed):
            yield changed


def along_axes(contract: Contract, batch: Batch) -> Iterator[Batch]:
    """Yield batches of four, six and twelve rows with several axes: few rows are often along one of them alone."""
    if contract.extra_axes == (0,) or batch.n == 0 or batch.m < 2:
        return
    space = InputSpace(contract, batch.dtype, batch.label_form)
    random = np.random.Generator(np.random.PCG64([batch.n, batch.m, 2]))
    for n in (4, 6, 12):
        changed = batch.rows(np.arange(n) % batch.n)
        scores = changed.scores.astype(np.float64)
        if contract.input == "logits":
            scores = np.where(np.isfinite(scores), 2 * random.normal(size=scores.shape), scores)
        labels = changed.labels
        if batch.label_form == "sparse":
            labels = (random.integers(batch.m, size=labels.shape)).astype(labels.dtype)
        changed = changed.replace(scores=scores.astype(batch.scores.dtype), labels=labels)
        if changed.scores.size <= LARGEST and not objection(space, changed):
            yield changed


def twice_as_long(contract: Contract, batch: Batch) -> Iterator[Batch]:
    """Yield a batch of several rows twice over: where it ends tells one block of rows from the last of many."""
    if batch.n > LEAST_LIMIT_OF_ROWS and 2 * batch.scores.size <= LARGEST_VARIED:
        changed = batch.rows(np.arange(2 * batch.n) % batch.n)
        if not objection(InputSpace(contract, batch.dtype, batch.label_form), changed):
            yield changed


def edges(contract: Contract, batch: Batch, new_shapes: bool) -> Iterator[Batch]:
    """Yield valid batches of logits at which exponentials without the right shift come near 0 without vanishing.

    An infinity has many a reason, and tells none of them from the others. Where exp(z) is subnormal it has few digits,
    and what is calculated from it is finite, wrong, and different for each shift that may be wrong: all logits far
    below 0, the label's alone far below the others, or one row far below another.

    Parameters
    ----------
    contract, batch, new_shapes
        As for `variations`.
    """
    if contract.input != "logits" or batch.label_form == "soft" or not 0 < batch.scores.size <= LARGEST:
        return
    space = InputSpace(contract, batch.dtype, batch.label_form)
    subnormal = math.log(space.format.smallest_normal / space.format.smallest_subnormal)
    depth = space.exponential_limit + subnormal / 2
    random = np.random.Generator(np.random.PCG64([batch.n, batch.m, 1]))
    n = 2 if new_shapes and not any(np.ndim(value) > 1 for value in batch.options.values()) else batch.n
    labels = np.resize(batch.labels, (n, *batch.labels.shape[1:]))
    places = labels.reshape(n, -1).argmax(axis=1) if batch.label_form == "onehot" else labels.reshape(-1)
    at_label = places.astype(np.int64)[:, None] == np.arange(batch.m)
    later_rows = np.arange(n)[:, None] > 0
    for below in (np.ones((n, 1)), at_label, at_label, 2.2 * at_label, 2.2 * ~at_label, later_rows, later_rows):
        scores = random.normal(size=(n, batch.m)) - depth * below
        changed = batch.replace(scores=scores.astype(batch.scores.dtype), labels=labels)
        if not objection(space, changed):
            yield changed


def _other_numbers(contract: Contract, batch: Batch) -> Iterator[Batch]:
    """Yield two batches of nearly the same scores and one of others."""
    random = np.random.Generator(np.random.PCG64([batch.n, batch.m]))
    scores = batch.scores.astype(np.float64)
    for near in (True, True, False) if contract.input != "log_probabilities" else ():
        with np.errstate(all="ignore"):
            if contract.input == "probabilities":
                changed = scores * np.exp(random.normal(size=scores.shape) / 4)
                changed *= scores.sum(axis=1, keepdims=True) / changed.sum(axis=1, keepdims=True)
            elif near:
                changed = scores * (1 + random.normal(size=scores.shape) / 16) + random.normal(size=scores.shape) / 4
            else:
                changed = np.where(np.isfinite(scores), 2 * random.normal(size=scores.shape), scores)
            yield batch.replace(scores=changed.astype(batch.scores.dtype))


def _other_places(contract: Contract, batch: Batch, new_shapes: bool) -> Iterator[Batch]:
    """Yield the classes in reverse order, other labels, and, logits, large labels made less, every class twice over.

    Of soft rows of any sum, too, ones of other sums.
    """
    m, y = batch.m, batch.labels
    dense = batch.label_form != "sparse"
    if batch.label_form == "soft" and contract.soft_rows == "any":
        yield batch.replace(labels=(y.astype(np.float64) * 0.5 + 0.375).astype(y.dtype))
    if m < 2:
        return
    reversed_scores = np.ascontiguousarray(batch.scores[:, ::-1])
    if dense:
        yield batch.replace(scores=reversed_scores, labels=np.ascontiguousarray(y[:, ::-1]))
        yield batch.replace(labels=np.roll(y, 1, axis=1))
    else:
        wide = y.astype(np.int64)
        ignored = (wide < 0) | (wide >= m) | (wide == contract.value_in("ignore_index", batch.options))
        places = [(reversed_scores, m - 1 - wide), (batch.scores, (wide + 1) % m)]
        if wide.max(initial=0) > LEAST_LIMIT and contract.input == "logits":
            random = np.random.Generator(np.random.PCG64(m))
            places.append((random.normal(size=batch.scores.shape).astype(batch.scores.dtype), wide * 2 // 3))
        for scores, labels in places:
            labels = np.where(ignored, wide, labels)
            narrow = labels.astype(y.dtype)
            if np.array_equal(narrow, labels):  # int8 labels of 257 classes cannot all be others
                yield batch.replace(scores=scores, labels=narrow)
    if new_shapes and contract.input == "logits" and not any(np.ndim(value) for value in batch.options.values()):
        doubled = np.concatenate([batch.scores, batch.scores[:, ::-1]], axis=1)
        yield batch.replace(scores=doubled, labels=np.concatenate([y, np.zeros_like(y)], axis=1) if dense else y)


_DEEPEST = 700.0
"""Nats: beyond some 745 there is no such probability in float64."""


def above_the_floor(contract: Contract, batch: Batch, returned: object) -> Iterator[Batch]:
    """Yield a row whose label has twice the probability below which a loss seems to stay what was returned.

    Far below a constant that guards the logarithm the loss is the same whether that is added or is a limit; above a
    limit it is right.
    """
    loss = np.asarray(returned, np.float64).reshape(-1)
    single = batch.n == 1 and batch.m > 1 and loss.size == 1 and batch.label_form != "soft"
    if not single or contract.input == "log_probabilities" or batch.options or not 1 < loss[0] < _DEEPEST:
        return
    p = 2 * math.exp(-loss[0])
    at_label = np.arange(batch.m) == (
        batch.labels.reshape(-1)[0] if batch.label_form == "sparse" else batch.labels.argmax()
    )
    row = np.where(at_label, p, (1 - p) / (batch.m - 1))
    scores = row if contract.input == "probabilities" else np.log(row)
    changed = batch.replace(scores=np.reshape(scores, batch.scores.shape).astype(batch.scores.dtype))
    if not objection(InputSpace(contract, batch.dtype, batch.label_form), changed):
        yield changed
