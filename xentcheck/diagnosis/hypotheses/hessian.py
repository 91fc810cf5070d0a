"""Mistakes of a product with the Hessian, which is w (diag p - p p^T) for each row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hessian_model import PART, HessianModel
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model, dot
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.RARE, part=PART)
def products(model: Model) -> Iterator[Prediction]:
    """Yield products with another matrix, and right ones with another scale."""
    assert isinstance(model, HessianModel)
    p, v, w, t = model.softmax[1], model.v, model.weight, model.t
    mean, g = model.mean_of_vector, w * p - t

    def rows(mechanism: str, sentence: str, value: object) -> Prediction:
        return Prediction(mechanism, sentence, model.finish(np.asarray(value, np.float64)))

    text = "No second derivative is propagated: zeros are returned where an error is due."
    yield Prediction("hessian_zero", text, np.zeros_like(v), -100.0)
    for factor, key, said in ((2.0, "doubled", "too much in"), (0.5, "halved", "missing from")):
        yield Prediction(f"hessian_{key}", f"A factor of 2 is {said} the second derivative.", factor * model.right)
    yield Prediction("hessian_sign", "The second derivative has the wrong sign.", -model.right)
    if model.divisor not in (0, 1):
        text = "The second derivative is not divided by the {:g} of the mean."
        yield Prediction("hessian_times_n", text.format(model.divisor), model.right * model.divisor)
        text = "The second derivative is divided by the {:g} of the mean twice."
        yield Prediction("hessian_divided_twice", text.format(model.divisor), model.right / model.divisor)
    elif model.n > 1:
        text = "The second derivative is divided by n, and the loss is no mean."
        yield Prediction("hessian_divided_twice", text, model.right / model.n)
    text = "Only the diagonal p (1 - p) is used: the terms -p_i p_j are missing."
    yield rows("hessian_diagonal", text, w * p * (1 - p) * v)
    text = "The term -p (p . v) is missing: the Hessian of a row is diag(p) - p p^T."
    yield rows("hessian_without_outer_product", text, w * p * v)
    text = "The term diag(p) is missing: the Hessian of a row is diag(p) - p p^T."
    yield rows("hessian_without_diagonal", text, -w * p * mean)
    yield rows("hessian_without_diagonal", text, w * p * mean)
    yield rows("hessian_outer_sign", "p p^T is added to diag(p); subtract it.", w * p * (v + mean))
    text = "The vector's entry at the label is subtracted; subtract its mean under p: H v = p (v - p . v)."
    yield rows("hessian_of_label", text, w * p * (v - dot(model.targets, v)[:, None]))
    text = "The row of the Hessian at the label's class is 0."
    yield rows("hessian_at_label", text, np.where(model.targets > 0, 0.0, w * p * (v - mean)))
    text = "The mean of the vector's entries is subtracted; subtract its mean under p: H v = p (v - p . v)."
    yield rows("hessian_of_plain_mean", text, w * p * (v - v.mean(axis=-1, keepdims=True)))
    text = "The sum of the vector's entries is subtracted; subtract its mean under p: H v = p (v - p . v)."
    yield rows("hessian_of_plain_mean", text, w * p * (v - v.sum(axis=-1, keepdims=True)))
    text = "The outer product of the gradient takes the Hessian's place (as in an empirical Fisher matrix)."
    yield rows("hessian_as_fisher", text, g * dot(g, v)[:, None])
    yield rows("hessian_as_fisher", text, (p - model.targets) * dot(p - model.targets, v)[:, None])
    yield rows("hessian_as_gradient", "The gradient times the vector, entry by entry, is returned.", g * v)
    yield rows("hessian_as_gradient", "The gradient is returned, whatever the vector.", g)
    yield rows("hessian_identity", "The vector is returned: the Hessian is taken for the identity.", v)
    text = "p - t stands in the place of p in p (v - p . v), as where p was overwritten by the gradient."
    q = p - model.targets
    yield rows("hessian_of_p_minus_t", text, w * q * (v - dot(q, v)[:, None]))
    text = "p . v runs over the whole batch; the Hessian couples no rows."
    yield rows("hessian_rows_mixed", text, w * p * (v - (p * v).sum()))
    text = "p . v runs over the rows (axis 0); it is to run over the classes."
    yield rows("hessian_rows_mixed", text, w * p * (v - (p * v).sum(axis=0, keepdims=True)))
    text = "The row's weight (sum of its targets and class weights) is missing from the Hessian."
    yield rows("hessian_unweighted", text, p * (v - mean))
    yield rows("hessian_unweighted", text, model.problem.kept[:, None] * p * (v - mean))
    yield rows("hessian_weight_squared", "The row's weight counts twice in the Hessian.", w**2 * p * (v - mean))
    if model.problem.z_loss:
        plain = t.sum(axis=-1, keepdims=True)
        yield rows("z_loss_missing", "The z-loss is missing from the second derivative.", plain * p * (v - mean))
        text = "The z-loss has its lse diag(p) - p p^T part alone: 2 lambda p p^T is missing."
        yield rows("z_loss_gradient", text, w * p * (v - mean))
