"""Right: soft caps of the logits, c tanh(z / c), and their derivative in other forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    CAPPED,
    HALVES,
    IGNORING,
    Array,
    at,
    kept_rows,
    mean,
    mean_gradient,
    mean_loss,
    row_gradients,
    row_losses,
    shifted,
    soft_capped,
    softmax,
    widened,
)
from xentcheck.zoo.specimen import right


def _by_square(scores: Array, labels: Array, softcap: float) -> Any:
    s, t = soft_capped(scores, softcap)
    return mean_gradient(s, labels) * (1 - t * t)


@right(contract=CAPPED, gradient=_by_square)
def soft_cap_as_written(scores: Array, labels: Array, softcap: float) -> Any:
    """The definition; the gradient with 1 - t t, which is exactly 0 where t rounds to 1."""
    return mean_loss(soft_capped(scores, softcap)[0], labels)


def _by_cosh(scores: Array, labels: Array, softcap: float) -> Any:
    with np.errstate(over="ignore"):
        h = np.cosh(scores / scores.dtype.type(softcap))
        return mean_gradient(soft_capped(scores, softcap)[0], labels) / (h * h)


@right(contract=CAPPED, gradient=_by_cosh)
def soft_cap_by_reciprocal(scores: Array, labels: Array, softcap: float) -> Any:
    """Multiply by 1 / c; the gradient by 1 / cosh^2, whose square overflows to a slope of 0."""
    cap = scores.dtype.type(softcap)
    return mean_loss(np.tanh(scores * (1 / cap)) * cap, labels)


def _by_exponential(scores: Array, labels: Array, softcap: float) -> Any:
    e = np.exp(-2 * np.abs(scores / scores.dtype.type(softcap)))
    return mean_gradient(soft_capped(scores, softcap)[0], labels) * (4 * e / ((1 + e) * (1 + e)))


@right(contract=CAPPED, gradient=_by_exponential)
def soft_cap_by_expm1(scores: Array, labels: Array, softcap: float) -> Any:
    """Take tanh |x| = -expm1(-2|x|) / (expm1(-2|x|) + 2)."""
    cap = scores.dtype.type(softcap)
    e = np.expm1(-2 * np.abs(scores / cap))
    return mean_loss(cap * np.copysign(-e / (e + 2), scores), labels)


def _of_capped(scores: Array, labels: Array, softcap: float) -> Any:
    s, _ = soft_capped(scores, softcap)
    v = s / s.dtype.type(softcap)
    return mean_gradient(s, labels) * ((1 - v) * (1 + v))


@right(contract=CAPPED, gradient=_of_capped)
def soft_cap_in_float64(scores: Array, labels: Array, softcap: float) -> Any:
    """Cap in float64 and round; the gradient from the capped logits that a kernel has kept."""
    wide = scores.astype(np.float64)
    return mean_loss((softcap * np.tanh(wide / softcap)).astype(scores.dtype), labels)


@right(contract={**CAPPED, **HALVES, "compute": "same"})
def soft_cap_in_sixteen_bits(scores: Array, labels: Array, softcap: float) -> Any:
    """Quotient, tanh and product each rounded to 16 bits, the loss in float32."""
    cap = scores.dtype.type(softcap)
    return mean_loss((np.tanh(scores / cap) * cap).astype(np.float32), labels)


@right(contract={**CAPPED, "accuracy": "C"}, thread="tokenspeed 183")
def soft_cap_by_sigmoid(scores: Array, labels: Array, softcap: float) -> Any:
    """Take tanh x = 2 sigmoid(2x) - 1: no overflow, and an absolute error, which class C allows."""
    cap = scores.dtype.type(softcap)
    with np.errstate(over="ignore"):
        return mean_loss(cap * (2 / (1 + np.exp(-2 * (scores / cap))) - 1), labels)


def _rows(scores: Array, labels: Array) -> Array:
    s, t = soft_capped(scores, 30.0)
    gradients: Array = row_gradients(s, labels) * (1 - t * t)
    return gradients


def _vjp(scores: Array, labels: Array, upstream: Array) -> Any:
    return _rows(scores, labels) * upstream.astype(scores.dtype)[:, None]


@right(
    contract={"soft_cap": 30.0, "reduction": "none", "nonfinite": ["-inf", "+inf", "nan"]},
    gradient=_rows,
    vjp=_vjp,
)
def constant_soft_cap(scores: Array, labels: Array) -> Any:
    """A cap of 30 that is no argument: infinite logits are at the cap, and only nan gives nan."""
    return row_losses(soft_capped(scores, 30.0)[0], labels)


def _log_sum(s: Array) -> Array:
    lse: Array = s.max(axis=1) + np.log(np.exp(shifted(s)).sum(axis=1))
    return lse


def _penalised(scores: Array, labels: Array, softcap: float, lam: float, ignore_index: int) -> Any:
    (s, t), (kept, safe) = soft_capped(scores, softcap), kept_rows(labels, ignore_index)
    p, lse = softmax(s), _log_sum(s)
    rows = row_gradients(s, safe) + p * (2 * s.dtype.type(lam) * lse)[:, None]
    return np.where(kept[:, None], rows * (1 - t * t), 0) / s.dtype.type(max(int(kept.sum()), 1))


@right(contract={**CAPPED, **IGNORING, "z_loss": {"argument": "lam"}, "empty_mean": "zero"}, gradient=_penalised)
def soft_cap_with_z_loss(scores: Array, labels: Array, softcap: float, lam: float, ignore_index: int) -> Any:
    """The z-loss is of the capped logits, in the rows that are kept."""
    s, _ = soft_capped(scores, softcap)
    kept, safe = kept_rows(labels, ignore_index)
    lse = _log_sum(s)
    losses = np.where(kept, row_losses(s, safe) + s.dtype.type(lam) * lse * lse, 0)
    return losses.sum() / s.dtype.type(max(int(kept.sum()), 1))


@right(contract=CAPPED)
def soft_cap_after_the_maximum(scores: Array, labels: Array, softcap: float) -> Any:
    """Find the maximum among the logits as given, since tanh rises with them, and cap it by itself."""
    wide = widened(scores)
    top, s = wide.max(axis=1), soft_capped(scores, softcap)[0]
    d = s - soft_capped(top, softcap)[0][:, None]
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))
