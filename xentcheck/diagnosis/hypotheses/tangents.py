"""Mistakes of a derivative along a tangent, sum g v of the gradient g, as forward mode gives it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.simulation import NARROWER
from xentcheck.diagnosis.tangent_model import PART, TangentModel


@hypothesis(Rank.REDUCTION, part=PART)
def other_totals(model: Model) -> Iterator[Prediction]:
    """Yield derivatives of which the sign, the divisor or the sum over the rows is another."""
    assert isinstance(model, TangentModel)
    right, gradient, v = model.right, model.gradient, model.v
    text = "The derivative along the tangent is the negative of the certified one: a minus sign is missing or doubled."
    yield Prediction("wrong_sign", text, -right)
    yield Prediction("jvp_zero", "The derivative along the tangent is 0.", np.zeros_like(right), exact=True)
    text = "The derivative along the tangent is returned without its sign."
    yield Prediction("tangent_sign_lost", text, np.abs(right))
    text = "The derivative of each row along the tangent loses its sign."
    yield Prediction("tangent_sign_lost", text, model.reduced(np.abs((gradient * v).sum(axis=-1, keepdims=True))))
    text = "The tangent is taken without its signs."
    yield Prediction("tangent_sign_lost", text, model.reduced(gradient * np.abs(v)))
    divisor = model.divisor
    if model.reduction == "mean":
        for over, said in (("rows", "all rows"), ("kept", "the kept rows"), ("weights", "the sum of the weights")):
            count = model.divisor_of("mean", over)
            if count:
                text = f"The derivative along the tangent is divided by {said}; the contract's mean is not."
                yield Prediction(f"divisor_{over}", text, right * divisor / count)
    if divisor not in (0.0, 1.0):
        text = f"The derivative along the tangent is not divided by {divisor:g}, by which the loss is divided."
        yield Prediction("tangent_divisor", text, right * divisor)
        text = f"The derivative along the tangent is divided twice by {divisor:g}."
        yield Prediction("tangent_divisor", text, right / divisor)
    elif model.reduction != "mean" and model.n > 1:
        text = "The derivative along the tangent is divided by n, by which the loss is not."
        yield Prediction("tangent_divisor", text, right / model.n)
    if model.n > 1:
        text = "Only the first row's tangent counts."
        first = np.arange(model.n)[:, None] == 0
        yield Prediction("tangent_rows_lost", text, model.reduced(np.where(first, gradient * v, 0.0)))


@hypothesis(Rank.GRADIENT, part=PART)
def terms_left_out(model: Model) -> Iterator[Prediction]:
    """Yield derivatives along the tangent's entries at some classes, or of another gradient."""
    assert isinstance(model, TangentModel)
    t, v, gradient = model.t, model.v, model.gradient
    text = "Only the tangent's entries at the classes that the label counts are used: the others are left out."
    yield Prediction("tangent_in_part", text, model.reduced(np.where(t != 0, gradient * v, 0.0)))
    text = "The tangent's entries at the classes that the label counts are left out."
    yield Prediction("tangent_in_part", text, model.reduced(np.where(t == 0, gradient * v, 0.0)))
    if model.contract.gradient_wrt == "logits":
        p = model.logs[1]
        text = "The derivative along the tangent is p . v: the label's part, -t . v, is missing."
        yield Prediction("jvp_without_label", text, model.finish(model.factor_of_p(t) * p))
        text = "The tangent's entry at the largest probability is taken for that at the label."
        most = np.zeros_like(p)
        np.put_along_axis(most, p.argmax(axis=-1)[:, None], t.sum(axis=-1, keepdims=True), axis=-1)
        yield Prediction("jvp_of_prediction", text, model.finish(model.factor_of_p(t) * p - most))
        text = "The derivative along the tangent is -t . v: that of the log-sum-exp, p . v, is missing."
        yield Prediction("tangent_in_part", text, model.finish(-t))


@hypothesis(Rank.OPTIONS, part=PART)
def options_ignored(model: Model) -> Iterator[Prediction]:
    """Yield derivatives of a loss without one of its options."""
    problem = model.problem
    for given, mechanism, name, t in (
        (problem.class_weights is not None, "weights_ignored", "class weights have", {"unweighted": True}),
        (problem.row_weights is not None, "row_weights_ignored", "row weights have", {"by_row": np.ones(model.n)}),
        (bool(problem.smoothing), "smoothing_ignored", "label smoothing has", {"smoothing": 0.0}),
        (not problem.kept.all(), "ignored_rows_used", "ignored label has", {"all_rows": True}),
    ):
        if given:
            text = f"The {name} no effect on the derivative along the tangent."
            yield Prediction(mechanism, text, model.finish(model.rows(model.coefficients(**t))))
    if problem.z_loss:
        text = "The z-loss has no effect on the derivative along the tangent."
        yield Prediction("z_loss_missing", text, model.finish(model.rows(z_loss=0.0)))
    for factor, mechanism, name in (
        (problem.temperature, "temperature_derivative", "division by the temperature"),
        (problem.soft_cap, "soft_cap_derivative", "soft cap"),
    ):
        if factor is not None:
            text = f"The derivative of the {name} is left out along the tangent."
            yield Prediction(mechanism, text, model.finish(model.rows(), slope=1.0))


@hypothesis(Rank.LOST, part=PART)
def other_tangents(model: Model) -> Iterator[Prediction]:
    """Yield derivatives along what a narrower dtype makes of the tangent."""
    assert isinstance(model, TangentModel)
    for narrow in NARROWER[model.problem.format.name]:
        text = f"The tangent is rounded to {np.dtype(narrow).name} before it is multiplied."
        yield Prediction("narrowing", text, model.reduced(model.gradient * model.v.astype(narrow).astype(np.float64)))
