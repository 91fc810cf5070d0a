"""Bugs: products of the Hessian with a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import Array, at, integers, mean_gradient, row_gradients, row_losses, softmax
from xentcheck.zoo.specimen import bug


@bug(
    "hessian_zero",
    "second-order",
    role="hessian_vector",
    gradient=mean_gradient,
    thread="tensorflow 7403, 5876 (the Hessian is silently 0)",
)
def silently_zero(scores: Array, labels: Array, vector: Array) -> Any:
    """Return zeros."""
    return np.zeros_like(scores)


@bug(
    "hessian_diagonal",
    "second-order",
    role="hessian_vector",
    gradient=mean_gradient,
    thread="xgboost, lightgbm: a diagonal Hessian",
)
def diagonal_of_hessian(scores: Array, labels: Array, vector: Array) -> Any:
    """Multiply by p (1 - p) alone."""
    p = softmax(scores)
    return p * (1 - p) * vector / max(len(p), 1)


@bug(
    "hessian_doubled",
    "second-order",
    role="hessian_vector",
    gradient=mean_gradient,
    thread="xgboost: 2 p (1 - p)",
)
def doubled_hessian(scores: Array, labels: Array, vector: Array) -> Any:
    """Return twice the product."""
    p = softmax(scores)
    return 2 * p * (vector - (p * vector).sum(axis=1, keepdims=True)) / max(len(p), 1)


@bug(
    "hessian_without_outer_product",
    "second-order",
    role="hessian_vector",
    loss=row_losses,
    gradient=row_gradients,
    contract={"reduction": "none"},
    thread="scikit-learn 14608",
)
def outer_product_missing(scores: Array, labels: Array, vector: Array) -> Any:
    """Multiply by p and forget p p^T: the product with ones is not 0."""
    return softmax(scores) * vector


@bug(
    "hessian_of_label",
    "second-order",
    role="hessian_vector",
    gradient=mean_gradient,
    thread="from-scratch networks: the derivative of p_y - 1 alone",
)
def label_taken_for_mean(scores: Array, labels: Array, vector: Array) -> Any:
    """Subtract the vector's entry at the label, where its mean under p is meant."""
    p = softmax(scores)
    return p * (vector - at(vector, integers(labels))[:, None]) / max(len(p), 1)


@bug(
    "direction_normalised",
    "second-order",
    role="hessian_vector",
    gradient=mean_gradient,
    thread="power iteration and conjugate gradients normalise their vectors",
)
def vector_normalised_above_ten(scores: Array, labels: Array, vector: Array) -> Any:
    """Divide a vector by its largest entry, where that is above 10, and forget to multiply the product by it."""
    p, largest = softmax(scores), np.abs(vector).max(initial=0)
    v = vector / largest if largest > 10 else vector
    return p * (v - (p * v).sum(axis=1, keepdims=True)) / max(len(p), 1)


@bug(
    "hessian_diagonal",
    "second-order",
    role="hessian_vector",
    gradient=mean_gradient,
    thread="from-scratch: a short cut for unit vectors",
)
def column_of_a_diagonal(scores: Array, labels: Array, vector: Array) -> Any:
    """Return for a unit vector in each of several rows the diagonal's entry alone, where a column is asked for."""
    p = softmax(scores)
    unit = len(p) > 1 and np.all((vector != 0).sum(axis=1) == 1) and np.all(vector.max(axis=1, initial=0) == 1)
    mean = p * vector if unit else (p * vector).sum(axis=1, keepdims=True)
    return p * (vector - mean) / max(len(p), 1)


@bug(
    "narrowing",
    "second-order",
    role="hessian_vector",
    gradient=mean_gradient,
    thread="mixed precision: a product that casts its vector",
)
def vector_through_float16(scores: Array, labels: Array, vector: Array) -> Any:
    """Round the vector to float16."""
    p, v = softmax(scores), vector.astype(np.float16).astype(scores.dtype)
    return p * (v - (p * v).sum(axis=1, keepdims=True)) / max(len(p), 1)
