"""Bugs: logits divided by a temperature, z / T, and the factor 1 / T of their gradient."""

from __future__ import annotations

from typing import Any

from xentcheck.zoo.parts import (
    CAPPED,
    TEMPERED,
    Array,
    at,
    log_softmax,
    mean,
    mean_gradient,
    mean_loss,
    row_losses,
    soft_capped,
    softmax,
    tempered,
    widened,
)
from xentcheck.zoo.specimen import bug

WITH_Z_LOSS = {**TEMPERED, "z_loss": {"argument": "lam"}}


def right_loss(scores: Array, labels: Array, temperature: float) -> Any:
    """Return the mean loss of the logits over the temperature."""
    return mean_loss(tempered(scores, temperature), labels)


def right_gradient(scores: Array, labels: Array, temperature: float) -> Any:
    """Return its gradient."""
    wide = tempered(scores, temperature)
    return mean_gradient(wide, labels) / wide.dtype.type(temperature)


@bug("temperature", "temperature", contract=TEMPERED, thread="dml_cross_entropy 1; miles 68")
def temperature_never_applied(scores: Array, labels: Array, temperature: float) -> Any:
    """Take the temperature and leave it unused."""
    return mean_loss(scores, labels)


@bug("temperature", "value", contract=TEMPERED, thread="BLEEP 5")
def multiplied_by_the_temperature(scores: Array, labels: Array, temperature: float) -> Any:
    """Multiply the logits where they are to be divided."""
    wide = widened(scores)
    return mean_loss(wide * wide.dtype.type(temperature), labels)


@bug("temperature", "value", contract=TEMPERED, thread="CodonTransformer 20")
def temperature_applied_twice(scores: Array, labels: Array, temperature: float) -> Any:
    """Divide in the model and in the loss again."""
    return mean_loss(tempered(tempered(scores, temperature), temperature), labels)


@bug("temperature", "value", contract=TEMPERED, thread="Fast-LLM 228")
def label_gathered_before_the_division(scores: Array, labels: Array, temperature: float) -> Any:
    """Load the label's logit again and forget to divide it."""
    z = tempered(scores, temperature)
    return mean(at(z, labels) - at(log_softmax(z), labels) - at(widened(scores), labels))


@bug("temperature", "value", contract={**CAPPED, **TEMPERED})
def divided_before_the_cap(scores: Array, labels: Array, softcap: float, temperature: float) -> Any:
    """Divide first and cap then."""
    return mean_loss(soft_capped(tempered(scores, temperature), softcap)[0], labels)


@bug("temperature", "value", "z-loss", contract=WITH_Z_LOSS)
def z_loss_of_undivided_logits(scores: Array, labels: Array, temperature: float, lam: float) -> Any:
    """Add the z-loss of the logits as they were given."""
    wide = widened(scores)
    lse = at(wide, labels) - at(log_softmax(wide), labels)
    return mean(row_losses(tempered(scores, temperature), labels) + wide.dtype.type(lam) * lse * lse)


@bug("temperature", "value", contract=TEMPERED)
def times_its_square(scores: Array, labels: Array, temperature: float) -> Any:
    """Multiply the loss by T^2, as distillation does."""
    loss = right_loss(scores, labels, temperature)
    return loss * loss.dtype.type(temperature * temperature)


@bug("temperature_derivative", "temperature", role="gradient", loss=right_loss, contract=TEMPERED)
def factor_of_the_temperature_forgotten(scores: Array, labels: Array, temperature: float) -> Any:
    """Return the gradient by the logits after the division: 1 / T is missing."""
    return mean_gradient(tempered(scores, temperature), labels)


@bug("temperature_derivative", "gradient", role="gradient", loss=right_loss, contract=TEMPERED, thread="Fast-LLM 228")
def factor_on_the_softmax_alone(scores: Array, labels: Array, temperature: float) -> Any:
    """Multiply p by 1 / T and subtract the one of the label undivided."""
    z = tempered(scores, temperature)
    p = softmax(z)
    by_t = z.dtype.type(temperature)
    return (mean_gradient(z, labels) * max(len(p), 1) - p + p / by_t) / max(len(p), 1)


@bug("temperature_derivative", "gradient", role="gradient", loss=right_loss, contract=TEMPERED)
def factor_of_the_temperature_twice(scores: Array, labels: Array, temperature: float) -> Any:
    """Divide the gradient by T in the loss and in the layer again."""
    gradient = right_gradient(scores, labels, temperature)
    return gradient / gradient.dtype.type(temperature)


@bug(
    "hessian_temperature",
    "second-order",
    role="hessian_vector",
    loss=right_loss,
    gradient=right_gradient,
    contract=TEMPERED,
)
def one_factor_in_the_second_derivative(scores: Array, labels: Array, vector: Array, temperature: float) -> Any:
    """Divide the second derivative by T once; it is by T^2."""
    z = tempered(scores, temperature)
    p, v = softmax(z), widened(vector) / z.dtype.type(temperature)
    return p * (v - (p * v).sum(axis=1, keepdims=True)) / max(len(p), 1)
