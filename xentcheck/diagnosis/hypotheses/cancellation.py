"""Digits lost: by cancellation, by narrow dtypes and by sums that stop growing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import ml_dtypes
import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, log_softmax
from xentcheck.diagnosis.observation import Observation
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.simulation import (
    NARROWER,
    from_logs,
    log_softmax_and_exp,
    log_softmax_shifted_by,
    logaddexp_minus_scores,
    logsumexp_minus_scores,
    row_maximum,
    running_sum,
    simulate,
    softmax_shifted_by,
    working_dtypes,
)


@hypothesis(Rank.ACCUMULATION)
def cancelled(model: Model) -> Iterator[Prediction]:
    """Yield what cancellation leaves of lse - z_y, of log(1 + s), and of p_y - 1."""
    if model.contract.input != "logits":
        return
    own = model.problem.format
    for work in working_dtypes(model):
        if own.is_half and work is own.dtype.type:
            continue
        text = (
            "log(sum exp(z - max)) is taken of a sum 1 + s that has lost s: confident rows cost 0; "
            "use log1p of the sum without the maximum's own term."
        )
        yield from from_logs(model, "log1p_missing", text, simulate(model, work, log_softmax_shifted_by(row_maximum)))
        mechanism, text = (
            "lse_minus_label",
            (
                "The loss is computed as logsumexp(z) - z_y: both are large and their difference loses digits; "
                "subtract the row's maximum from z_y too: log(sum exp(z - max)) - (z_y - max)."
            ),
        )
        if model.contract.is_entropy:
            mechanism, text = (
                "logits_not_shifted",
                (
                    "The log-probabilities are computed as z - logsumexp(z): both are large and their difference loses "
                    "digits; subtract the row's maximum from z first."
                ),
            )
        for recipe in (logsumexp_minus_scores, logaddexp_minus_scores):
            yield from from_logs(model, mechanism, text, simulate(model, work, recipe))
        guarded = model.contract.gradient_of == "loss" and not model.contract.boundary.exact
        if model.part == "gradient" and not (model.contract.is_entropy or guarded):
            p = simulate(model, work, softmax_shifted_by(row_maximum))[1]
            rows = (model.factor_of_p(model.t) * p).astype(work) - model.t.astype(work)
            text = "p_y - 1 cancels on confident rows; take minus the sum of the other probabilities."
            yield Prediction("p_minus_1_cancels", text, model.finish(rows.astype(np.float64)), exact=True)


@hypothesis(Rank.ACCUMULATION)
def accumulated(model: Model) -> Iterator[Prediction]:
    """Yield sums that stagnate or overflow in a 16-bit dtype, term after term or in blocks."""
    own = model.problem.format
    if not own.is_half:
        return
    work = own.dtype.type
    if model.contract.input == "logits":
        text = f"The sum of exponentials is accumulated in {own.name} and stops growing; accumulate it in float32."
        d = (model.z - row_maximum(model.z)).astype(work)
        e = np.exp(d)
        for terms in (e, e[:, ::-1]):
            s = running_sum(terms, work)
            log_p = (d - np.log(s)[:, None]).astype(np.float64)
            yield from from_logs(model, "accumulation_16_bit", text, (log_p, np.exp(log_p)), exact=False, bits=-5.0)
            # The sum alone is narrow: what comes after it is done in float32.
            logs = d.astype(np.float32) - np.log(s.astype(np.float32))[:, None]
            wide = (logs.astype(np.float64), np.exp(logs).astype(np.float64))
            yield from from_logs(model, "accumulation_16_bit", text, wide, exact=False, bits=-5.0)
            yield from from_logs(model, "accumulation_16_bit", text, (log_p, (e / s[:, None]).astype(np.float64)))
    if model.part == "loss" and model.reduction != "none":
        rows = model.rows().astype(work)
        total = running_sum(rows[None, :], work)[0]
        text = f"The sum of the rows is accumulated in {own.name}, where it "
        text += "overflows above 65,504" if np.isinf(float(total)) else "stops growing"
        text += "; accumulate it in float32."
        sums = [total, rows.sum(), rows.sum(dtype=work), np.add.reduce(rows[::-1])]
        for value in sums:
            for final in (np.float64(value) / model.divisor, value / work(model.divisor)):
                yield Prediction("accumulation_16_bit", text, np.asarray(final, np.float64), bits=-5.0)
        running = np.float64(0)
        for place, row in enumerate(model.rows(), 1):  # a running mean
            running = np.float64(work(running + (row - running) / place))
        if model.reduction == "mean" and model.problem.kept.all():
            yield Prediction("accumulation_16_bit", text, np.asarray(running), bits=-5.0)


@hypothesis(Rank.ACCUMULATION)
def rounded_between(model: Model) -> Iterator[Prediction]:
    """Yield a softmax that is rounded to the 16 bits of the input before its logarithm is taken."""
    own = model.problem.format
    if own.is_half and model.contract.input == "logits" and model.part == "loss":
        p = model.softmax[1].astype(own.dtype).astype(np.float64)
        text = f"The softmax is rounded to {own.name} before its logarithm is taken; keep it in float32."
        value = model.finish(model.rows(logs=(np.log(p), p)))
        yield Prediction("narrowing", text, value, bits=-5.0, exact=True)
        yield Prediction("narrowing", text, value.astype(own.dtype).astype(np.float64), bits=-5.0, exact=True)


@hypothesis(Rank.LOST)
def narrowed(model: Model) -> Iterator[Prediction]:
    """Yield the values that a narrower dtype gives."""
    for narrow in NARROWER[model.problem.format.name]:
        name = np.dtype(narrow).name
        text = f"The values are those of {name}: something narrows {model.problem.format.name} to {name} on the way."
        z = model.z.astype(narrow)
        if model.contract.input == "logits":
            wide = z.astype(np.float64)
            log_p = log_softmax(wide)
            yield from from_logs(model, "narrowing", text, (log_p, np.exp(log_p)))
            for recipe in (
                log_softmax_shifted_by(row_maximum),
                log_softmax_and_exp,
                logsumexp_minus_scores,
                softmax_shifted_by(row_maximum),
            ):
                logs = simulate(model, narrow, recipe)
                yield from from_logs(model, "narrowing", text, logs)
                yield from from_logs(model, "narrowing", text, logs, final=narrow)
        elif model.contract.input == "probabilities":
            p = z.astype(np.float64)
            for log_p in (model.guard(model.contract.boundary, (np.log(p), p)),):
                yield from from_logs(model, "narrowing", text, (log_p, p))
                yield from from_logs(
                    model, "narrowing", text, (log_p.astype(narrow).astype(np.float64), p), final=narrow
                )
        if model.contract.input == "logits":
            for kept in (model.softmax[1].astype(narrow).astype(np.float64),):
                logs = (np.log(kept), kept)
                yield from from_logs(model, "narrowing", f"{text} The softmax is rounded.", logs, exact=False)
        yield Prediction("narrowing", text, model.right.astype(narrow).astype(np.float64), exact=True)


def _reach(model: Model, size: Floats) -> Floats:
    """Return how far rounding numbers of a size in each row, shape (n,), moves the loss or the gradient."""
    if model.part == "loss":
        return np.abs(model.finish(4 * model.u * np.abs(model.t).sum(axis=-1) * size))
    return np.abs(model.finish(model.logs[1] * np.expm1(8 * model.u * size)[:, None]))


def precision(seen: Observation) -> Iterator[Prediction]:
    """Yield, where nothing fits exactly, a cancellation or a narrowing that explains an error of this size."""
    model, got, allowed, error = seen.model, seen.got, seen.allowed, seen.error
    if not np.isfinite(error).all():
        return
    if model.contract.input == "logits" and model.z.size:
        spread = model.z.max(axis=-1) - model.z.min(axis=-1)
        # What a row's own differences explain when they are rounded is no matter of an offset.
        reach, shifted = (_reach(model, size) for size in (np.abs(model.lse), spread))
        offset = np.any(error > shifted + allowed)
        if offset and np.all(error <= reach + allowed) and reach.max() > 4 * allowed[error > allowed].max():
            mechanism, form = "lse_minus_label", "logsumexp(z) - z_y"
            if model.contract.is_entropy:
                mechanism, form = "logits_not_shifted", "logsumexp(z) - sum p z"
            text = (
                f"The error is of the size that {form} has, which grows with a common offset of the logits; "
                "subtract the row's maximum from all logits first."
            )
            yield Prediction(mechanism, text, got)
    largest = np.abs(model.right).max(initial=0.0)
    for narrow in NARROWER[model.problem.format.name]:
        name, u = np.dtype(narrow).name, float(ml_dtypes.finfo(narrow).eps) / 2
        # Three bits fewer prove nothing: one value in eight has them zero by chance.
        clear = not model.problem.format.is_half
        representable = clear and np.any(got != 0) and np.all(got.astype(narrow).astype(np.float64) == got)
        if representable and np.all(error <= 64 * u * largest + allowed):
            text = (
                f"Every value returned is a number of {name}: something narrows {model.problem.format.name} to {name}."
            )
            yield Prediction("narrowing", text, got)
    if model.problem.format.name == "float64" and 2.0**-32 * largest < error.max() <= 2.0**-19 * largest:
        text = (
            "The error is of the size that float32 gives: it is consistent with float32 on the way, or with a constant "
            "of some nine digits."
        )
        yield Prediction("narrowing", text, got)
    if model.problem.format.is_half and np.all(error <= _reach_of_half(model) + allowed):
        text = (
            f"The error is of the size that arithmetic in {model.problem.format.name} gives: sums and differences "
            "are rounded to 16 bits on the way; calculate in float32."
        )
        yield Prediction("narrowing", text, got)


def approximate(own: Sequence[Observation], wrong: Sequence[Observation]) -> Iterator[Prediction]:
    """Yield, where nothing else is known, that some digits are right on a finding's batches and the others are not."""
    finite = [seen for seen in own if np.isfinite(seen.error).all()]
    sizes = [np.abs(seen.model.right).max(initial=0.0) for seen in finite]
    if not finite or any(
        not np.all(
            seen.error <= 2.0**-7 * np.abs(seen.model.right) + seen.allowed + 2.0**-7 * size * (seen.got.ndim > 1)
        )
        for seen, size in zip(finite, sizes, strict=True)
    ):
        return
    first, size = finite[0], sizes[0]
    digits = -np.log10(first.error.max() / size) if size else 0.0
    if first.error.max() <= 64 * first.model.u * size:
        return
    # The rows of p - t sum to 0 whatever the exponentials are; those of difference quotients do not.
    differences = first.model.part == "gradient" and any(
        np.abs((seen.got - seen.model.right).sum(axis=-1)).max() > seen.error.max() / 8 for seen in wrong
    )
    text = f"About {digits:.0f} digits are right and the others follow no known pattern: it is consistent with "
    if differences:
        yield Prediction("finite_differences", f"{text}a difference quotient in place of the derivative.", first.got)
    else:
        yield Prediction(
            "exponentials_approximate", f"{text}an approximate exp or log, or a constant cut short.", first.got
        )


def _reach_of_half(model: Model) -> Floats:
    """Return how far 16-bit arithmetic may be off: some units of each intermediate result."""
    total = np.abs(model.t).sum(axis=-1)
    if model.part == "loss":
        sizes = total * (np.abs(model.lse) + 1 + np.log(max(model.m, 1))) + np.abs(model.rows())
        return np.abs(model.finish(8 * model.u * sizes))
    return np.abs(model.finish(8 * model.u * (total[:, None] * model.softmax[1] + np.abs(model.t))))
