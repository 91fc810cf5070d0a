"""Bugs: constants that protect a logarithm, added or used as a clip where the contract says otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    each,
    integers,
    mean,
    mean_gradient,
    row_gradients,
    row_losses,
    softmax,
)
from xentcheck.zoo.specimen import bug

PROBABILITIES = {"input": "probabilities"}
CLIPPED = {**PROBABILITIES, "boundary": {"clip": [1e-7, 1 - 1e-7]}}
ADDED = {**PROBABILITIES, "boundary": {"add": 1e-7}}


@bug("eps_added", "value", gradient=mean_gradient, thread="scikit-learn 24315; keras 377")
def eps_added(scores: Array, labels: Array) -> Any:
    """Take log(p + 1e-7) of a softmax: losses above 16 are lost, and a perfect prediction costs -1e-7."""
    return mean(-np.log(at(softmax(scores), labels) + 1e-7))


@bug("eps_added", "value", contract={"dtypes": ["float64"]}, thread="scikit-learn 24315")
def tiny_eps_added(scores: Array, labels: Array) -> Any:
    """Take log(p + 1e-30): only rows whose loss is about 69 show it."""
    return mean(-np.log(at(softmax(scores), labels) + 1e-30))


@bug(
    "eps_in_denominator",
    "value",
    akin=("eps_added",),
    contract={"dtypes": ["float64"]},
    thread="pytorch forums: e / (sum + eps)",
)
def eps_in_denominator(scores: Array, labels: Array) -> Any:
    """Add 1e-12 to the sum of exponentials."""
    d = scores - scores.max(axis=1, keepdims=True)
    return mean(np.log(np.exp(d).sum(axis=1) + 1e-12) - at(d, labels))


@bug("clip", "value", "gibbs", thread="keras 17634 [16.12 against 50]")
def clipped(scores: Array, labels: Array) -> Any:
    """Clip the softmax to [1e-7, 1 - 1e-7]."""
    return mean(-np.log(np.clip(at(softmax(scores), labels), 1e-7, 1 - 1e-7)))


@bug("clip", "value", akin=("log_limited", "log_of_softmax"), thread="keras 17634")
def clipped_from_below(scores: Array, labels: Array) -> Any:
    """Hold p up at the smallest normal number: right until the loss is 87 (float32) or 708 (float64)."""
    return mean(-np.log(np.maximum(at(softmax(scores), labels), np.finfo(scores.dtype).tiny)))


@bug(
    "clip", "value", contract={"input": "probabilities"}, thread="tensorflow 60113 [a perfect prediction costs 1.19e-7]"
)
def perfect_prediction_costs(scores: Array, labels: Array) -> Any:
    """Clip probabilities at 1 - 1e-7 although the contract has no clip."""
    return mean(-np.log(np.minimum(at(scores, labels), scores.dtype.type(1 - 1e-7))))


@bug("clip", "gradient", "gradient-sign", role="gradient", thread="keras 17634")
def dead_zone(scores: Array, labels: Array) -> Any:
    """The gradient is 0 in rows whose p_y is below 1e-7."""
    g = row_gradients(scores, labels)
    g[at(softmax(scores), labels) < 1e-7] = 0
    return g / max(len(g), 1)


@bug(
    "clip",
    "value",
    akin=("eps_added",),
    contract={**PROBABILITIES, "boundary": {"clip": "eps"}},
    thread="scikit-learn 24315: eps=1e-15 is 0 beside 1 in float32",
)
def clip_at_the_eps_of_float64(p: Array, labels: Array) -> Any:
    """Clip at the eps of float64 whatever the dtype is, where that of the dtype is declared."""
    eps = np.finfo(np.float64).eps
    return mean(-np.log(np.clip(at(p, labels), p.dtype.type(eps), p.dtype.type(1 - eps))))


@bug("eps_added", "value", contract={**PROBABILITIES, "boundary": {"add": 1e-8}}, thread="keras 377")
def another_eps(scores: Array, labels: Array) -> Any:
    """Add 1e-7 where the contract says 1e-8."""
    return mean(-np.log(at(scores, labels) + 1e-7))


@bug("clip_as_eps", "value", contract=CLIPPED, thread="scikit-learn 24515")
def eps_for_clip(scores: Array, labels: Array) -> Any:
    """Add the eps that the contract uses as a clip."""
    return mean(-np.log(at(scores, labels) + 1e-7))


@bug("eps_as_clip", "value", contract=ADDED, thread="scikit-learn 24515")
def clip_for_eps(scores: Array, labels: Array) -> Any:
    """Clip at the eps that the contract adds."""
    return mean(-np.log(np.clip(at(scores, labels), 1e-7, 1)))


@bug("guard_missing", "value", "finite", contract=CLIPPED, thread="keras 23551; machinelearning 2708")
def guard_missing(scores: Array, labels: Array) -> Any:
    """Lack the clip: a probability of 0 costs infinity."""
    return mean(-np.log(at(scores, labels)))


@bug(
    "guard_missing",
    "gradient",
    role="gradient",
    loss=None,
    contract={**ADDED, "gradient_of": "loss", "gradient_wrt": "probabilities"},
    thread="numpy-ml: p - y beside log(p + eps)",
)
def ideal_gradient_of_guarded(scores: Array, labels: Array) -> Any:
    """Promise the derivative of log(p + eps), and give that of log p."""
    g = np.zeros_like(scores)
    g[each(g), integers(labels)] = -1 / np.maximum(at(scores, labels), 1e-30)
    return g / max(len(g), 1)


@bug(
    "clip",
    "gradient",
    role="gradient",
    loss=None,
    akin=("guard_missing",),
    contract={**CLIPPED, "gradient_of": "loss", "gradient_wrt": "probabilities"},
    thread="keras 17634",
)
def clip_not_differentiated(scores: Array, labels: Array) -> Any:
    """Divide by the clipped probability, and not be 0 outside the clip."""
    g = np.zeros_like(scores)
    g[each(g), integers(labels)] = -1 / np.clip(at(scores, labels), 1e-7, 1 - 1e-7)
    return g / max(len(g), 1)


@bug("log_limited", "value", akin=("loss_limited",), thread="torch binary_cross_entropy limits log to -100")
def logarithm_limited(scores: Array, labels: Array) -> Any:
    """Limit log p to -100."""
    return mean(np.minimum(row_losses(scores, labels), 100))


@bug(
    "eps_added_to_loss",
    "value",
    "gibbs",
    akin=("added_to_loss",),
    contract={"dtypes": ["float64"]},
    thread="scikit-learn 24315",
)
def eps_added_to_loss(scores: Array, labels: Array) -> Any:
    """Add 1e-10 to the loss."""
    return mean(row_losses(scores, labels)) + 1e-10


@bug(
    "log_of_softmax",
    "value",
    "finite",
    akin=("nonfinite_replaced", "loss_limited"),
    thread="numpy tutorials: nan_to_num",
)
def nan_to_num(scores: Array, labels: Array) -> Any:
    """Hide the infinite logarithm of an underflowed softmax by nan_to_num."""
    return mean(np.nan_to_num(-np.log(at(softmax(scores), labels)), posinf=0.0))


@bug(
    "not_renormalised",
    "value",
    contract={**PROBABILITIES, "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": True}},
    thread="keras 17102; scikit-learn 24515",
)
def not_renormalised(scores: Array, labels: Array) -> Any:
    """Lack the division by the row's sum that the contract states."""
    return mean(-np.log(np.clip(at(scores, labels), 1e-7, 1 - 1e-7)))


