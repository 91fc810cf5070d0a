"""Mistakes that scale the right value: divisors, signs, bases of the logarithm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.simulation import NARROWER

COMMON = -3.0  # bits: what is common needs less evidence
_SMALL = 1e-4
"""Upstream gradients that may be dropped for their size; down to which, nothing tells."""


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def upstream(model: Model) -> Iterator[Prediction]:
    """Yield the gradient under another upstream gradient than the one given."""
    given = model.problem.upstream
    if model.part != "gradient" or given is None:
        return
    text = "The upstream gradient is ignored; multiply the gradient of each row by it."
    yield Prediction("upstream_ignored", text, model.finish(model.rows(), upstream=1.0))
    text = "The upstream gradient is applied by its absolute value."  # else, where all are negative, a wrong sign
    yield Prediction("upstream_distorted", text, model.finish(model.rows(), upstream=np.abs(given)))
    text = "Negative upstream gradients are taken for 0; they are as good as positive ones."
    yield Prediction("upstream_distorted", text, model.finish(model.rows(), upstream=np.maximum(given, 0.0)))
    text = "The upstream gradients are clipped to [-1, 1]."
    yield Prediction("upstream_distorted", text, model.finish(model.rows(), upstream=np.clip(given, -1.0, 1.0)), 1.0)
    text = "Negative upstream gradients are taken for 1; they are as good as positive ones."
    ones = np.where(np.less(given, 0.0), 1.0, given)
    yield Prediction("upstream_distorted", text, model.finish(model.rows(), upstream=ones), 1.0)
    dropped = (given != 0.0) & (np.abs(given) < _SMALL)
    if np.any(dropped):
        largest = np.abs(given)[dropped].max()
        text = f"Upstream gradients of {largest:.2g} are taken for 0; small ones are as good as others."
        left = np.where(dropped, 0.0, given)
        yield Prediction("upstream_distorted", text, model.finish(model.rows(), upstream=left), variant="small")
    if np.ndim(given) == 1 and len(given) > 1:
        text = "All rows are multiplied by the mean of the upstream gradients; multiply each row by its own."
        yield Prediction("upstream_mean", text, model.finish(model.rows(), upstream=np.full_like(given, given.mean())))
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
    if problem.row_weights is not None:
        declared["weights"] = "the weights of the rows"
    wanted = f"the contract's mean is over {declared[model.contract.mean_over]} ({model.divisor:g})"
    for over in ("rows", "kept", "weights"):
        count = model.divisor_of("mean", over)
        if count:
            text = f"The {part} is divided by {count:g}, the count of {declared[over]}, but {wanted}."
            yield Prediction(f"divisor_{over}", text, total / count)
    key = "sum_for_mean" if part == "loss" else "gradient_missing_1_over_n"
    text = f"The {part} equals the certified one times {model.divisor:g}: it is a sum where the contract says mean; "
    yield Prediction(key, text + f"divide by {model.divisor:g}.", total, COMMON)
    if model.labels is not None and problem.class_weights is not None and not problem.kept.all():
        for stand_in in dict.fromkeys((0, model.m - 1)):
            count = float(problem.class_weights[np.where(problem.kept, model.labels, stand_in)].sum())
            if count:
                text = f"Each ignored row adds the weight of class {stand_in} to the divisor, but {wanted}."
                yield Prediction("divisor_weights_of_ignored", text, total / count)


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def given_divisor(model: Model) -> Iterator[Prediction]:
    """Yield the sum with the divisor that the caller gave left out, or used twice, or with another."""
    given, part, n = model.problem.divisor, model.part, model.n
    if given is None or model.reduction != "sum":
        return
    total = model.right * given
    text = f"The {part} is not divided by the number given, {given:g}."
    yield Prediction("divisor_ignored", text, total, COMMON)
    text = f"The {part} is divided by the number given, {given:g}, twice."
    yield Prediction("divisor_twice", text, total / given**2)
    kept = int(model.problem.kept.sum())
    for count, name in ((n, "rows"), (kept, "rows that count"), (given * n, "number given and by that of the rows")):
        if count:
            text = f"The {part} is divided by the {name}, {count:g}, where the number given is {given:g}."
            yield Prediction("divisor_ignored" if count != given * n else "divisor_twice", text, total / count)
    for limit, said in ((min(given, n), "the smaller"), (max(given, n), "the larger")):
        if limit:
            text = f"The {part} is divided by {said} of the number given, {given:g}, and that of the rows, {n}."
            yield Prediction("divisor_limited", text, total / limit, variant=said)
    narrow = float(np.asarray(given, np.float16))
    if narrow not in (given, 0.0, np.inf):
        text = f"The {part} is divided by the number given, {given:g}, as float16 has it, {narrow:g}."
        yield Prediction("divisor_narrowed", text, total / narrow, variant="float16")


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def factor_in_float32(model: Model) -> Iterator[Prediction]:
    """Yield the right sum times a factor 1 / divisor that was rounded to float32."""
    divisor = model.divisor
    if divisor > 0 and model.u < 2.0**-24 and (factor := float(np.float32(1 / divisor))) != 1 / divisor:
        text = f"The factor 1 / {divisor:g} is rounded to float32; divide in the dtype of the {model.part}."
        yield Prediction("factor_in_float32", text, model.right * divisor * factor)


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def factors(model: Model) -> Iterator[Prediction]:
    """Yield the right value with another sign or factor, and rows that were reduced."""
    right, part = model.right, model.part
    text = (
        f"The {model.contract.spoken(part)} is the negative of the certified one: a minus sign is missing or doubled."
    )
    yield Prediction("wrong_sign", text, -right, COMMON)
    text = f"The {part} equals the certified one times {{}}: a constant factor is wrong."
    yield Prediction("halved", text.format("1/2"), right / 2)
    if model.m == 2 and part == "loss":
        text += " With two classes this is also what an added -(1 - t) log(1 - p) gives."
    yield Prediction("doubled", text.format(2), right * 2)
    if model.reduction == "none" and part == "loss":
        text = "Every row holds the mean of all rows: they were reduced, and the contract's reduction is none."
        yield Prediction("reduced_rows", text, np.full(model.n, right.mean()))
        text = "Every row holds the sum of all rows: they were reduced, and the contract's reduction is none."
        yield Prediction("reduced_rows", text, np.full(model.n, right.sum()))


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def other_counts(model: Model) -> Iterator[Prediction]:
    """Yield a mean divided by m, by n - 1 or by n + 1 in place of n, and one of means of classes."""
    if model.reduction != "mean":
        return
    n, m, part = model.n, model.m, model.part
    total = model.right * model.divisor
    text = f"The {part} is divided by m = {m}, the number of classes, in place of {model.divisor:g}."
    yield Prediction("divisor_m_for_n", text, total / m)
    if part == "loss" and model.labels is not None and n:
        rows, y = model.rows() * n / model.divisor, model.labels
        means = [rows[y == label].mean() for label in np.unique(y)]
        text = (
            "The losses are averaged in each class first, and then over the {}, as class weights make it that are "
            "balanced in the batch; take the mean of all rows."
        )
        for classes, which in ((len(means), "classes that occur"), (m, "classes")):
            yield Prediction(
                "mean_of_class_means", text.format(which), np.asarray(np.sum(means) / classes), variant=which
            )
    for other in (n - 1, n + 1):  # else n - 1 = 1 of 2 rows is taken for a sum
        if other > 0:
            text = f"The {part} is divided by {other} in place of {model.divisor:g}: a count that is one off."
            yield Prediction("divisor_one_off", text, total / other)
    if model.labels is not None and (zeros := model.problem.kept & (model.labels == 0)).any():
        count = max(float(model.problem.kept.sum() - zeros.sum()), 1.0)
        text = f"The {part} is divided by {count:g}, the rows of which the label is not 0, as if that were padding, in"
        yield Prediction("divisor_of_nonzero_labels", f"{text} place of {model.divisor:g}.", total / count)
