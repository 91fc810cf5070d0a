"""Right: logits divided by a temperature, in other orders."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    CAPPED,
    HALVES,
    TEMPERED,
    Array,
    at,
    mean,
    mean_gradient,
    mean_loss,
    one_hot,
    shifted,
    soft_capped,
    softmax,
    tempered,
    widened,
)
from xentcheck.zoo.specimen import right


def _over(scores: Array, labels: Array, temperature: float) -> Any:
    z = tempered(scores, temperature)
    return mean_gradient(z, labels) / z.dtype.type(temperature)


def _product(scores: Array, labels: Array, vector: Array, temperature: float) -> Any:
    z = tempered(scores, temperature)
    p, by_t = softmax(z), z.dtype.type(temperature)
    v = widened(vector)
    return p * (v - (p * v).sum(axis=1, keepdims=True)) / (by_t * by_t) / max(len(p), 1)


@right(contract=TEMPERED, gradient=_over, hessian_vector=_product)
def temperature_as_written(scores: Array, labels: Array, temperature: float) -> Any:
    """The definition; gradient and second derivative are divided by T and T^2 at the end."""
    return mean_loss(tempered(scores, temperature), labels)


def _term_by_term(scores: Array, labels: Array, temperature: float) -> Any:
    d = shifted(scores)
    factor = 1 / d.dtype.type(temperature)
    p = softmax(d * factor)
    return (factor / max(len(p), 1)) * p - one_hot(labels, p) * (factor / max(len(p), 1))


@right(contract=TEMPERED, gradient=_term_by_term)
def temperature_after_the_maximum(scores: Array, labels: Array, temperature: float) -> Any:
    """Subtract the maximum, then multiply by 1 / T; the gradient as a factor times p and times the one-hot row."""
    d = shifted(scores)
    d = d * (1 / d.dtype.type(temperature))
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@right(contract={**TEMPERED, **HALVES, "compute": "same"})
def temperature_in_sixteen_bits(scores: Array, labels: Array, temperature: float) -> Any:
    """The quotient rounded to 16 bits, the loss in float32."""
    return mean_loss((scores / scores.dtype.type(temperature)).astype(np.float32), labels)


def _of_capped(scores: Array, labels: Array, softcap: float, temperature: float) -> Any:
    s, t = soft_capped(scores, softcap)
    by_t = s.dtype.type(temperature)
    return mean_gradient(s / by_t, labels) / by_t * (1 - t * t)


@right(contract={**CAPPED, **TEMPERED}, gradient=_of_capped)
def temperature_after_a_soft_cap(scores: Array, labels: Array, softcap: float, temperature: float) -> Any:
    """Cap first, then divide."""
    s, _ = soft_capped(scores, softcap)
    return mean_loss(s / s.dtype.type(temperature), labels)
