"""Mistakes about weights of classes and rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def weights(model: Model) -> Iterator[Prediction]:
    """Yield other factors of the rows in the place of the weights of their classes."""
    w, n = model.problem.class_weights, model.n
    if w is None:
        return
    for mechanism, text, factors in (
        ("weights_ignored", "The class weights have no effect.", np.ones(n)),
        (
            "weight_of_wrong_class",
            "Each row has the weight of the class with the highest score; take that of its label.",
            w[model.z.argmax(axis=-1)],
        ),
        (
            "weight_of_wrong_class",
            "All rows have the factor of the first row, which is 0 if that one is ignored; take each row's own.",
            np.full(n, model.row_weights[0] if n else 1.0),
        ),
        ("weights_squared", "The class weights are applied twice.", (model.targets @ w) ** 2),
        ("weights_reversed", "The class weights are taken in reverse order.", model.targets @ w[::-1]),
    ):
        rows = model.rows(model.coefficients(unweighted=True) * factors[:, None])
        yield Prediction(mechanism, text, model.finish(rows))
        if model.reduction == "mean" and model.contract.mean_over == "weights":
            total = float((factors * model.problem.kept).sum())
            yield Prediction(mechanism, text, model.finish(rows, divisor=total))


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def signs(model: Model) -> Iterator[Prediction]:
    """Yield class weights below 0 raised to 0, or without their sign."""
    w = model.problem.class_weights
    if w is None or not (w < 0).any():
        return
    for mechanism, text, others in (
        ("weights_clipped", "Class weights below 0 are raised to 0.", np.maximum(w, 0.0)),
        ("weights_absolute", "Class weights lose their sign.", np.abs(w)),
    ):
        yield Prediction(mechanism, text, model.finish(model.rows(model.coefficients(weights=others))))


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def integers(model: Model) -> Iterator[Prediction]:
    """Yield class weights made whole numbers, with the divisor that is right and with theirs."""
    w, t = model.problem.class_weights, model.targets
    if w is None or np.array_equal(w, np.trunc(w)):
        return
    for said, whole in (("truncated", np.trunc(w)), ("rounded", np.rint(w))):
        text = f"The class weights are {said} to whole numbers, as by an integer dtype."
        rows = model.rows(model.coefficients(weights=whole))
        yield Prediction("weights_truncated", text, model.finish(rows), variant=said)
        total = float(((t @ whole) * model.own_weights * model.problem.kept).sum())
        if model.reduction == "mean" and model.contract.mean_over == "weights" and total > 0.0:
            yield Prediction("weights_truncated", text, model.finish(rows, divisor=total), variant=said)


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def row_weights(model: Model) -> Iterator[Prediction]:
    """Yield other factors in the place of the rows' own weights, with the divisor that is right and with theirs."""
    v = model.problem.row_weights
    if v is None:
        return
    classes = model.row_weights / np.where(v == 0.0, 1.0, v)
    for mechanism, text, factors in (
        ("row_weights_ignored", "The row weights have no effect.", np.ones(model.n)),
        ("row_weights_squared", "The row weights are applied twice.", v * v),
        ("row_weights_as_mask", "Row weights other than 0 count as 1.", (v != 0.0).astype(np.float64)),
        ("row_weights_normalised", "The row weights are divided by their mean.", v / (v.mean() if v.any() else 1.0)),
        ("row_weights_misplaced", "The row weights are applied in reverse order.", v[::-1].copy()),
    ):
        rows = model.rows(model.coefficients(by_row=factors, all_rows=True))
        yield Prediction(mechanism, text, model.finish(rows))
        total = float((factors * classes).sum())
        if model.reduction == "mean" and model.contract.mean_over == "weights" and total > 0.0:
            yield Prediction(mechanism, text, model.finish(rows, divisor=total))


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def row_weights_of_all_rows(model: Model) -> Iterator[Prediction]:
    """Yield what losses of shape (n, 1) times weights of shape (n,) give: a matrix of all products."""
    v = model.problem.row_weights
    if v is None or model.n < 2 or model.reduction == "none":
        return
    text = (
        "Each loss is multiplied by the weights of all rows, n x n products, as losses of shape (n, 1) are by weights "
        "of shape (n,); give both one shape."
    )
    times = v.mean() if model.reduction == "mean" and model.contract.mean_over == "rows" else v.sum()
    rows = model.rows(model.coefficients(by_row=np.full(model.n, times), all_rows=True))
    yield Prediction("row_weights_of_all_rows", text, model.finish(rows))


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def weights_in_part(model: Model) -> Iterator[Prediction]:
    """Yield losses and gradients of which the weight multiplies the label's term alone."""
    if model.problem.class_weights is None or model.contract.input != "logits":
        return
    if model.part == "gradient":
        text = "Each column of p - t has the weight of its own class; the whole row has that of its label."
        plain = model.rows(model.coefficients(unweighted=True))
        yield Prediction("weights_by_column", text, model.finish(plain * model.problem.class_weights))
    text = "The weight multiplies only the label's logit and not the log-sum-exp: multiply the whole row's loss."
    total = model.coefficients(unweighted=True).sum(axis=-1)
    if model.part == "loss":
        rows: Floats = total * model.lse - (model.t * model.z).sum(axis=-1)
    else:
        rows = total[:, None] * model.softmax[1] - model.t
    yield Prediction("weight_on_logit_only", text, model.finish(rows))