AFTER = {**PROBABILITIES, "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": "after"}}


def clipped_then_divided(scores: Array, labels: Array) -> Any:
    """Return the right loss of a clip before the division."""
    b = np.clip(scores, 1e-7, 1 - 1e-7)
    return mean(-np.log(at(b / b.sum(axis=1, keepdims=True), labels)))


@bug("clip_after_normalising", "value", contract=AFTER, thread="scikit-learn 24515 [the order]")
def divided_then_clipped(scores: Array, labels: Array) -> Any:
    """Divide the rows first and clip then, where the contract states the reverse."""
    q = scores / scores.sum(axis=1, keepdims=True)
    return mean(-np.log(np.clip(at(q, labels), 1e-7, 1 - 1e-7)))


@bug("not_renormalised", "value", contract=AFTER, thread="keras 17102; scikit-learn 24515")
def not_divided_after_the_clip(scores: Array, labels: Array) -> Any:
    """Lack the division by the row's sum after the clip."""
    return mean(-np.log(np.clip(at(scores, labels), 1e-7, 1 - 1e-7)))


@bug(
    "normaliser_held_constant",
    "gradient",
    role="gradient",
    loss=clipped_then_divided,
    contract={**AFTER, "gradient_wrt": "probabilities", "gradient_of": "loss"},
    thread="torch: a sum that is detached",
)
def sum_after_the_clip_held_constant(scores: Array, labels: Array) -> Any:
    """Differentiate the label's share and not the sum that it is divided by."""
    g = np.zeros_like(scores)
    chosen = at(scores, labels)
    inside = (chosen >= 1e-7) & (chosen <= 1 - 1e-7)
    g[each(g), integers(labels)] = np.where(inside, -1 / np.where(inside, chosen, 1), 0)
    return g / max(len(g), 1)


@bug("clamped_at_zero", "value", contract=ADDED, thread="torchmetrics: clamp_min(0)")
def clamped_at_zero(scores: Array, labels: Array) -> Any:
    """Raise the slightly negative loss of a perfect prediction to 0, with log(p + eps) promised."""
    return mean(np.maximum(-np.log(at(scores, labels) + 1e-7), 0))


AT_CLIP: dict[str, Any] = {
    "input": "probabilities",
    "boundary": {"clip": [1e-7, 1 - 1e-7]},
    "labels": ["onehot"],
    "gradient_of": "ideal at clip(p)",
    "reduction": "sum",
}


def _clipped_loss(p: Array, targets: Array) -> Any:
    return -(targets.astype(p.dtype) * np.log(np.clip(p, p.dtype.type(1e-7), p.dtype.type(1 - 1e-7)))).sum()


@bug(
    "gradient_guarded",
    "gradient",
    role="gradient",
    loss=_clipped_loss,
    contract={**AT_CLIP, "gradient_wrt": "probabilities"},
    thread="autodiff of clip in the place of a backward pass that goes through it",
)
def gradient_zero_beyond_the_clip(p: Array, targets: Array) -> Any:
    """Nothing is learnt of a label whose probability is below the clip, where -t/clip(p) is promised."""
    inside = (p >= 1e-7) & (p <= p.dtype.type(1 - 1e-7))
    return np.where(inside & (targets != 0), -targets.astype(p.dtype) / np.where(inside, p, 1), 0)


@bug(
    "guard_missing",
    "gradient",
    role="gradient",
    loss=_clipped_loss,
    contract=AT_CLIP,
    thread="a loss that clips a copy, and a backward pass of what was given",
)
def probabilities_minus_targets_without_the_clip(p: Array, targets: Array) -> Any:
    """Return p - t of the probabilities as they are given, where clip(p) - t is promised."""
    return p - targets.astype(p.dtype)
