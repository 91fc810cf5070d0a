"""Mistakes of a product with the Hessian, which is w (diag p - p p^T) for each row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hessian_model import PART, HessianModel
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model, dot
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.simulation import NARROWER


@hypothesis(Rank.RARE, part=PART)
def products(model: Model) -> Iterator[Prediction]:
    """Yield products with another matrix."""
    assert isinstance(model, HessianModel)
    p, v, w = model.softmax[1], model.v, model.weight

    def rows(mechanism: str, sentence: str, value: object) -> Prediction:
        return Prediction(mechanism, sentence, model.finish(np.asarray(value, np.float64)))

    text = "The Hessian-vector product is the negative of the certified one: a minus sign is missing or doubled."
    yield Prediction("wrong_sign", text, -model.right)
    text = "Only the diagonal of the Hessian is used: p (1 - p) v; the product is p (v - p . v)."
    yield rows("hessian_diagonal", text, w * p * (1 - p) * v)
    text = "Only diag(p) of the Hessian is used: p v; the product is p (v - p . v)."
    yield rows("hessian_without_outer_product", text, w * p * v)
    text = "The Hessian is diag p - p t^T, which is not symmetric: p . v is taken for the labels t . v."
    yield rows("hessian_of_label", text, w * p * (v - dot(model.targets, v)[:, None]))
    for factor, said in ((model.divisor, "is not divided by"), (1 / model.divisor, "is divided twice by")):
        if model.divisor != 1:
            text = f"The product {said} {model.divisor:g}, by which the loss is divided."
            yield Prediction("hessian_divisor", text, model.right * factor)
    T = model.t.sum(axis=-1, keepdims=True)
    if model.contract.p_minus_t and np.any(np.abs(T - model.factor_of_p(model.t)) > 1e-12):
        text = "The product is that of the loss's Hessian, which has the factor sum t; that of p - t has not."
        yield rows("hessian_with_sum_t", text, T * p * (v - dot(p, v)[:, None]))
    text = "p - t stands in the place of p in p (v - p . v), as where p was overwritten by the gradient."
    q = p - model.targets
    yield rows("hessian_of_p_minus_t", text, w * q * (v - dot(q, v)[:, None]))
    text = "p . v runs over the whole batch; the Hessian couples no rows."
    yield rows("hessian_rows_mixed", text, w * p * (v - (p * v).sum()))
    text = "p . v runs over the rows (axis 0); it is to run over the classes."
    yield rows("hessian_rows_mixed", text, w * p * (v - (p * v).sum(axis=0, keepdims=True)))


@hypothesis(Rank.LOST, part=PART)
def other_vectors(model: Model) -> Iterator[Prediction]:
    """Yield products with what a narrower dtype, or a division by its largest entry, makes of the vector."""
    assert isinstance(model, HessianModel)
    for narrow in NARROWER[model.problem.format.name]:
        text = f"The vector is rounded to {np.dtype(narrow).name} before it is multiplied."
        yield Prediction("narrowing", text, model.along(model.v.astype(narrow).astype(np.float64)))
    size = np.abs(model.v).max(initial=0.0)
    if size not in (0.0, 1.0):
        text = "The vector is divided by its largest entry, and the product is not multiplied by that again."
        yield Prediction("direction_normalised", text, model.right / size)
