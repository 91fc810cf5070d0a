"""Right: bad input that is refused, or answered by the declared sentinel, and what only looks like bad input."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    IGNORING,
    Array,
    at,
    dense_losses,
    dense_mean_gradient,
    dense_mean_loss,
    integers,
    kept_rows,
    mean,
    mean_gradient,
    mean_loss,
    row_losses,
)
from xentcheck.zoo.specimen import right

NAN = float("nan")


def bad(scores: Array, labels: Array) -> bool:
    """Return whether sparse labels are bad in any way."""
    flat = np.asarray(labels)
    if flat.ndim != 1 or len(flat) != len(scores) or flat.dtype.kind not in "iu":
        return True
    return bool(np.any((flat < 0) | (flat >= scores.shape[1])))


@right(contract={"invalid": "raise"})
def refuses_bad_labels(scores: Array, labels: Array) -> Any:
    """Raise for every kind of bad labels."""
    if bad(scores, labels):
        raise ValueError("bad labels")
    return mean_loss(scores, labels)


@right(contract={"invalid": {"returns": NAN}})
def nan_for_bad_labels(scores: Array, labels: Array) -> Any:
    """Return nan for every kind of bad labels, as declared."""
    return scores.dtype.type(NAN) if bad(scores, labels) else mean_loss(scores, labels)


@right(contract={"invalid": {"returns": -1.0}})
def minus_one_for_bad_labels(scores: Array, labels: Array) -> Any:
    """Return -1 for every kind of bad labels, as declared."""
    return scores.dtype.type(-1) if bad(scores, labels) else mean_loss(scores, labels)


@right(contract={"labels": ["onehot"], "invalid": "raise"})
def refuses_rows_that_are_not_one_hot(scores: Array, targets: Array) -> Any:
    """Raise for labels that are not one-hot."""
    if targets.shape != scores.shape or np.any((targets != 0) & (targets != 1)) or np.any(targets.sum(axis=1) != 1):
        raise ValueError("labels must be one-hot")
    return mean(dense_losses(scores, targets))


@right(contract={"input": "probabilities", "invalid": "raise"})
def refuses_rows_that_are_no_probabilities(p: Array, labels: Array) -> Any:
    """Raise for rows that do not sum to 1, within what rounding can do, and for bad labels."""
    slack = 8 * p.shape[1] * np.finfo(p.dtype).eps
    if bad(p, labels) or np.any(np.abs(p.sum(axis=1) - 1) > slack) or np.any(p < 0):
        raise ValueError("rows must sum to 1")
    return mean(-np.log(at(p, labels)))


@right(
    contract={**IGNORING, "input": "probabilities", "invalid": "raise"}, thread="focal-loss-torch validates all rows"
)
def refuses_what_is_no_probability(p: Array, labels: Array, ignore_index: int) -> Any:
    """Raise for rows that do not sum to 1, ignored ones among them, and for numbers outside [0, 1]."""
    kept = np.asarray(labels) != ignore_index
    safe = np.where(kept, labels, 0)
    slack = 8 * p.shape[1] * np.finfo(p.dtype).eps
    stochastic = np.all(np.abs(p.sum(axis=1) - 1) <= slack) and np.all((p >= 0) & (p <= 1 + slack))
    if bad(p, safe) or not stochastic:
        raise ValueError("rows must sum to 1, and their numbers lie between 0 and 1")
    return mean(-np.log(at(p, safe)[kept]))


def refusing_gradient(scores: Array, labels: Array) -> Any:
    """Return the gradient of the mean, or raise ValueError for bad labels."""
    if bad(scores, labels):
        raise ValueError("bad labels")
    return mean_gradient(scores, labels)


@right(contract={"invalid": "raise"}, gradient=refusing_gradient)
def one_hot_rows_understood(scores: Array, labels: Array) -> Any:
    """Promise class numbers, raise for bad ones, and understand one-hot rows of integers, too."""
    given = np.asarray(labels)
    if given.shape == scores.shape and np.all((given == 0) | (given == 1)) and np.all(given.sum(axis=1) == 1):
        given = given.argmax(axis=1)
    if bad(scores, given):
        raise ValueError("bad labels")
    return mean_loss(scores, given)


@right(contract={**IGNORING, "invalid": "raise", "empty_mean": "nan"})
def refuses_all_but_the_ignored(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Raise for every bad label other than the ignored one, wherever that lies."""
    kept, safe = kept_rows(labels, ignore_index)
    if np.asarray(labels).ndim != 1 or bad(scores, np.where(kept, labels, 0)):
        raise ValueError("bad labels")
    losses = row_losses(scores, safe)
    return np.where(kept, losses, 0).sum() / losses.dtype.type(kept.sum() or "nan")


@right(contract={"invalid": {"returns": NAN}, "reduction": "none"})
def nan_in_the_bad_rows(scores: Array, labels: Array) -> Any:
    """Return nan in each row whose label is bad, and in all where labels and rows do not match."""
    flat = np.asarray(labels)
    if flat.ndim != 1 or len(flat) != len(scores):
        return np.full(len(scores), NAN, scores.dtype)
    within = (flat >= 0) & (flat < scores.shape[1]) & (flat == np.floor(flat))
    return np.where(within, row_losses(scores, integers(np.where(within, flat, 0))), scores.dtype.type(NAN))


def gradient_without_booleans(scores: Array, targets: Array) -> Any:
    """Return the gradient of the mean, or raise TypeError for boolean labels."""
    if targets.dtype == np.bool_:
        raise TypeError("numpy boolean subtract is not supported")
    return dense_mean_gradient(scores, targets)


@right(contract={"labels": ["onehot"]}, gradient=gradient_without_booleans)
def boolean_labels_have_no_gradient(scores: Array, targets: Array) -> Any:
    """Take one-hot labels of every dtype, and raise TypeError where the gradient is asked for boolean ones."""
    return dense_mean_loss(scores, targets)
