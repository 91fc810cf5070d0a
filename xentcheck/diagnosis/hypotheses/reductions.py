"""Mistakes that scale the right value: divisors, signs, bases of the logarithm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.simulation import NARROWER
from xentcheck.truth.formats import FORMATS

COMMON = -3.0  # bits: what is common needs less evidence


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def nothing(model: Model) -> Iterator[Prediction]:
    """Yield the means of no rows that a contract may ask for."""
    if model.part == "loss" and model.reduction == "mean" and model.divisor == 0:
        for value in (0.0, np.nan):
            text = f"The mean of no rows is {value:g}; the contract's empty_mean is {model.contract.empty_mean}."
            yield Prediction("empty_mean", text, np.asarray(value), -100.0)


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def upstream(model: Model) -> Iterator[Prediction]:
    """Yield the gradient under another upstream gradient than the one given."""
    given = model.problem.upstream
    if model.part != "gradient" or given is None:
        return
    rows = model.rows()
    if given.ndim and given.size:
        text = "Every row's gradient is multiplied by upstream[0]; multiply row i by upstream[i]."
        yield Prediction("upstream_first_row", text, model.finish(rows, upstream=given[0]))
        text = (
            "Every row's gradient is multiplied by the mean of the upstream gradients; multiply row i by upstream[i]."
        )
        yield Prediction("upstream_mean", text, model.finish(rows, upstream=given.mean()))
        text = "Every row's gradient is multiplied by the sum of the upstream gradients; multiply row i by upstream[i]."
        yield Prediction("upstream_sum", text, model.finish(rows, upstream=given.sum()))
        for change, how in ((given[::-1], "in reverse order"), (np.roll(given, 1), "shifted by a row")):
            yield Prediction(
                "upstream_misplaced", f"The upstream gradients are applied {how}.", model.finish(rows, upstream=change)
            )
    text = "The upstream gradient is ignored; multiply the gradient of each row by it."
    yield Prediction("upstream_ignored", text, model.finish(rows, upstream=1.0))
    for how, change in (
        ("squared", given**2),
        ("by its absolute value", np.abs(given)),
        ("as 0 where it is negative", np.maximum(given, 0)),
        ("clipped to [-1, 1]", np.clip(given, -1, 1)),
        ("by its sign", np.sign(given)),
        ("as an integer", np.trunc(given)),
        ("as 1 where it is 0", np.where(given == 0, 1.0, given)),
    ):
        yield Prediction(
            "upstream_distorted", f"The upstream gradient is applied {how}.", model.finish(rows, upstream=change)
        )


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def upstream_in_part(model: Model) -> Iterator[Prediction]:
    """Yield p - t of which the upstream gradient multiplies one of the two terms alone, and a narrowed one."""
    given = model.problem.upstream
    if model.part != "gradient" or given is None or model.contract.gradient_wrt != "logits":
        return
    up = given.reshape(-1, 1) if given.ndim else given
    total, p, t = model.t.sum(axis=-1, keepdims=True), model.logs[1], model.t
    for which, rows in (("p", up * total * p - t), ("t", total * p - up * t)):
        text = f"The upstream gradient multiplies {which} alone; it is to multiply p - t."
        yield Prediction("upstream_in_part", text, model.finish(rows, upstream=1.0), variant=text)
    spoilt = np.where(given == 0, np.nan, given)
    text = "Where the upstream gradient is 0 the gradient is nan: it is divided by."
    yield Prediction("upstream_distorted", text, model.finish(model.rows(), upstream=spoilt))
    for narrow in NARROWER[model.problem.format.name]:
        name = np.dtype(narrow).name
        text = f"The upstream gradient is narrowed to {name} on the way."
        change = given.astype(narrow).astype(np.float64)
        yield Prediction("narrowing", text, model.finish(model.rows(), upstream=change), variant=text)


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def divisors(model: Model) -> Iterator[Prediction]:
    """Yield the right value under another divisor."""
    n, m, right, part = model.n, model.m, model.right, model.part
    declared, kept = model.reduction, int(model.problem.kept.sum())
    divided = f"The {part} equals the certified one divided by n = {n}: "
    if declared == "sum":
        key = "mean_for_sum" if part == "loss" else "gradient_extra_1_over_n"
        yield Prediction(
            key, divided + "it is a mean where the contract says sum; leave the division out.", right / n, COMMON
        )
    elif declared == "none":
        key = "divided_by_n" if part == "loss" else "gradient_extra_1_over_n"
        yield Prediction(key, divided + "the contract's reduction is none, so no row is to be divided.", right / n)
    else:
        yield from _of_a_mean(model)
        key = "divided_by_n_twice" if part == "loss" else "gradient_extra_1_over_n"
        yield Prediction(key, divided + "it is divided by n twice; leave one division out.", right / n)
    if declared != "none":
        text = f"The {part} equals the certified one divided by m = {m}"
        yield Prediction(
            "divided_by_m", f"{text}, the number of classes; the rows are reduced, not the classes.", right / m
        )
        text = f"The {part} equals the certified one divided by n m = {n * m}"
        yield Prediction("mean_over_n_m", f"{text}: a mean over all entries instead of the rows.", right / (n * m))
        text = f"The {part} equals the certified one divided by n squared = {n * n}"
        yield Prediction("divided_by_n_twice", f"{text}; the contract's reduction is {declared}.", right / n**2)
    else:
        yield Prediction("divided_by_m", f"Every row is divided by m = {m}, the number of classes.", right / m)
    if kept != n and kept and declared == "sum":
        text = f"The {part} is divided by the {kept} rows kept, where the contract says sum."
        yield Prediction("mean_for_sum", text, right / kept)


def _of_a_mean(model: Model) -> Iterator[Prediction]:
    """Yield the divisors that can be taken for that of a declared mean."""
    part, problem = model.part, model.problem
    total = model.right * model.divisor
    declared = {"rows": "all rows", "kept": "the kept rows", "weights": "the weights of the rows' classes"}
    wanted = f"the contract's mean is over {declared[model.contract.mean_over]} ({model.divisor:g})"
    for over in ("rows", "kept", "weights"):
        count = model.divisor_of("mean", over)
        if count:
            text = f"The {part} is divided by {count:g}, the count of {declared[over]}, but {wanted}."
            yield Prediction(f"divisor_{over}", text, total / count)
    key = "sum_for_mean" if part == "loss" else "gradient_missing_1_over_n"
    text = f"The {part} equals the certified one times {model.divisor:g}: it is a sum where the contract says mean; "
    yield Prediction(key, text + f"divide by {model.divisor:g}.", total, COMMON)
    if model.labels is not None and not problem.kept.all():
        masked = np.where(problem.kept, model.labels, 0)
        if np.any(masked):
            text = f"The {part} is divided by the number of labels that are not 0, but {wanted}."
            yield Prediction("divisor_of_nonzero_labels", text, total / np.count_nonzero(masked))
        if problem.class_weights is not None:
            for stand_in in dict.fromkeys((0, model.m - 1)):
                count = float(problem.class_weights[np.where(problem.kept, model.labels, stand_in)].sum())
                if count:
                    text = f"Each ignored row adds the weight of class {stand_in} to the divisor, but {wanted}."
                    yield Prediction("divisor_weights_of_ignored", text, total / count)
    if problem.class_weights is not None:
        text = f"The {part} is divided by the sum of all class weights, but {wanted}."
        yield Prediction("divisor_all_weights", text, total / problem.class_weights.sum())
        count = float(problem.kept.sum() * problem.class_weights.mean())
        yield Prediction(
            "divisor_mean_weight", f"The {part} is divided by n times the mean weight, but {wanted}.", total / count
        )


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def factors(model: Model) -> Iterator[Prediction]:
    """Yield the right value with another sign, base or constant factor."""
    right, part = model.right, model.part
    text = f"The {part} is the negative of the certified one: a minus sign is missing or doubled."
    yield Prediction("wrong_sign", text, -right, COMMON)
    for base, log in ((2, "log2"), (10, "log10")):
        text = f"The {part} equals the certified one divided by ln {base}: {log} is used; use the natural logarithm."
        yield Prediction(f"base_{base}", text, right / np.log(base))
        text = f"The {part} equals the certified one times ln {base}: a change of base is applied once too often."
        yield Prediction(f"base_{base}_inverse", text, right * np.log(base))
    text = f"The {part} equals the certified one times {{}}: a constant factor is wrong."
    yield Prediction("halved", text.format("1/2"), right / 2)
    if model.m == 2 and part == "loss":
        text += " With two classes this is also what an added -(1 - t) log(1 - p) gives."
    yield Prediction("doubled", text.format(2), right * 2)
    if model.reduction != "none":
        yield Prediction("times_n", f"The {part} equals the certified one times n = {model.n}.", right * model.n)
    yield Prediction("times_m", f"The {part} equals the certified one times m = {model.m}.", right * model.m)
    if model.reduction == "none" and part == "loss":
        text = "Every row holds the mean of all rows: they were reduced, and the contract's reduction is none."
        yield Prediction("reduced_rows", text, np.full(model.n, right.mean()))
        text = "Every row holds the sum of all rows: they were reduced, and the contract's reduction is none."
        yield Prediction("reduced_rows", text, np.full(model.n, right.sum()))


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def other_counts(model: Model) -> Iterator[Prediction]:
    """Yield a mean divided by m, by n - 1 or by n + 1 in place of n."""
    if model.reduction != "mean":
        return
    n, m, part = model.n, model.m, model.part
    total = model.right * model.divisor
    text = f"The {part} is divided by m = {m}, the number of classes, in place of {model.divisor:g}."
    yield Prediction("divisor_m_for_n", text, total / m)
    for bits in (8, 16):
        for low, kind in ((0, "uint"), (-(2 ** (bits - 1)), "int")):
            counted = (n - low) % 2**bits + low
            if counted != n:
                text = f"The rows are counted in {kind}{bits}, where {n} is {counted}."
                yield Prediction("divisor_wrapped", text, total / np.float64(counted), variant=f"{kind}{bits}")
    for name in ("bfloat16", "float16"):
        counted = int(np.asarray(n).astype(FORMATS[name].dtype))
        if counted != n:
            text = f"The rows are counted in {name}, where {n} is {counted}."
            yield Prediction("divisor_wrapped", text, total / counted, variant=name)
    if part == "loss" and model.labels is not None and n > 1:
        rows, y = model.rows() * n / model.divisor, model.labels
        means = [rows[y == label].mean() for label in np.unique(y)]
        text = "The losses are averaged in each class first, and then over the classes; take the mean of all rows."
        yield Prediction("mean_of_class_means", text, np.asarray(np.mean(means)))
    for other in (n - 1, n + 1):
        if other > 0:
            text = f"The {part} is divided by {other} in place of {model.divisor:g}: a count that is one off."
            yield Prediction("divisor_one_off", text, total / other)


@hypothesis(Rank.RARE)
def truncated(model: Model) -> Iterator[Prediction]:
    """Yield the right value made an integer."""
    for how, change in (("cut down", np.trunc), ("rounded", np.rint), ("rounded down", np.floor)):
        text = f"The {model.part} is {how} to integers: an array of integers receives it, or an integer division."
        yield Prediction("output_dtype", text, np.asarray(change(model.right), np.float64), exact=True, bits=4.0)


@hypothesis(Rank.RARE)
def empty(model: Model) -> Iterator[Prediction]:
    """Yield a loss of zero."""
    if model.part == "loss":
        text = "The loss is zero: nothing of the scores and labels reaches it."
        yield Prediction("zero", text, np.zeros_like(model.right), exact=True)


@hypothesis(Rank.RARE)
def no_rows(model: Model) -> Iterator[Prediction]:
    """Yield nan for a batch of one row: the mean of what is left where one row is dropped."""
    if model.n == 1 and model.reduction == "mean" and model.part == "loss":
        text = "The loss of one row is nan, as the mean of no rows is: a row may be left out, or n - 1 divided by."
        yield Prediction("last_row_dropped", text, np.asarray(np.nan))
