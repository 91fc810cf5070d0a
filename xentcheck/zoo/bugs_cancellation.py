"""Bugs: digits lost in a difference of two large numbers, or by constants and functions that are too short."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    each,
    integers,
    log_softmax,
    mean,
    row_gradients,
    row_losses,
    shifted,
    softmax,
)
from xentcheck.zoo.specimen import bug


def logsumexp(scores: Array) -> Array:
    """Return max + log(sum exp(z - max))."""
    top = scores.max(axis=1)
    lse: Array = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    return lse


def losses_with(exp: Any, log: Any, scores: Array, labels: Array) -> Array:
    """Return the row losses with another exponential and another logarithm."""
    d = shifted(scores)
    losses: Array = log(exp(d).sum(axis=1)) - at(d, labels)
    return losses


@bug("lse_minus_label", "value", "shift", thread="optax 1792; pytorch 11752, 38839; mlx 4188")
def lse_minus_label(scores: Array, labels: Array) -> Any:
    """Subtract the label's logit from a log-sum-exp that has the maximum in it."""
    return mean(logsumexp(scores) - at(scores, labels))


@bug("lse_minus_label", "value", "shift", thread="optax 1792")
def logaddexp_minus_label(scores: Array, labels: Array) -> Any:
    """The same with np.logaddexp.reduce, under a promise of shifted accuracy."""
    return mean(np.logaddexp.reduce(scores, axis=1) - at(scores, labels))


@bug("lse_minus_label", "gradient", "shift", role="gradient", thread="pytorch 85791")
def gradient_from_lse(scores: Array, labels: Array) -> Any:
    """Take p as exp(z - lse), which has the rounding of lse in its exponent."""
    g = np.exp(scores - logsumexp(scores)[:, None])
    g[each(g), integers(labels)] -= 1
    return g / max(len(g), 1)


@bug("log1p_missing", "value", contract={"accuracy": "B+"}, thread="scipy 19521; jax 40384")
def confident_rows_cost_nothing(scores: Array, labels: Array) -> Any:
    """Promise relative accuracy, and take log(1 + s) after s was added to 1."""
    return mean(row_losses(scores, labels))


@bug("p_minus_1_cancels", "gradient", role="gradient", loss=None, contract={"accuracy": "B+"}, thread="pytorch 85791")
def label_gradient_cancels(scores: Array, labels: Array) -> Any:
    """Promise relative accuracy, and take p_y - 1 at the label."""
    return row_gradients(scores, labels) / max(len(scores), 1)


@bug("scaled", "value", akin=("base_2",), contract={"dtypes": ["float64"]}, thread="machinelearning 2708")
def short_logarithm_of_two(scores: Array, labels: Array) -> Any:
    """Go from base 2 to base e with ten digits of ln 2: 8e-11 relative in float64."""
    d = shifted(scores) / np.log(2.0)
    return 0.6931471806 * mean(np.log2(np.exp2(d).sum(axis=1)) - at(d, labels))


@bug("narrowing", "value", contract={"dtypes": ["float64"]}, thread="jax 40409")
def logarithm_in_float32(scores: Array, labels: Array) -> Any:
    """Take the one logarithm of a row in float32."""
    return mean(losses_with(np.exp, lambda s: np.log(s.astype(np.float32)).astype(s.dtype), scores, labels))


@bug("narrowing", "value", "shift", contract={"dtypes": ["float64"]}, thread="jax 40409; keras 15271")
def exponentials_in_float32(scores: Array, labels: Array) -> Any:
    """Take the exponentials in float32 and everything else in float64."""
    return mean(losses_with(lambda d: np.exp(d.astype(np.float32)).astype(d.dtype), np.log, scores, labels))


@bug(
    "exponentials_dropped",
    "value",
    contract={"dtypes": ["float64"]},
    thread="flash-attention 1930 (rescaling is skipped)",
)
def small_exponentials_dropped(scores: Array, labels: Array) -> Any:
    """Take exp(d) as 0 below -20: at most 2e-9 of the sum for each class."""
    return mean(losses_with(lambda d: np.where(d < -20, 0, np.exp(d)), np.log, scores, labels))


@bug("exponentials_approximate", "value", thread="Schraudolph's exponential, in several inference kernels")
def exponential_of_powers(scores: Array, labels: Array) -> Any:
    """Take exp(d) as (1 + d / 1024) ** 1024."""
    return mean(losses_with(lambda d: np.maximum(1 + d / 1024, 0) ** 1024, np.log, scores, labels))


@bug("log1p_of_p", "value", akin=("eps_added",), thread="torch tutorials that take log1p for stability")
def log1p_for_log(scores: Array, labels: Array) -> Any:
    """Take log1p(p) for log(p)."""
    return mean(-np.log1p(at(softmax(scores), labels)))


@bug("narrowing", "value", "shift", contract={"dtypes": ["float64"]}, thread="jax 40409")
def maximum_subtracted_in_float32(scores: Array, labels: Array) -> Any:
    """Round the logits to float32 before the maximum is subtracted: wrong only under an offset."""
    d = scores.astype(np.float32).astype(np.float64)
    d = d - d.max(axis=1, keepdims=True)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@bug(
    "scaled",
    "value",
    akin=("divisor_one_off",),
    contract={"dtypes": ["float64"]},
    thread="numerics: only at 1e-9 relative",
)
def rows_times_one_plus_1e_9(scores: Array, labels: Array) -> Any:
    """Multiply by 1 / n with n + 1e-9 n, as code that guards a divisor does."""
    losses = row_losses(scores, labels)
    return losses.sum() / (len(losses) * (1 + 1e-9)) if len(losses) else np.float64("nan")


@bug(
    "log_of_softmax",
    "value",
    "gibbs",
    akin=("eps_added", "clamped_at_zero"),
    contract={"accuracy": "B+"},
    thread="keras 17634",
)
def relative_promise_by_softmax(scores: Array, labels: Array) -> Any:
    """Promise relative accuracy, and take the logarithm of a softmax where it does not underflow."""
    p = at(softmax(scores), labels)
    return mean(np.where(p > 1e-30, -np.log(np.maximum(p, 1e-30)), -at(log_softmax(scores), labels)))
