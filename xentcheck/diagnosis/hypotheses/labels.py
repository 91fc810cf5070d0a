"""Mistakes about which class a row belongs to, and which rows and classes count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.hypotheses.lost_rows import taken_for_ignored
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, dot, one_hot
from xentcheck.diagnosis.prediction import Prediction

NARROW_INTEGERS = (np.int8, np.uint8, np.int16, np.uint16)
MASK = 2**15 - 1
NARROW_FLOATS = (ml_dtypes.bfloat16, np.float16)


@hypothesis(Rank.LABELS, quick=True, partly=True)
def ignored_rows(model: Model) -> Iterator[Prediction]:
    """Yield what ignored rows would add if they took part, and what is left without a class taken for ignored."""
    yield from taken_for_ignored(model, model.labels)
    kept, m, n = model.problem.kept, model.m, model.n
    if kept.all():
        if model.contract.ignore_index is not None and model.part == "loss" and n and model.reduction != "none":
            empty = np.nan if model.reduction == "mean" else 0.0
            text = "The mask is inverted: the ignored rows are used, of which there are none, and the others are not."
            yield Prediction("mask_inverted", text, np.asarray(empty))
        return
    base, divisors = model.targets, {model.divisor, float(n)}
    declared = model.contract.ignore_index
    likely = [declared % m] if isinstance(declared, int) and -m <= declared < m else []
    for c in dict.fromkeys((*likely, 0, m - 1, *range(min(m, 16)))):
        full = np.where(kept[:, None], base, one_hot(np.full(n, c), m))
        t = model.coefficients(full, all_rows=True)
        text = f"The ignored rows take part, as if their label were class {c}; set their loss and gradient to zero."
        for divisor in divisors if model.reduction == "mean" else (model.divisor,):
            rows = model.rows(t) if not model.problem.z_loss else model.rows(t, z_loss=0.0) + model.penalty()
            yield Prediction(
                "ignored_rows_used", text, model.finish(rows, divisor=divisor), 2.0 if c not in (0, m - 1) else 0.0
            )
    if model.part == "gradient":
        rows = np.where(kept[:, None], model.rows(), model.logs[1])
        text = "The gradient of the ignored rows is p; it must be zero."
        for divisor in divisors if model.reduction == "mean" else (model.divisor,):
            yield Prediction("ignored_rows_used", text, model.finish(rows, divisor=divisor))
        if isinstance(declared, int):
            text = f"The ignored rows' gradient is -1 at class {declared % m}, to which the ignored label wraps round."
            rows = np.where(kept[:, None], model.rows(), -one_hot(np.full(n, declared % m), m))
            for divisor in divisors if model.reduction == "mean" else (model.divisor,):
                yield Prediction("ignored_rows_used", text, model.finish(rows, divisor=divisor or 1.0))
    rows = model.rows()
    text = "The mask is inverted: the ignored rows are used and the others are not."
    if model.part == "loss" and model.labels is not None:
        own = one_hot(np.full(n, declared), m) if isinstance(declared, int) and 0 <= declared < m else base
        t = model.coefficients(own, all_rows=True) * ~kept[:, None]
        count = (
            float((~kept).sum()) if model.reduction == "mean" and model.contract.mean_over == "kept" else model.divisor
        )
        for divisor in dict.fromkeys((count, max(model.divisor, 1.0))):
            yield Prediction("mask_inverted", text, model.finish(model.rows(t), divisor=divisor))


@hypothesis(Rank.LABELS, quick=True, partly=True)
def wrong_labels(model: Model) -> Iterator[Prediction]:
    """Yield what other labels would give, put together with the weights and smoothing of the contract."""
    y, n, m = model.labels, model.n, model.m
    if y is None:
        return

    def relabelled(mechanism: str, sentence: str, labels: NDArray[np.int64], bits: float = 0.0) -> Prediction:
        return _from(model, mechanism, sentence, model.coefficients(one_hot(labels, m)), bits)

    if n == m > 1:
        text = "The one-hot labels are transposed: rows are taken for classes."
        t = model.coefficients(np.ascontiguousarray(model.targets.T))
        yield _from(model, "labels_transposed", text, t)
    for kind in NARROW_INTEGERS:
        name, wrapped = np.dtype(kind).name, y.astype(kind).astype(np.int64)
        if np.any(wrapped != y):
            text = f"The labels wrap round at the limit of {name}; keep them in a wider integer dtype."
            yield relabelled("labels_wrapped", text, wrapped % m)
            yield _from(model, "labels_wrapped", text, model.coefficients(one_hot(wrapped, m)))
    for narrow in NARROW_FLOATS:
        rounded = y.astype(narrow).astype(np.int64)
        if np.any(rounded != y):
            text = f"The labels are rounded by {np.dtype(narrow).name}, which has not all integers; keep them integers."
            yield relabelled("labels_rounded", text, rounded)
            yield _from(model, "labels_rounded", text, model.coefficients(one_hot(rounded, m)))
    text = "class y {} is used in place of class y: an index is one off."
    for step, name in ((1, "+ 1"), (-1, "- 1")):
        yield relabelled("off_by_one_label", f"Label off by one: {text.format(name)}", (y + step) % m)
        yield relabelled(
            "off_by_one_label", f"Label off by one, clipped: {text.format(name)}", np.clip(y + step, 0, m - 1)
        )
    text = "The labels are renumbered by the classes that the batch has (np.unique): a gap moves those above it."
    yield relabelled("labels_renumbered", text, np.unique(y, return_inverse=True)[1].reshape(-1))


@hypothesis(Rank.LABELS, quick=True, partly=True)
def flat_positions(model: Model) -> Iterator[Prediction]:
    """Yield the logits that flat positions i m + y reach when they wrap round in a narrow dtype."""
    y, n, m, z = model.labels, model.n, model.m, model.z
    if y is None or n < 2 or model.contract.input != "logits":
        return
    place = np.arange(n) * m + y
    ways = []
    for kind in NARROW_INTEGERS:
        name = np.dtype(kind).name
        if np.any(place.astype(kind) != place):
            ways.append((f"wrap round in {name}", place.astype(kind).astype(np.int64) % z.size))
            start = (np.arange(n) * m).astype(kind) + y.astype(kind)
            ways.append((f"wrap round in {name}", start.astype(np.int64) % z.size))
    if np.any(place > MASK):
        ways.append(("wrap round at 2^15", place & MASK))
    for how, position in ways:
        text = f"The flat positions of the labels' logits, i m + y, {how}."
        total = model.t.sum(axis=-1)
        if model.part == "gradient":
            hit = np.zeros(z.size)
            hit[position] = total
            rows = total[:, None] * model.softmax[1] - hit.reshape(z.shape)
            yield Prediction("labels_wrapped", text, model.finish(rows), 1.0)
            continue
        d = z - z.max(axis=-1, keepdims=True)
        log_p = model.softmax[0]
        picked = (model.lse - z.reshape(-1)[position], model.log_sum - d.reshape(-1)[position])
        for rows in (*picked, -log_p.reshape(-1)[position]):
            yield Prediction("labels_wrapped", text, model.finish(total * rows), 1.0)


@hypothesis(Rank.LABELS, quick=True, partly=True)
def repeated_labels(model: Model) -> Iterator[Prediction]:
    """Yield what fancy indexing makes of the labels when rows and columns are not paired."""
    y, n, m = model.labels, model.n, model.m
    if y is None or n < 2:
        return
    everywhere = np.tile(one_hot(y, m).max(axis=0), (n, 1))
    text = "Every row is given the labels of all rows: index with [arange(n), y], not with [:, y]."
    counts = np.tile(np.bincount(y, minlength=m).astype(np.float64), (n, 1))
    for base in (everywhere, counts):
        t = model.coefficients(base)
        rows = -dot(t, model.logs[0])
        if model.part == "gradient":
            rows = model.factor_of_p(model.t) * model.logs[1] - t
        yield Prediction("labels_of_all_rows", text, model.finish(rows))
        if model.reduction == "mean":
            yield Prediction("labels_of_all_rows", text, model.finish(rows) / n)


@hypothesis(Rank.LABELS, quick=True, partly=True)
def soft_targets(model: Model) -> Iterator[Prediction]:
    """Yield mistakes about dense targets."""
    dense = model.problem.targets
    if dense is None:
        return
    total = dense.sum(axis=-1, keepdims=True)
    text = "The target rows are divided by their sum, which the contract does not say."
    yield _from(model, "targets_renormalised", text, model.coefficients(dense / total))
    if (total == 0).any():  # guarded, as where 0 / 0 has been seen
        yield _from(model, "targets_renormalised", text, model.coefficients(dense / np.where(total == 0, 1, total)))
    yield from _sums(model, dense)
    text = "Only the class with the largest share of a target row counts, as by argmax; every share counts."
    yield _from(model, "targets_hardened", text, model.coefficients(one_hot(dense.argmax(axis=-1), model.m)))
    for least in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12):
        read = float(np.asarray(least, model.problem.format.dtype))  # a share of 0.001 in float32 is above 0.001
        below, up_to = dense < least, dense <= max(least, read)
        for lost, which in ((below, f"below {least:g}"), (up_to, f"of {least:g} or less")):
            if ((dense > 0) & lost).any() and (lost is below or (lost != below).any()):
                text = f"Shares of a target row {which} count as 0; every share counts."
                value = model.coefficients(np.where(lost, 0.0, dense))
                yield replace(_from(model, "shares_dropped", text, value, 1.0), variant=text)
    text = "The target rows are not divided by their sum, as the contract says."
    yield _from(model, "targets_not_renormalised", text, model.coefficients(dense))
    yield _from(model, "targets_softmaxed", "A softmax is applied to the targets.", model.coefficients(_softmax(dense)))


def _sums(model: Model, dense: Floats) -> Iterator[Prediction]:
    """Yield mistakes about the sums of target rows."""
    whole = float(dense.sum())
    if whole and model.reduction == "mean":
        text = "The targets are divided by the sum of the whole batch, not each row by its own."
        yield _from(model, "targets_divided_by_total", text, model.coefficients(dense / whole))
        text = "The sum over the rows is divided by the sum of the targets of the whole batch."
        rows = model.rows(model.coefficients(dense))
        yield Prediction("targets_divided_by_total", text, model.finish(rows, divisor=whole))
    if model.part == "loss" and model.contract.input == "logits" and model.contract.boundary.exact:
        text = "The log-sum-exp is not multiplied by the sum of the target row: lse - t.z is right where that is 1."
        if not model.problem.z_loss and model.problem.class_weights is None:
            d = model.z - model.z.max(axis=-1, keepdims=True)
            for log_sum, scores in ((model.lse, model.z), (model.log_sum, d)):
                yield Prediction("sum_t_ignored", text, model.finish(log_sum - dot(model.t, scores)))


def _from(model: Model, mechanism: str, sentence: str, t: Floats, bits: float = 0.0) -> Prediction:
    return Prediction(mechanism, sentence, model.finish(model.rows(t)), bits)


def _softmax(z: Floats) -> Floats:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))
