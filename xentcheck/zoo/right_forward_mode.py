"""Right: derivatives of the loss along a tangent, by other formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.bugs_ignoring import right_loss as ignoring_loss
from xentcheck.zoo.parts import (
    COUNTED,
    EVERY_DTYPE,
    HALVES,
    IGNORING,
    LOG_PROBABILITIES,
    SMOOTHED,
    TEMPERED,
    WEIGHTED,
    Array,
    at,
    dense_gradients,
    dense_mean_loss,
    integers,
    kept_rows,
    log_softmax,
    mean,
    mean_gradient,
    mean_loss,
    one_hot,
    row_gradients,
    row_losses,
    shifted,
    smoothed,
    softmax,
    sum_loss,
    tempered,
    widened,
)
from xentcheck.zoo.specimen import right


@right("jvp", gradient=mean_gradient, contract=EVERY_DTYPE)
def weighted_tangent(scores: Array, labels: Array, tangent: Array) -> Any:
    """Return the mean of p.v - v_y, worked out in float32 from 16 bits and returned in them."""
    v = widened(tangent)
    along = mean((softmax(scores) * v).sum(axis=1) - at(v, labels))
    return along.astype(scores.dtype)


def _mean_in(kind: Any, rows: Array) -> Any:
    return (widened(rows).sum() / np.float32(len(rows))).astype(kind) if len(rows) else kind.type("nan")


def _rounded_loss(scores: Array, labels: Array) -> Any:
    return _mean_in(scores.dtype, -at(log_softmax(scores).astype(scores.dtype), labels))


@right("jvp", loss=_rounded_loss, contract={**HALVES, "compute": "same"})
def every_result_in_sixteen_bits(scores: Array, labels: Array, tangent: Array) -> Any:
    """Round softmax, products, sums and differences to the dtype of the scores, as between operators."""
    p = softmax(scores).astype(scores.dtype)
    mass = widened(p * tangent).sum(axis=1).astype(scores.dtype)
    return _mean_in(scores.dtype, mass - at(tangent, labels))


@right("jvp", gradient=mean_gradient)
def inner_product_with_the_gradient(scores: Array, labels: Array, tangent: Array) -> Any:
    """Sum the products of the mean's gradient with the tangent, all at once."""
    return np.vdot(mean_gradient(scores, labels), tangent) if len(scores) else scores.dtype.type("nan")


@right("jvp", loss=sum_loss, contract={"reduction": "sum"})
def through_the_maximum(scores: Array, labels: Array, tangent: Array) -> Any:
    """Differentiate the shift by the maximum, too, and the quotient e.v / S."""
    top = scores.argmax(axis=1)
    v, e = tangent - at(tangent, top)[:, None], np.exp(shifted(scores))
    return ((e * v).sum(axis=1) / e.sum(axis=1) - at(v, labels)).sum()


@right("jvp", loss=row_losses, gradient=row_gradients, contract={"reduction": "none"})
def tangent_of_log_softmax(scores: Array, labels: Array, tangent: Array) -> Any:
    """Return minus the label's entry of v - p.v, p as exp(log_softmax)."""
    along = tangent - (np.exp(log_softmax(scores)) * tangent).sum(axis=1, keepdims=True)
    return -at(along, labels)


@right("jvp", loss=lambda z, y: -row_losses(z, y), contract=LOG_PROBABILITIES)
def score_function_along_a_tangent(scores: Array, labels: Array, tangent: Array) -> Any:
    """Return v_y - p.v, the derivative of the log-probability."""
    return at(tangent, labels) - (softmax(scores) * tangent).sum(axis=1)


@right("jvp", loss=ignoring_loss, contract=IGNORING)
def tangents_of_kept_rows(scores: Array, labels: Array, tangent: Array, ignore_index: int) -> Any:
    """Leave the ignored rows out of sum and number."""
    kept, safe = kept_rows(labels, ignore_index)
    rows = (softmax(scores) * tangent).sum(axis=1) - at(tangent, safe)
    return np.where(kept, rows, 0).sum() / rows.dtype.type(kept.sum() or "nan")


def _targets(scores: Array, labels: Array, smoothing: float) -> Array:
    return smoothed(one_hot(labels, widened(scores)), smoothing)


@right("jvp", loss=lambda z, y, smoothing: dense_mean_loss(z, _targets(z, y, smoothing)), contract=SMOOTHED)
def tangent_with_smoothing(scores: Array, labels: Array, tangent: Array, smoothing: float) -> Any:
    """Multiply p - t' by the tangent, t' the smoothed rows."""
    rows = dense_gradients(scores, _targets(scores, labels, smoothing))
    return mean((rows * tangent).sum(axis=1))


def _weighted_loss(scores: Array, labels: Array, weights: Array) -> Any:
    return mean(row_losses(scores, labels) * weights[integers(labels)])


@right("jvp", loss=_weighted_loss, contract=WEIGHTED)
def tangent_with_weights(scores: Array, labels: Array, tangent: Array, weights: Array) -> Any:
    """Multiply each row's derivative by the weight of its label."""
    rows = (softmax(scores) * tangent).sum(axis=1) - at(tangent, labels)
    return mean(rows * weights[integers(labels)])


@right("jvp", loss=lambda z, y, temperature: mean_loss(tempered(z, temperature), y), contract=TEMPERED)
def tangent_over_the_temperature(scores: Array, labels: Array, tangent: Array, temperature: float) -> Any:
    """Divide logits and tangent by the temperature."""
    v = tempered(tangent, temperature)
    return mean((softmax(tempered(scores, temperature)) * v).sum(axis=1) - at(v, labels))


@right("jvp", loss=lambda z, y, num_items_in_batch: sum_loss(z, y) / z.dtype.type(num_items_in_batch), contract=COUNTED)
def tangent_over_the_items(scores: Array, labels: Array, tangent: Array, num_items_in_batch: float) -> Any:
    """Divide the sum by the number of items that is given."""
    rows = (softmax(scores) * tangent).sum(axis=1) - at(tangent, labels)
    return rows.sum() / rows.dtype.type(num_items_in_batch)


def _by_probabilities(probabilities: Array, labels: Array) -> Any:
    with np.errstate(divide="ignore"):
        return -np.log(at(probabilities, labels))


def _gradient_by_probabilities(probabilities: Array, labels: Array) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(one_hot(labels, probabilities) > 0, -1 / probabilities, 0).astype(probabilities.dtype)


@right(
    "jvp",
    loss=_by_probabilities,
    gradient=_gradient_by_probabilities,
    contract={"input": "probabilities", "gradient_wrt": "probabilities", "reduction": "none"},
)
def tangent_over_the_probability(probabilities: Array, labels: Array, tangent: Array) -> Any:
    """Divide the tangent's entry at the label by the probability."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -at(tangent, labels) / at(probabilities, labels)
