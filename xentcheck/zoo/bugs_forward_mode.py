"""Bugs: derivatives of the loss along a tangent, as a hand-written forward mode has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.bugs_ignoring import kept_mean
from xentcheck.zoo.bugs_ignoring import right_loss as ignoring_loss
from xentcheck.zoo.parts import (
    IGNORING,
    SMOOTHED,
    Array,
    at,
    dense_mean_loss,
    integers,
    kept_rows,
    mean,
    mean_gradient,
    one_hot,
    row_gradients,
    row_losses,
    smoothed,
    softmax,
    sum_loss,
    widened,
)
from xentcheck.zoo.specimen import bug


def rows_along(scores: Array, labels: Array, tangent: Array) -> Array:
    """Return p.v - v_y of each row."""
    v = widened(tangent)
    rows: Array = (softmax(scores) * v).sum(axis=1) - at(v, labels)
    return rows


@bug(
    "jvp_without_label",
    "forward-mode",
    role="jvp",
    gradient=mean_gradient,
    thread="pytorch 196705: a contribution is lost",
)
def label_term_missing(scores: Array, labels: Array, tangent: Array) -> Any:
    """Return the mean of p.v, the derivative of the log-sum-exp alone."""
    return mean((softmax(scores) * widened(tangent)).sum(axis=1))


@bug("jvp_of_prediction", "forward-mode", role="jvp", gradient=mean_gradient, thread="from-scratch networks")
def tangent_at_the_prediction(scores: Array, labels: Array, tangent: Array) -> Any:
    """Subtract the tangent's entry at the largest logit, where that at the label is meant."""
    v = widened(tangent)
    return mean((softmax(scores) * v).sum(axis=1) - at(v, scores.argmax(axis=1)))


@bug("wrong_sign", "forward-mode", role="jvp", gradient=mean_gradient, thread="from-scratch networks: v_y - p.v")
def ascending_along_the_tangent(scores: Array, labels: Array, tangent: Array) -> Any:
    """Return the derivative of the log-likelihood."""
    return -mean(rows_along(scores, labels, tangent))


@bug(
    "divisor_classes",
    "forward-mode",
    role="jvp",
    gradient=mean_gradient,
    thread="from-scratch networks: np.mean over all elements",
)
def mean_over_the_elements(scores: Array, labels: Array, tangent: Array) -> Any:
    """Take the mean of (p - t) v over rows and classes."""
    products = row_gradients(scores, labels) * widened(tangent)
    return products.sum() / products.dtype.type(max(products.size, 1))


@bug("mask_ignored", "forward-mode", role="jvp", loss=ignoring_loss, contract=IGNORING, thread="Liger-Kernel 1338")
def tangents_of_ignored_rows(scores: Array, labels: Array, tangent: Array, ignore_index: int) -> Any:
    """Leave the label's entry of ignored rows out, and count their p.v."""
    kept, safe = kept_rows(labels, ignore_index)
    v = widened(tangent)
    rows = (softmax(scores) * v).sum(axis=1) - np.where(kept, at(v, safe), 0)
    return rows.sum() / rows.dtype.type(kept.sum() or "nan")


def _smoothed_loss(scores: Array, labels: Array, smoothing: float) -> Any:
    return dense_mean_loss(scores, smoothed(one_hot(labels, widened(scores)), smoothing))


@bug("smoothing_ignored", "forward-mode", role="jvp", loss=_smoothed_loss, contract=SMOOTHED, thread="aprender 2199")
def tangent_without_smoothing(scores: Array, labels: Array, tangent: Array, smoothing: float) -> Any:
    """Take the smoothing and differentiate the loss without it."""
    return mean(rows_along(scores, labels, tangent))


@bug(
    "overflow",
    "forward-mode",
    role="jvp",
    loss=sum_loss,
    contract={"reduction": "sum"},
    thread="pytorch 73741: a logsumexp whose forward mode lost the shift",
)
def tangent_unshifted(scores: Array, labels: Array, tangent: Array) -> Any:
    """Exponentiate the logits as they are."""
    e, v = np.exp(widened(scores)), widened(tangent)
    return ((e * v).sum(axis=1) / e.sum(axis=1) - at(v, labels)).sum()


@bug("jvp_zero", "forward-mode", role="jvp", loss=row_losses, contract={"reduction": "none"}, thread="t5x 351")
def tangent_stopped(scores: Array, labels: Array, tangent: Array) -> Any:
    """Return zeros, as where a rule is written for the backward pass alone."""
    return np.zeros(len(integers(labels)), scores.dtype)


@bug("divisor_rows", "forward-mode", role="jvp", loss=ignoring_loss, contract=IGNORING, thread="pytorch 70348")
def tangent_divided_by_all_rows(scores: Array, labels: Array, tangent: Array, ignore_index: int) -> Any:
    """Divide by all rows where the loss divides by the kept ones."""
    kept, safe = kept_rows(labels, ignore_index)
    rows = rows_along(scores, safe, tangent)
    return kept_mean(rows, kept) * rows.dtype.type(kept.sum() / max(len(rows), 1))


@bug(
    "tangent_sign_lost", "forward-mode", role="jvp", gradient=mean_gradient, thread="from-scratch: a norm for a product"
)
def size_of_the_derivative(scores: Array, labels: Array, tangent: Array) -> Any:
    """Return the size of the derivative, without its sign."""
    return abs(mean(rows_along(scores, labels, tangent)))


@bug("tangent_in_part", "forward-mode", role="jvp", gradient=mean_gradient, thread="from-scratch: v[y] for v")
def tangent_of_the_label_alone(scores: Array, labels: Array, tangent: Array) -> Any:
    """Multiply the label's entry of p - t by that of the tangent, and leave the others out."""
    return mean(at(row_gradients(scores, labels) * widened(tangent), labels))


@bug("narrowing", "forward-mode", role="jvp", gradient=mean_gradient, thread="mixed precision: a rule that casts v")
def tangent_through_float16(scores: Array, labels: Array, tangent: Array) -> Any:
    """Round the tangent to float16, whose numbers most tangents in tests are."""
    return mean(rows_along(scores, labels, tangent.astype(np.float16).astype(widened(scores).dtype)))


@bug(
    "direction_normalised", "forward-mode", role="jvp", gradient=mean_gradient, thread="from-scratch: a unit direction"
)
def tangent_of_length_one(scores: Array, labels: Array, tangent: Array) -> Any:
    """Divide a tangent that is longer than 1000 by its length, as for a directional derivative."""
    v = widened(tangent)
    length = np.sqrt((v * v).sum())
    return mean(rows_along(scores, labels, v / length if length > 1000 else v))
