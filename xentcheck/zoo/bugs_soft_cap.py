"""Bugs: soft caps c tanh(z / c) of the logits, and their derivative 1 - tanh(z / c)^2."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import CAPPED, Array, at, log_softmax, mean, mean_gradient, mean_loss, soft_capped, widened
from xentcheck.zoo.specimen import bug

WITH_Z_LOSS = {**CAPPED, "z_loss": {"argument": "lam"}}


def right_loss(scores: Array, labels: Array, softcap: float) -> Any:
    """Return the mean loss of the capped logits."""
    return mean_loss(soft_capped(scores, softcap)[0], labels)


@bug("soft_cap", "value", "soft-cap", contract=CAPPED, thread="ml-cross-entropy 48; keras-hub 1712")
def cap_never_applied(scores: Array, labels: Array, softcap: float) -> Any:
    """Take the cap and leave it unused."""
    return mean_loss(scores, labels)


@bug("soft_cap", "value", contract=CAPPED)
def tanh_of_quotient_alone(scores: Array, labels: Array, softcap: float) -> Any:
    """Bound the logits by 1: the factor c is missing."""
    return mean_loss(soft_capped(scores, softcap)[1], labels)


@bug("soft_cap", "value", contract=CAPPED)
def tanh_of_logit(scores: Array, labels: Array, softcap: float) -> Any:
    """Take tanh of the logit itself, times c."""
    wide = widened(scores)
    return mean_loss(wide.dtype.type(softcap) * np.tanh(wide), labels)


@bug("soft_cap", "value", contract=CAPPED, thread="unsloth-zoo 593")
def logit_times_tanh(scores: Array, labels: Array, softcap: float) -> Any:
    """Multiply tanh by the logit instead of the cap: beyond the cap the logit is as it was."""
    return mean_loss(widened(scores) * soft_capped(scores, softcap)[1], labels)


@bug("soft_cap", "value", contract=CAPPED)
def clipped_at_the_cap(scores: Array, labels: Array, softcap: float) -> Any:
    """Clip the logits to [-c, c]."""
    wide = widened(scores)
    cap = wide.dtype.type(softcap)
    return mean_loss(np.clip(wide, -cap, cap), labels)


@bug("soft_cap", "value", contract=CAPPED)
def capped_twice(scores: Array, labels: Array, softcap: float) -> Any:
    """Cap in the model and in the loss again."""
    return mean_loss(soft_capped(soft_capped(scores, softcap)[0], softcap)[0], labels)


@bug("soft_cap", "value", contract=CAPPED)
def label_gathered_before_the_cap(scores: Array, labels: Array, softcap: float) -> Any:
    """Gather the label's logit, then cap: the row's sum is of capped logits, the label's is not."""
    s, _ = soft_capped(scores, softcap)
    lse = at(s, labels) - at(log_softmax(s), labels)
    return mean(lse - at(widened(scores), labels))


@bug("soft_cap", "value", contract=WITH_Z_LOSS)
def z_loss_of_uncapped_logits(scores: Array, labels: Array, softcap: float, lam: float) -> Any:
    """Add the z-loss of the logits as they were given."""
    wide = widened(scores)
    lse = at(wide, labels) - at(log_softmax(wide), labels)
    losses = -at(log_softmax(soft_capped(scores, softcap)[0]), labels)
    return mean(losses + wide.dtype.type(lam) * lse * lse)


@bug("soft_cap", "value", "finite", contract={**CAPPED, "accuracy": "C"}, thread="tokenspeed 183")
def tanh_by_growing_exponentials(scores: Array, labels: Array, softcap: float) -> Any:
    """Divide e^x - e^-x by e^x + e^-x, infinity by infinity beyond the range of exp."""
    wide = widened(scores)
    cap = wide.dtype.type(softcap)
    with np.errstate(over="ignore", invalid="ignore"):
        a, b = np.exp(wide / cap), np.exp(-wide / cap)
        return mean_loss(cap * ((a - b) / (a + b)), labels)


@bug("soft_cap_derivative", "gradient", role="gradient", loss=right_loss, contract=CAPPED)
def slope_of_the_cap_forgotten(scores: Array, labels: Array, softcap: float) -> Any:
    """Return the gradient by the capped logits."""
    return mean_gradient(soft_capped(scores, softcap)[0], labels)


@bug("soft_cap_derivative", "gradient", role="gradient", loss=right_loss, contract=CAPPED)
def one_minus_tanh(scores: Array, labels: Array, softcap: float) -> Any:
    """Multiply by 1 - |t| where 1 - t^2 is the derivative."""
    s, t = soft_capped(scores, softcap)
    return mean_gradient(s, labels) * (1 - np.abs(t))


@bug("soft_cap_derivative", "gradient", role="gradient", loss=right_loss, contract=CAPPED)
def slope_at_the_capped_logit(scores: Array, labels: Array, softcap: float) -> Any:
    """Overwrite the logits by the capped ones, and take the derivative there."""
    s, _ = soft_capped(scores, softcap)
    return mean_gradient(s, labels) * (1 - soft_capped(s, softcap)[1] ** 2)


@bug(
    "soft_cap_derivative",
    "gradient",
    role="gradient",
    loss=right_loss,
    contract=CAPPED,
    thread="flash-attention 1033 (in review)",
)
def one_minus_squared_logit(scores: Array, labels: Array, softcap: float) -> Any:
    """Take 1 - s^2 of the capped logit, which is not divided by c."""
    s, _ = soft_capped(scores, softcap)
    return mean_gradient(s, labels) * (1 - s * s)


@bug("soft_cap_derivative", "gradient", role="gradient", loss=right_loss, contract=CAPPED)
def slope_divided_by_the_cap(scores: Array, labels: Array, softcap: float) -> Any:
    """Take the derivative of tanh(z / c): the outer factor c is missing."""
    s, t = soft_capped(scores, softcap)
    return mean_gradient(s, labels) * (1 - t * t) / s.dtype.type(softcap)


@bug("soft_cap_derivative", "gradient", "soft-cap", role="gradient", loss=right_loss, contract=CAPPED)
def thirty_in_the_backward(scores: Array, labels: Array, softcap: float) -> Any:
    """Differentiate as if the cap were 30, whatever was passed."""
    s, _ = soft_capped(scores, softcap)
    return mean_gradient(s, labels) * (1 - soft_capped(scores, 30.0)[1] ** 2)
