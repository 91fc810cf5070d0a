"""Exponentials that overflow or vanish, and what is put in the place of infinite losses."""

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
def infinite_rows(model: Model) -> Iterator[Prediction]:
    """Yield rows replaced because they are not finite, where the right ones are not."""
    rows = model.rows()
    if not np.isfinite(rows).all():
        text = "Non-finite rows are replaced by 0; the right value there is not finite."
        yield Prediction("nonfinite_replaced", text, model.finish(np.where(np.isfinite(rows), rows, 0.0)))


@hypothesis(Rank.INFINITY)
def finite_masks(model: Model) -> Iterator[Prediction]:
    """Yield what logits of -inf give where a large negative number stands for them."""
    absent = np.isneginf(model.raw)
    if model.contract.input != "logits" or not absent.any():
        return
    largest = float(np.finfo(model.problem.format.dtype).max) if not model.problem.format.is_half else 1e38
    for least in (1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e12, 1e20, 1e30, largest / 2, largest):
        z = np.where(absent, -least, model.z)
        log_p = z - z.max(axis=-1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
        rows = model.rows(logs=model.with_guard(log_p))
        for held in (rows, np.where(absent.all(axis=-1).reshape(-1, *(1,) * (rows.ndim - 1)), np.nan, rows)):
            text = f"A logit of -inf counts as {-least:g}, so that its class is not quite absent."
            yield Prediction("finite_mask", text, model.finish(held), variant=text)


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
    for mechanism, sentence, shift in SHIFTS:
        for work in working_dtypes(model):
            for make in (softmax_shifted_by, log_softmax_shifted_by):
                yield from from_logs(model, mechanism, sentence, simulate(model, work, make(shift)))
