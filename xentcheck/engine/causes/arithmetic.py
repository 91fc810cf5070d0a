"""Right formulas, computed in a way that overflows, cancels, stagnates or narrows: simulated in the dtype itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from xentcheck.engine.causes.guess import Guess
from xentcheck.engine.causes.model import Floats, Logs, Model, dot, log_softmax
from xentcheck.engine.causes.tolerance import distance

Array = NDArray[Any]
Recipe = Callable[[Array], tuple[Array, Array]]
ZERO_TIMES_INF = (
    "A target of 0 is multiplied by an infinite log p, which gives nan; skip the classes whose target is 0."
)
NARROWER = {
    "float64": (np.float32, np.float16, ml_dtypes.bfloat16),
    "float32": (np.float16, ml_dtypes.bfloat16),
    "float16": (ml_dtypes.bfloat16,),
    "bfloat16": (),
}


def working_dtypes(model: Model) -> tuple[Any, ...]:
    """Return the dtypes in which a target may calculate without being narrow: that of the input and wider ones."""
    own = model.problem.format.dtype.type
    return {"float64": (own,), "float32": (own, np.float64)}.get(
        model.problem.format.name, (np.float32, own, np.float64)
    )


def _shifted_by(shift: Callable[[Array], Array]) -> Recipe:
    """Return a softmax whose exponents are z minus something, and its logarithm."""

    def recipe(z: Array) -> tuple[Array, Array]:
        e = np.exp(z - shift(z))
        s = e.sum(axis=-1, keepdims=True)
        p = e / s
        return np.log(p), p

    return recipe


def _log_of_sum_shifted_by(shift: Callable[[Array], Array]) -> Recipe:
    """Return z - c - log(sum exp(z - c)), and its exponential."""

    def recipe(z: Array) -> tuple[Array, Array]:
        d = z - shift(z)
        log_p = d - np.log(np.exp(d).sum(axis=-1, keepdims=True))
        return log_p, np.exp(log_p)

    return recipe


def _lse_minus(z: Array) -> tuple[Array, Array]:
    top = z.max(axis=-1, keepdims=True)
    log_p = z - (top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True)))
    return log_p, np.exp(log_p)


def _pairwise_lse(z: Array) -> tuple[Array, Array]:
    log_p = z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
    return log_p, np.exp(log_p)


def _row_max(z: Array) -> Array:
    return np.asarray(z.max(axis=-1, keepdims=True))


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
        yield from _both_ways(model, "log_of_softmax", text, _simulate(model, work, _shifted_by(_row_max)))
    for mechanism, sentence, shift in SHIFTS:
        for work in working_dtypes(model):
            for make in (_shifted_by, _log_of_sum_shifted_by):
                yield from _both_ways(model, mechanism, sentence, _simulate(model, work, make(shift)))


def cancelled(model: Model) -> Iterator[Guess]:
    """Yield what cancellation leaves of lse - z_y, of log(1 + s), and of p_y - 1."""
    if model.contract.input != "logits":
        return
    for work in working_dtypes(model):
        text = (
            "log(sum exp(z - max)) is taken of a sum 1 + s that has lost s: confident rows cost 0; "
            "use log1p of the sum without the maximum's own term."
        )
        yield from _both_ways(model, "log1p_missing", text, _simulate(model, work, _log_of_sum_shifted_by(_row_max)))
        text = (
            "The loss is computed as logsumexp(z) - z_y: both are large and their difference loses digits; "
            "subtract the row's maximum from z_y too: log(sum exp(z - max)) - (z_y - max)."
        )
        for recipe in (_lse_minus, _pairwise_lse):
            yield from _both_ways(model, "lse_minus_label", text, _simulate(model, work, recipe))
        if model.part == "gradient":
            p = _simulate(model, work, _shifted_by(_row_max))[1]
            rows = (model.t.sum(axis=-1, keepdims=True) * p).astype(work) - model.t.astype(work)
            text = "p_y - 1 cancels on confident rows; take minus the sum of the other probabilities."
            yield Guess("p_minus_1_cancels", text, model.finish(rows.astype(np.float64)), exact=True)


def narrowed(model: Model) -> Iterator[Guess]:
    """Yield the values that a narrower dtype gives."""
    for narrow in NARROWER[model.problem.format.name]:
        name = np.dtype(narrow).name
        text = f"The values are those of {name}: something narrows {model.problem.format.name} to {name} on the way."
        z = model.z.astype(narrow)
        if model.contract.input == "logits":
            wide = z.astype(np.float64)
            log_p = log_softmax(wide)
            yield from _both_ways(model, "narrowing", text, (log_p, np.exp(log_p)))
            for recipe in (_log_of_sum_shifted_by(_row_max), log_softmax_and_exp, _lse_minus, _shifted_by(_row_max)):
                logs = _simulate(model, narrow, recipe)
                yield from _both_ways(model, "narrowing", text, logs)
                yield from _both_ways(model, "narrowing", text, logs, final=narrow)
        elif model.contract.input == "probabilities":
            p = z.astype(np.float64)
            for log_p in (model.guard(model.contract.boundary, (np.log(p), p)),):
                yield from _both_ways(model, "narrowing", text, (log_p, p))
                yield from _both_ways(
                    model, "narrowing", text, (log_p.astype(narrow).astype(np.float64), p), final=narrow
                )
        yield Guess("narrowing", text, model.right.astype(narrow).astype(np.float64), exact=True)


def accumulated(model: Model) -> Iterator[Guess]:
    """Yield sums that stagnate or overflow in a 16-bit dtype, term after term or in blocks."""
    own = model.problem.format
    if not own.is_half:
        return
    work = own.dtype.type
    if model.contract.input == "logits":
        text = f"The sum of exponentials is accumulated in {own.name} and stops growing; accumulate it in float32."
        d = (model.z - _row_max(model.z)).astype(work)
        e = np.exp(d)
        for terms in (e, e[:, ::-1]):
            s = _running_sum(terms, work)
            log_p = (d - np.log(s)[:, None]).astype(np.float64)
            yield from _both_ways(model, "accumulation_16_bit", text, (log_p, np.exp(log_p)), exact=False, bits=-2.0)
            yield from _both_ways(model, "accumulation_16_bit", text, (log_p, (e / s[:, None]).astype(np.float64)))
    if model.part == "loss" and model.reduction != "none":
        rows = model.rows().astype(work)
        total = _running_sum(rows[None, :], work)[0]
        text = f"The sum of the rows is accumulated in {own.name}, where it "
        text += "overflows above 65,504" if np.isinf(float(total)) else "stops growing"
        text += "; accumulate it in float32."
        for value in (float(total), float(rows.sum())):
            yield Guess("accumulation_16_bit", text, np.asarray(value / model.divisor), bits=-2.0)


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
            log_p = _simulate(model, work, _shifted_by(_row_max))[0]
            yield Guess("zero_times_inf", ZERO_TIMES_INF, model.finish(-(model.t * log_p).sum(axis=-1)))


def precision(model: Model, got: Floats, allowed: Floats) -> Iterator[Guess]:
    """Yield, where nothing fits exactly, a cancellation or a narrowing that explains an error of this size."""
    error = distance(got, model.right)
    if not np.isfinite(error).all():
        return
    if model.contract.input == "logits" and model.z.size:
        lse = np.abs(model.lse)
        if model.part == "loss":
            reach = np.abs(model.finish(4 * model.u * np.abs(model.t).sum(axis=-1) * lse))
        else:
            reach = np.abs(model.finish(model.logs[1] * np.expm1(8 * model.u * lse)[:, None]))
        if np.all(error <= reach + allowed) and reach.max() > 4 * allowed[error > allowed].max():
            text = (
                "The error is of the size that logsumexp(z) - z_y has, which grows with a common offset of the logits; "
                "subtract the row's maximum from all logits first."
            )
            yield Guess("lse_minus_label", text, got)
    largest = np.abs(model.right).max(initial=0.0)
    for narrow in NARROWER[model.problem.format.name]:
        name, u = np.dtype(narrow).name, float(ml_dtypes.finfo(narrow).eps) / 2
        representable = np.any(got != 0) and np.all(got.astype(narrow).astype(np.float64) == got)
        if representable and np.all(error <= 64 * u * largest + allowed):
            text = (
                f"Every value returned is a number of {name}: something narrows {model.problem.format.name} to {name}."
            )
            yield Guess("narrowing", text, got)
    if model.problem.format.name == "float64" and 2.0**-32 * largest < error.max() <= 2.0**-19 * largest:
        text = "The error is of the size that float32 gives: something narrows float64 to float32 on the way."
        yield Guess("narrowing", text, got)


def log_softmax_and_exp(z: Array) -> tuple[Array, Array]:
    """Return log_softmax(z) in log1p form and its exponential, in the dtype of z."""
    log_p = log_softmax(z)
    return log_p, np.exp(log_p)


def _simulate(model: Model, work: Any, recipe: Recipe) -> Logs:
    """Return log p and p of a recipe calculated in a dtype, as float64."""
    log_p, p = recipe(model.z.astype(work))
    return log_p.astype(np.float64), p.astype(np.float64)


def _both_ways(
    model: Model, mechanism: str, sentence: str, logs: Logs, exact: bool = True, final: Any = None, bits: float = 0.0
) -> Iterator[Guess]:
    """Yield the part of a simulated log p and p, with the reduction in float64 and the result rounded to `final`."""
    log_p, p = logs
    t = model.t
    if model.part == "loss":
        rows = -dot(t, log_p)
    elif model.contract.gradient_wrt == "logits":
        rows = t.sum(axis=-1, keepdims=True) * p - t
    else:
        rows = model.slope(t, p)
    if model.problem.z_loss:
        rows = rows + model.penalty()
    if final is not None:
        rows = rows.astype(final).astype(np.float64)
    value = model.finish(rows)
    if final is not None:
        value = value.astype(final).astype(np.float64)
    yield Guess(mechanism, sentence, value, bits, exact)


def _running_sum(terms: Array, work: Any) -> Array:
    """Return the row sums, one term after the other, each rounded to the dtype."""
    total = np.zeros(terms.shape[0], work)
    for column in terms.T:
        total = (total + column).astype(work)
    return total


GROUPS = (infinite_logs, cancelled, accumulated, range_lost, underflowed_logs, narrowed)
