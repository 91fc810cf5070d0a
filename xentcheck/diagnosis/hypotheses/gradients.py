"""Mistakes that only a gradient can have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model, dot
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.GRADIENT, partly=True)
def target_terms(model: Model) -> Iterator[Prediction]:
    """Yield mistakes about p and t in T p - t."""
    if model.part != "gradient":
        return
    t, p = model.t, model.logs[1]
    T = t.sum(axis=-1, keepdims=True)

    def rows(mechanism: str, sentence: str, value: object, bits: float = 0.0) -> Prediction:
        return Prediction(mechanism, sentence, model.finish(np.asarray(value, np.float64)), bits)

    yield rows("gradient_p_only", "The gradient is p; the target is not subtracted: it is p - t.", T * p)
    yield rows("gradient_p_only", "The gradient is p; the target is not subtracted: it is p - t.", p)
    yield rows("gradient_p_plus_t", "The gradient is p + t; it is p - t.", T * p + t)
    yield rows("gradient_minus_t", "The gradient is -t: the derivative of the log-sum-exp, p, is missing.", -t)
    if np.any(np.abs(T - 1) > 1e-12):
        text = "The gradient is p - t; where the targets of a row do not sum to 1 it is (sum t) p - t."
        yield rows("gradient_sum_t_ignored", text, p - t)
        yield rows("gradient_sum_t_ignored", text, np.where(T == 0, 0.0, p - t))
    if model.contract.gradient_wrt == "logits":
        text = "The gradient is -t / p, that by the probabilities; the contract's is by the logits: p - t."
        yield rows("gradient_wrt_probabilities", text, np.where(t == 0, 0.0, -t / p))
    else:
        text = "The gradient is p - t, that by the logits; the contract's is by the probabilities: -t / p."
        yield rows("gradient_wrt_logits", text, T * p - t)
    text = "Only the diagonal of the softmax's Jacobian is used: -t (1 - p); the gradient is p - t."
    yield rows("jacobian_diagonal", text, -t * (1 - p))
    g = T * p - t
    text = "p - t is multiplied by the softmax's Jacobian once more; p - t is the whole gradient already."
    yield rows("jacobian_twice", text, p * (g - dot(p, g)[:, None]))
    text = "p - t is multiplied by p (1 - p) once more; p - t is the whole gradient already."
    yield rows("jacobian_twice", text, g * p * (1 - p))
    text = "The gradient is that of the squared error, 2 (p - t) through the softmax's Jacobian."
    squared = 2 * (p - t)
    yield rows("squared_error", text, p * (squared - dot(p, squared)[:, None]))
    text = "The gradient is that of sigmoids, one a class; the contract's is that of a softmax."
    yield rows("sigmoid_for_softmax", text, 1 / (1 + np.exp(-model.z)) - t)
    if model.contract.gradient_wrt == "logits":
        text = "The shift is differentiated within the exponentials alone: the largest logit gets 1 too little."
        top = np.zeros_like(p)
        np.put_along_axis(top, model.z.argmax(axis=-1)[:, None], 1.0, -1)
        yield rows("shift_half_differentiated", text, g - T * top)
    elif model.contract.boundary.normalise and model.contract.input == "probabilities":
        text = "The sum by which a row is divided is taken for a constant; it depends on every entry of the row."
        total, eps = model.z.sum(axis=-1, keepdims=True), model.contract.boundary.add or 0.0
        yield rows("normaliser_held_constant", text, np.where(t == 0, 0.0, -t / (p + eps)) / total)
    text = "The gradient of every class but the label's is missing."
    yield rows("gradient_label_only", text, np.where(t > 0, g, 0.0))
    text = "The gradient at the label is missing; it is p_y - 1."
    yield rows("gradient_label_missing", text, np.where(t > 0, 0.0, g))


@hypothesis(Rank.GRADIENT, partly=True)
def scaling(model: Model) -> Iterator[Prediction]:
    """Yield gradients that are scaled by row, moved or emptied."""
    if model.part != "gradient":
        return
    right, rows = model.right, model.rows()
    loss_rows = -dot(model.t, model.logs[0])
    text = "Each row's gradient is multiplied by the row's loss; that factor is 1."
    yield Prediction("gradient_times_loss", text, model.finish(rows * loss_rows[:, None]))
    for total in (loss_rows.sum(), loss_rows.sum() / (model.divisor or 1.0), loss_rows.sum() / max(model.n, 1)):
        text = "The gradient is multiplied by the loss; that factor is 1."
        yield Prediction("gradient_times_loss", text, right * total, 1.0)
    if model.n > 1 and model.m > 1:
        text = "The gradient is transposed."
        yield Prediction("gradient_transposed", text, np.ascontiguousarray(right.T).reshape(right.shape))
    if model.n > 1:
        for change, how in ((right[::-1], "in reverse order"), (np.roll(right, 1, 0), "shifted by one")):
            yield Prediction("gradient_rows_misplaced", f"The rows of the gradient come {how}.", change)
        text = "Every row of the gradient is the mean of all rows' gradients."
        yield Prediction("gradient_averaged", text, np.broadcast_to(right.mean(axis=0), right.shape))
        text = "Every row of the gradient is the sum of all rows' gradients."
        yield Prediction("gradient_averaged", text, np.broadcast_to(right.sum(axis=0), right.shape))
    for change, how in ((right[:, ::-1], "in reverse order"), (np.roll(right, 1, 1), "shifted by one class")):
        yield Prediction("gradient_classes_misplaced", f"The entries of each row of the gradient come {how}.", change)
    for part, keep in (("positive", right > 0), ("negative", right < 0)):
        yield Prediction(
            "gradient_one_sided", f"Only the {part} entries of the gradient are left.", np.where(keep, right, 0.0)
        )
    yield Prediction("gradient_sign_only", "The gradient is reduced to its signs.", np.sign(right), 4.0)
    yield Prediction("gradient_absolute", "The gradient has lost its signs.", np.abs(right))
    for limit in (1.0, 0.5, 0.1, 0.01, 5.0, 10.0):
        text = f"The entries of the gradient are clipped to [-{limit:g}, {limit:g}]."
        yield Prediction("gradient_clipped", text, np.clip(right, -limit, limit), 2.0)
    norm = np.sqrt((right**2).sum())
    if norm:
        yield Prediction("gradient_normalised", "The gradient is divided by its norm.", right / norm)


@hypothesis(Rank.LOST, partly=True)
def vanished(model: Model) -> Iterator[Prediction]:
    """Yield a gradient of zeros."""
    if model.part == "gradient":
        text = "The gradient is zero everywhere: no derivative reaches the scores."
        yield Prediction("gradient_zero", text, np.zeros_like(model.right), exact=True)
