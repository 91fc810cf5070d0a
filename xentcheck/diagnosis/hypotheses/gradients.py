"""Mistakes that only a gradient can have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model, dot
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.GRADIENT, partly=True)
def target_terms(model: Model) -> Iterator[Prediction]:
    """Yield mistakes about p and t in R p - t, R being T = sum t, or for p - t as a policy the weight of the row."""
    if model.part != "gradient":
        return
    t, p = model.t, model.logs[1]
    T, R = t.sum(axis=-1, keepdims=True), model.factor_of_p(t)

    def rows(mechanism: str, sentence: str, value: object, bits: float = 0.0) -> Prediction:
        return Prediction(mechanism, sentence, model.finish(np.asarray(value, np.float64)), bits)

    yield rows("gradient_p_only", "The gradient is p; the target is not subtracted: it is p - t.", R * p)
    yield rows("gradient_p_only", "The gradient is p; the target is not subtracted: it is p - t.", p)
    yield rows("gradient_minus_t", "The gradient is -t: the derivative of the log-sum-exp, p, is missing.", -t)
    if model.contract.p_minus_t and np.any(np.abs(T - R) > 1e-12):
        text = "The gradient is (sum t) p - t, the derivative of the loss; the contract's is p - t, whatever t sums to."
        yield rows("gradient_with_sum_t", text, T * p - t)
        text = "Rows whose labels are all 0 are left out; the gradient of such a row is p, as p - t says of every row."
        yield rows("zero_rows_left_out", text, np.where((t == 0).all(axis=-1, keepdims=True), 0.0, R * p - t))
    elif not model.contract.p_minus_t and np.any(np.abs(T - 1) > 1e-12):
        text = (
            "The gradient is p - t; where the targets of a row do not sum to 1 it is (sum t) p - t, unless "
            'gradient_of="p - t" declares that policy.'
        )
        yield rows("gradient_sum_t_ignored", text, p - t)
        yield rows("gradient_sum_t_ignored", text, np.where(T == 0, 0.0, p - t))
    if model.contract.gradient_wrt == "logits":
        text = "The gradient is -t / p, that by the probabilities; the contract's is by the logits: p - t."
        yield rows("gradient_wrt_probabilities", text, np.where(t == 0, 0.0, -t / p))
    else:
        by = {"probabilities": "the probabilities: -t / p", "log_probabilities": "the log-probabilities: -t"}
        text = f"The gradient is p - t, that by the logits; the contract's is by {by[model.contract.gradient_wrt]}."
        yield rows("gradient_wrt_logits", text, T * p - t)
    text = "Only the diagonal of the softmax's Jacobian is used: -t (1 - p); the gradient is p - t."
    yield rows("jacobian_diagonal", text, -t * (1 - p))
    text = "The target is multiplied by p: the gradient is p - t, and not p - t p."
    yield rows("gradient_t_times_p", text, R * p - t * p)
    text = "The gradient is that of the squared error, 2 (p - t) through the softmax's Jacobian."
    squared = 2 * (p - t)
    yield rows("squared_error", text, p * (squared - dot(p, squared)[:, None]))
    if model.contract.gradient_wrt == "logits":
        text = "The shift is differentiated within the exponentials alone: the largest logit gets 1 too little."
        top = np.zeros_like(p)
        np.put_along_axis(top, model.z.argmax(axis=-1)[:, None], 1.0, -1)
        yield rows("shift_half_differentiated", text, R * p - t - R * top)
    elif model.contract.boundary.divides and model.contract.input == "probabilities":
        text = "The sum by which a row is divided is taken for a constant; it depends on every entry of the row."
        total, eps = model.z.sum(axis=-1, keepdims=True), model.contract.boundary.add or 0.0
        apart = np.where(t == 0, 0.0, -t / (p + eps)) / (1.0 if model.contract.boundary.after else total)
        clip = model.contract.boundary.clip or (0.0, np.inf)
        yield rows("normaliser_held_constant", text, np.where((p < clip[0]) | (p > clip[1]), 0.0, apart))


@hypothesis(Rank.GRADIENT, partly=True)
def limited(model: Model) -> Iterator[Prediction]:
    """Yield gradients whose entries are clipped."""
    if model.part == "gradient":
        for limit in (1.0, 0.5, 0.1, 0.01, 5.0, 10.0):
            text = f"The entries of the gradient are clipped to [-{limit:g}, {limit:g}]."
            yield Prediction("gradient_clipped", text, np.clip(model.right, -limit, limit), 2.0)


@hypothesis(Rank.LOST, partly=True)
def vanished(model: Model) -> Iterator[Prediction]:
    """Yield a gradient of zeros."""
    if model.part == "gradient":
        text = "The gradient is zero: no derivative reaches the scores."
        yield Prediction("gradient_zero", text, np.zeros_like(model.right), exact=True)
