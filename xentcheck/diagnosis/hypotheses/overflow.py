"""Exponentials that overflow or vanish, and what infinite logarithms do to sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.simulation import (
    Array,
    from_logs,
    log_softmax_shifted_by,
    row_maximum,
    simulate,
    softmax_shifted_by,
    working_dtypes,
)

ZERO_TIMES_INF = (
    "A target of 0 is multiplied by an infinite log p, which gives nan; skip the classes whose target is 0."
)

SHIFTS: tuple[tuple[str, str, Callable[[Array], Array]], ...] = (
    (
        "no_maximum",
        "The logits are exponentiated as they are, so that large ones overflow and small ones vanish; "
        "subtract each row's maximum first.",
        lambda z: np.zeros((1, 1), z.dtype),
    ),
    (
        "batch_maximum",
        "The maximum of the whole batch is subtracted, so that rows far below it vanish; subtract each row's own.",
        lambda z: z.max(keepdims=True),
    ),
    (
        "maximum_over_rows",
        "The maximum is taken over the rows (axis 0), so that rows below it vanish; take it over the classes.",
        lambda z: z.max(axis=0, keepdims=True),
    ),
    (
        "maximum_of_first_row",
        "The first row's maximum is subtracted from all rows; subtract each row's own.",
        lambda z: z[:1].max(keepdims=True),
    ),
    (
        "partial_maximum",
        "The last logit is left out of the maximum, and may overflow; take the maximum of all.",
        lambda z: z[:, : max(z.shape[1] - 1, 1)].max(axis=-1, keepdims=True),
    ),
    ("first_logit_for_maximum", "The first logit is subtracted where the maximum is needed.", lambda z: z[:, :1]),
    (
        "mean_for_maximum",
        "The mean logit is subtracted where the maximum is needed.",
        lambda z: z.mean(axis=-1, keepdims=True),
    ),
    (
        "minimum_for_maximum",
        "The minimum is subtracted where the maximum is needed.",
        lambda z: z.min(axis=-1, keepdims=True),
    ),
    (
        "positive_maximum",
        "max(0, max z) is subtracted, so that rows of large negative logits vanish; subtract max z.",
        lambda z: np.maximum(z.max(axis=-1, keepdims=True), 0),
    ),
    (
        "absolute_maximum",
        "max |z| is subtracted, so that rows of large negative logits vanish; subtract max z.",
        lambda z: np.abs(z).max(axis=-1, keepdims=True),
    ),
)


@hypothesis(Rank.INFINITY)
def infinite_logs(model: Model) -> Iterator[Prediction]:
    """Yield nan from 0 * inf where the right log p is infinite, and rows replaced because they are not finite."""
    log_p, p = model.logs
    t, rows = model.t, model.rows()
    if np.isfinite(log_p).all():
        return
    if model.part == "loss":
        yield Prediction("zero_times_inf", ZERO_TIMES_INF, model.finish(-(t * log_p).sum(axis=-1)))
    else:
        total = t.sum(axis=-1, keepdims=True)
        yield Prediction("zero_times_inf", ZERO_TIMES_INF, model.finish(-(t / p) * p + total * p))
        by_p = -t / p
        yield Prediction(
            "zero_times_inf", ZERO_TIMES_INF, model.finish(p * (by_p - (by_p * p).sum(axis=-1, keepdims=True)))
        )
    if not np.isfinite(rows).all():
        text = "Non-finite rows are replaced by 0; the right value there is not finite."
        yield Prediction("nonfinite_replaced", text, model.finish(np.where(np.isfinite(rows), rows, 0.0)))


def _shift_by_label(model: Model) -> Iterator[tuple[str, str, Callable[[Array], Array]]]:
    """Yield the label's own logit in the place of the maximum."""
    y = model.labels
    if y is not None:
        text = "The label's logit is subtracted where the maximum is needed: a logit far above it overflows."
        yield "label_logit_for_maximum", text, lambda z: np.take_along_axis(z, y[:, None], -1)


