"""Exponentials that overflow or vanish, and what infinite logarithms do to sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from xentcheck.engine.causes.guess import Guess
from xentcheck.engine.causes.model import Model
from xentcheck.engine.causes.simulation import (
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
        "absolute_maximum",
        "max |z| is subtracted, so that rows of large negative logits vanish; subtract max z.",
        lambda z: np.abs(z).max(axis=-1, keepdims=True),
    ),
    (
        "positive_maximum",
        "max(0, max z) is subtracted, so that rows of large negative logits vanish; subtract max z.",
        lambda z: np.maximum(z.max(axis=-1, keepdims=True), 0),
    ),
    (
        "partial_maximum",
        "The last logit is left out of the maximum, and may overflow; take the maximum of all.",
        lambda z: z[:, : max(z.shape[1] - 1, 1)].max(axis=-1, keepdims=True),
    ),
)


def range_lost(model: Model) -> Iterator[Guess]:
    """Yield overflow and underflow: no maximum subtracted, or not the row's own; log of an underflowed softmax."""
    if model.contract.input != "logits":
        return
    text = (
        "The logarithm is taken of a softmax, whose small entries underflow to 0 or round off; "
        "use log_softmax (z - max - log(sum exp)) instead."
    )
    for work in working_dtypes(model):
        yield from from_logs(model, "log_of_softmax", text, simulate(model, work, softmax_shifted_by(row_maximum)))
    for mechanism, sentence, shift in SHIFTS:
        for work in working_dtypes(model):
            for make in (softmax_shifted_by, log_softmax_shifted_by):
                yield from from_logs(model, mechanism, sentence, simulate(model, work, make(shift)))


def infinite_logs(model: Model) -> Iterator[Guess]:
    """Yield nan from 0 * inf where the right log p is infinite, and rows replaced because they are not finite."""
    log_p, p = model.logs
    t, rows = model.t, model.rows()
    if np.isfinite(log_p).all():
        return
    if model.part == "loss":
        yield Guess("zero_times_inf", ZERO_TIMES_INF, model.finish(-(t * log_p).sum(axis=-1)))
    else:
        total = t.sum(axis=-1, keepdims=True)
        yield Guess("zero_times_inf", ZERO_TIMES_INF, model.finish(-(t / p) * p + total * p))
        by_p = -t / p
        yield Guess("zero_times_inf", ZERO_TIMES_INF, model.finish(p * (by_p - (by_p * p).sum(axis=-1, keepdims=True))))
    if not np.isfinite(rows).all():
        text = "Non-finite rows are replaced by 0; the right value there is not finite."
        yield Guess("nonfinite_replaced", text, model.finish(np.where(np.isfinite(rows), rows, 0.0)))


def underflowed_logs(model: Model) -> Iterator[Guess]:
    """Yield nan from 0 * inf where a softmax underflows off the label."""
    if model.part == "loss" and model.contract.input == "logits":
        for work in working_dtypes(model):
            log_p = simulate(model, work, softmax_shifted_by(row_maximum))[0]
            yield Guess("zero_times_inf", ZERO_TIMES_INF, model.finish(-(model.t * log_p).sum(axis=-1)))
