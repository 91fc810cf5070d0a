"""Mistakes about label smoothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def smoothing(model: Model) -> Iterator[Prediction]:
    """Yield other readings of label smoothing."""
    eps, m, base = model.problem.smoothing, model.m, model.targets
    if not eps:
        return
    text = f"The label smoothing of {eps:g} has no effect."
    yield from _either(model, "smoothing_ignored", text, model.coefficients(smoothing=0.0))
    other = "others" if model.contract.smoothing_over == "all" else "all"
    readings = {
        "all": f"eps / m to all m = {m} classes",
        "others": f"eps / (m - 1) to the m - 1 = {m - 1} other classes",
    }
    text = f"The smoothing gives {readings[other]}, but the contract says {readings[model.contract.smoothing_over]}."
    yield _from(model, f"smoothing_over_{other}", text, model.coefficients(over=other))
    weighted = model.coefficients(smoothing=0.0)
    uniform = model.t - (1 - eps) * weighted
    text = "Label smoothing reduces the label's share to 1 - eps, but the uniform part is missing."
    yield from _either(model, "smoothing_uniform_missing", text, (1 - eps) * weighted)
    text = "The uniform part of the label smoothing is subtracted; add it."
    yield from _either(model, "smoothing_sign", text, (1 - eps) * weighted - uniform)
    if m > 1:
        text = "The label's own class gets a share of the other classes, too: the smoothed row sums to more than 1."
        shared = base * (1 - eps) + eps / (m - 1)
        yield from _either(model, "smoothing_label_share", text, model.coefficients(shared, smoothing=0.0))
    if m > 2 and model.contract.smoothing_over == "others":
        text = "The smoothing gives eps / (m - 2) to each other class, as where one of them is padding."
        fewer = base * (1 - eps) + (1 - base) * eps / (m - 2)
        yield from _either(model, "smoothing_over_fewer", text, model.coefficients(fewer, smoothing=0.0))
    others = base * (1 - eps) + (1 - base) * eps / m
    text = "The label's own class misses its share eps / m: the smoothed row does not sum to 1."
    yield from _either(model, "smoothing_label_share", text, model.coefficients(others, smoothing=0.0))
    text = "The uniform part of the label smoothing is added to a label that keeps its full share, t + eps / m."
    added = base + eps / m
    yield from _either(model, "smoothing_without_1_minus_eps", text, model.coefficients(added, smoothing=0.0))
    sums = base.sum(axis=-1, keepdims=True)
    if np.any(np.abs(sums - 1) > 1e-12) and model.contract.smoothing_over == "all":
        text = "The uniform part of the label smoothing is multiplied by the sum of the row's labels; it is eps / m."
        times = base * (1 - eps) + sums * (eps / m)
        yield from _either(model, "smoothing_times_sum", text, model.coefficients(times, smoothing=0.0))
    if not model.problem.kept.all():
        text = "The uniform part of the label smoothing is added in the ignored rows too."
        ignored = np.where(model.problem.kept[:, None], 0.0, model.coefficients(np.zeros_like(base), all_rows=True))
        yield from _either(model, "ignored_rows_used", text, model.t + ignored)
        if model.reduction == "mean" and model.divisor and model.contract.mean_over == "kept":
            text = "The uniform part of the label smoothing is a mean over all rows, the ignored ones included."
            everywhere = (uniform + ignored) * (model.divisor / model.n)
            yield from _either(model, "ignored_rows_used", text, (1 - eps) * weighted + everywhere)
            text = "The uniform part of the label smoothing is divided by all rows, the ignored ones included."
            diluted = uniform * (model.divisor / model.n)
            yield from _either(model, "smoothing_divided_by_all_rows", text, (1 - eps) * weighted + diluted)
    if model.problem.class_weights is not None:
        text = "The class weights multiply the label's share alone, and not the uniform part of the label smoothing."
        bare = model.coefficients(unweighted=True) - (1 - eps) * model.coefficients(smoothing=0.0, unweighted=True)
        yield from _either(model, "smoothing_unweighted", text, (1 - eps) * weighted + bare)
    declared = model.contract.smoothing_weights
    for by in ("label", "class") if declared != "mean" else ("label", "class", "mean"):
        if by != declared:
            text = f"The class weights enter the smoothing in another way (by {by} in place of {declared})."
            yield _from(model, "smoothing_weights", text, model.coefficients(weigh=by))


def _either(model: Model, mechanism: str, sentence: str, t: Floats) -> Iterator[Prediction]:
    """Yield what other coefficients give, and what they give where only those subtracted from p are wrong."""
    yield _from(model, mechanism, sentence, t)
    if model.part == "gradient" and model.contract.gradient_wrt == "logits" and model.contract.boundary.exact:
        rows = model.factor_of_p(model.t) * model.logs[1] - t
        extra = model.penalty() if model.problem.z_loss else 0.0
        yield Prediction(mechanism, sentence, model.finish(rows + extra))


def _from(model: Model, mechanism: str, sentence: str, t: Floats) -> Prediction:
    return Prediction(mechanism, sentence, model.finish(model.rows(t)))