def _partial_shifts(m: int) -> Iterator[tuple[str, str, Callable[[Array], Array]]]:
    """Yield maxima over a part of the classes: the whole blocks, or the first block."""
    seen = {m - 1}
    for block in (2**k for k in range(10, 0, -1)):
        for stop in (m // block * block, (m - 1) // block * block, block):
            if 0 < stop < m and stop not in seen:
                seen.add(stop)
                text = f"The maximum is of a part of the {m} classes, perhaps the first {stop}; others may overflow."
                yield "partial_maximum", f"{text} Take the maximum of all.", _maximum_of_first(stop)


def _maximum_of_first(stop: int) -> Callable[[Array], Array]:
    return lambda z: np.asarray(z[:, :stop].max(axis=-1, keepdims=True))


@hypothesis(Rank.INFINITY)
def numbers_for_infinity(model: Model) -> Iterator[Prediction]:
    """Yield a finite number in the place of a logit of -inf, and of any below it."""
    if model.contract.input != "logits":
        return
    low = float(model.z.min(initial=0.0))
    for number in (-1e2, -1e3, -1e4, -65504.0, -1e5, -1e6, -1e8, -1e9, -1e10, -1e30, -3.4028234663852886e38):
        if low < number:
            z = np.maximum(model.z, number)
            for said, d in (("", z), (" from the row's maximum", np.maximum(_below_maximum(model.z), number))):
                d = _below_maximum(d)
                log_p = d - np.log(np.exp(d).sum(axis=-1, keepdims=True))
                text = f"Logits of -inf, and very low ones, become {number:.5g}{said}, which is no mask beside others."
                value = model.finish(model.rows(logs=(log_p, np.exp(log_p))))
                key = "logits_clipped" if said else "minus_infinity_as_number"
                yield Prediction(key, text, value, 1.0, variant=text)


@hypothesis(Rank.RANGE)
def range_lost(model: Model) -> Iterator[Prediction]:
    """Yield overflow and underflow: no maximum subtracted, or not the row's own; log of an underflowed softmax."""
    if model.contract.input != "logits":
        return
    text = (
        "The logarithm is taken of a softmax, whose small entries underflow to 0 or round off; "
        "use log_softmax (z - max - log(sum exp)) instead."
    )
    for work in working_dtypes(model):
        yield from from_logs(model, "log_of_softmax", text, simulate(model, work, softmax_shifted_by(row_maximum)))
    for mechanism, sentence, shift in (*SHIFTS, *_shift_by_label(model), *_partial_shifts(model.m)):
        for work in working_dtypes(model):
            for make in (softmax_shifted_by, log_softmax_shifted_by):
                yield from from_logs(model, mechanism, sentence, simulate(model, work, make(shift)))


@hypothesis(Rank.RANGE)
def underflowed_logs(model: Model) -> Iterator[Prediction]:
    """Yield nan from 0 * inf where a softmax underflows off the label."""
    if model.part == "loss" and model.contract.input == "logits":
        for work in working_dtypes(model):
            log_p = simulate(model, work, softmax_shifted_by(row_maximum))[0]
            yield Prediction("zero_times_inf", ZERO_TIMES_INF, model.finish(-(model.t * log_p).sum(axis=-1)))


def _below_maximum(z: Array) -> Array:
    return np.asarray(z - z.max(axis=-1, keepdims=True))


@hypothesis(Rank.RANGE)
def hidden(model: Model) -> Iterator[Prediction]:
    """Yield an infinite or nan loss, or gradient, of an underflowed softmax that is replaced by a number."""
    if model.contract.input != "logits":
        return
    format_ = model.problem.format
    for work in working_dtypes(model):
        log_p, p = simulate(model, work, softmax_shifted_by(row_maximum))
        if model.part == "gradient":
            p_y = np.where(model.t == 0, np.inf, p).min(axis=-1)
            rows = model.rows()
            for number in (0.0, np.nan):
                text = "Where p_y underflows, 1 / p_y times the softmax's derivative is {}; the gradient is p - t."
                value = model.finish(np.where((p_y == 0)[:, None], number, rows))
                yield Prediction("log_of_softmax", text.format("0" if number == 0 else "nan"), value, exact=True)
            continue
        rows = -(np.where(model.t == 0, 0.0, model.t * log_p)).sum(axis=-1)
        if np.isfinite(rows).all():
            continue
        for number in (0.0, format_.largest):
            text = f"The infinite loss of an underflowed softmax is replaced by {number:g}; use log_softmax."
            yield Prediction(
                "nonfinite_replaced", text, model.finish(np.where(np.isfinite(rows), rows, number)), exact=True
            )
