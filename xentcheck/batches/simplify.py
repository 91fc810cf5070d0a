"""Simpler batches of the same shape: layout, options, labels and logits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.validity import objection
from xentcheck.contract.declaration import OPTIONS
from xentcheck.truth.formats import FORMATS

_MOST_SINGLE = 64
"""Above this many scores, numbers are simplified in chunks only."""


def plainer(space: InputSpace, batch: Batch) -> Iterator[Batch]:
    """Yield the batch with a plainer layout, label dtype, label shape or option."""
    if batch.layout != "C":
        yield batch.replace(layout="C")
    if batch.label_form == "sparse":
        if batch.labels.ndim == 2 and "(n,)" in space.contract.label_shapes:
            yield batch.replace(labels=batch.labels[:, 0])
        if batch.labels.dtype != np.int64 and "int64" in space.label_dtypes(batch.m):
            yield batch.replace(labels=batch.labels.astype(np.int64))
    elif batch.labels.dtype != batch.scores.dtype and batch.dtype in space.dense_label_dtypes:
        yield batch.replace(labels=batch.labels.astype(batch.scores.dtype))
    for key in [key for key in batch.options if key in space.contract.optional]:
        yield batch.replace(options={other: value for other, value in batch.options.items() if other != key})
    for key, value in batch.options.items():
        for simpler in _simpler_option(key, value):
            yield batch.replace(options={**batch.options, key: simpler})
    if "ignore_index" in batch.options and batch.label_form == "sparse":
        yield from _other_ignored(batch)


def _simpler_option(key: str, value: Any) -> Iterator[Any]:
    if OPTIONS[key].kind in ("weights", "rows"):
        one = np.ones_like(value)
        yield one
        below = np.asarray(value, np.float64).min(initial=0.0) < 0
        for whole in (1, 2, -1)[: 2 + below]:
            for place in range(min(value.size, 8)):
                if float(value[place]) not in (1.0, float(whole)):
                    changed = value.copy()
                    changed[place] = whole
                    yield changed
        return
    for simpler in OPTIONS[key].simpler:
        if simpler == value:
            return
        yield simpler


def _other_ignored(batch: Batch) -> Iterator[Batch]:
    """Yield the batch with no row ignored, or with -100 as the label of the ignored ones."""
    index = batch.options["ignore_index"]
    carries = batch.labels == index
    options = {**batch.options, "ignore_index": -100}
    if index == -100:
        if carries.any():
            yield batch.replace(labels=np.where(carries, np.zeros((), batch.labels.dtype), batch.labels))
        return
    if not carries.any() or 0 <= index < batch.m:
        yield batch.replace(options=options)
    if carries.any() and batch.labels.dtype.kind != "u":
        yield batch.replace(options=options, labels=np.where(carries, -100, batch.labels).astype(batch.labels.dtype))


def simpler_labels(space: InputSpace, batch: Batch) -> Iterator[Batch]:
    """Yield the batch with lower sparse labels: all 0, then single ones 0, then one lower."""
    if batch.label_form != "sparse":
        return
    inside = (batch.labels.astype(np.float64) > 0) & (batch.labels.astype(np.float64) < batch.m)
    if not inside.any():
        return
    yield batch.replace(labels=np.where(inside, np.zeros((), batch.labels.dtype), batch.labels))
    for place in np.flatnonzero(inside)[:8]:
        for lower in (0, int(batch.labels.flat[place]) - 1):
            labels = batch.labels.copy()
            labels.flat[place] = lower
            yield batch.replace(labels=labels)


def simpler_scores(space: InputSpace, batch: Batch) -> Iterator[Batch]:
    """Yield the batch with simpler logits as a whole: 0, rows alike, offsets taken away, rounded."""
    if space.contract.input != "logits" or batch.n == 0:
        return
    scores = batch.scores.astype(np.float64)
    finite = np.where(np.isfinite(scores), scores, 0.0)
    wholes = [np.zeros_like(scores), np.repeat(scores[:1], batch.n, axis=0)]
    with np.errstate(all="ignore"):
        wholes += [scores - finite.max(axis=1, keepdims=True), scores - np.rint(finite[:, :1])]
        wholes += [np.round(scores, digits) for digits in (0, 1, 2, 3)]
        wholes += [_significant(scores, digits) for digits in (1, 2, 3)]
    now = _complexity(batch.scores)
    for whole in wholes:
        candidate = _with_scores(space, batch, whole)
        if candidate is not None and _complexity(candidate.scores) < now:
            yield candidate
    yield from _in_chunks(space, batch)


def _in_chunks(space: InputSpace, batch: Batch) -> Iterator[Batch]:
    """Yield the batch with a half, a quarter or an eighth of its scores set to 0 or to the commonest score."""
    flat = batch.scores.astype(np.float64).reshape(-1)
    if flat.size < 8:
        return
    values, counts = np.unique(flat, return_counts=True)
    for value in dict.fromkeys((0.0, float(values[np.argmax(counts)]))):
        for parts in (2, 4, 8):
            for places in np.array_split(np.arange(flat.size), parts):
                changed = flat.copy()
                changed[places] = value
                if (changed != flat).any():
                    candidate = _with_scores(space, batch, changed.reshape(batch.scores.shape))
                    if candidate is not None and _complexity(candidate.scores) < _complexity(batch.scores):
                        yield candidate


def simpler_numbers(space: InputSpace, batch: Batch) -> Iterator[Batch]:
    """Yield the batch with one logit simpler: 0, then an integer, then fewer digits."""
    if space.contract.input != "logits" or batch.scores.size > _MOST_SINGLE:
        return
    for place in np.ndindex(batch.scores.shape):
        now = float(batch.scores[place])
        for value in _simpler_values(now, batch.scores.dtype):
            changed = batch.scores.copy()
            changed[place] = value
            yield batch.replace(scores=changed)


def _simpler_values(now: float, dtype: np.dtype[Any]) -> Iterator[float]:
    """Yield simpler numbers than `now`, the simplest first."""
    candidates = [0.0, 1.0, -1.0, 2.0, -2.0]
    if math.isfinite(now):
        candidates += [float(round(now, digits)) for digits in (0, 1, 2)]
        candidates += [float(f"{now:.{digits}g}") for digits in range(1, 7)]
        candidates += [float(math.trunc(now / 2)), math.copysign(100.0, now), math.copysign(1000.0, now)]
        candidates += [abs(now)]
    limit = FORMATS[dtype.name].largest
    weight = complexity(now, dtype)
    ranked = {value: complexity(value, dtype) for value in candidates if abs(value) <= limit}
    yield from (value for value in sorted(ranked, key=lambda value: ranked[value]) if ranked[value] < weight)


def complexity(value: float, dtype: np.dtype[Any]) -> int:
    """Return how hard a number is to read: digits, sign, point and exponent of its shortest form in a dtype."""
    if value == 0:
        return 1 if math.copysign(1.0, value) < 0 else 0
    if not math.isfinite(value):
        return 12
    text = str(dtype.type(value))
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    digits = (whole + fraction).strip("0")
    cost = 3 * len(digits) + (2 if fraction else 0) + (1 if value < 0 else 0) + (3 if exponent else 0)
    return cost + (min(abs(int(value)), 9) if abs(value) < 10 else 0) // 3 + max(len(whole) - 2, 0)


def _complexity(scores: NDArray[Any]) -> int:
    """Return the complexity of an array: that of its scores, and of each distinct score again."""
    if scores.size > 4 * _MOST_SINGLE:
        return 6 * int((scores != 0).sum()) + 6 * int(np.unique(scores).size)
    costs = {value: complexity(value, scores.dtype) for value in set(scores.astype(np.float64).reshape(-1).tolist())}
    return sum(costs.values()) + sum(costs.get(value, 12) for value in scores.astype(np.float64).reshape(-1).tolist())


def _significant(scores: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Return scores rounded to significant decimal digits."""
    sizes = np.where(np.isfinite(scores) & (scores != 0), np.abs(scores), 1.0)
    step = 10.0 ** (np.floor(np.log10(sizes)) - digits + 1)
    rounded = np.rint(scores / step) * step
    return np.where(np.isfinite(rounded), rounded, scores)


def _with_scores(space: InputSpace, batch: Batch, scores: NDArray[np.float64]) -> Batch | None:
    with np.errstate(all="ignore"):
        candidate = batch.replace(scores=scores.astype(batch.scores.dtype))
    return candidate if not objection(space, candidate) else None
