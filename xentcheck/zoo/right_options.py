"""Right: every convention of labels, weights, smoothing and penalties, declared."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    IGNORING,
    SMOOTHED,
    WEIGHTED,
    Array,
    at,
    dense_gradients,
    dense_losses,
    integers,
    kept_rows,
    log_softmax,
    mean,
    one_by_one,
    one_hot,
    row_gradients,
    row_losses,
    shifted,
    smoothed,
    smoothed_over_others,
    softmax,
)
from xentcheck.zoo.specimen import right

SUM = {"reduction": "sum"}
# Rows of integers are taken for class numbers, so that they are not promised.
BOTH = {"labels": ["sparse", "onehot", "soft"], "dense_label_dtypes": ["same", "float32", "float64"]}


def is_dense(scores: Array, labels: Array) -> bool:
    """Return whether labels are rows of numbers: floating-point and of the scores' shape."""
    return labels.shape == scores.shape and labels.dtype.kind not in "iu"


def taken(weights: Array, labels: Array, like: Array) -> Array:
    """Return the weight of each row's label."""
    return weights[integers(labels)].astype(like.dtype)


@right(contract={**WEIGHTED, "mean_over": "weights"})
def mean_over_weights(scores: Array, labels: Array, weights: Array) -> Any:
    """The weighted mean divides by the weights; np.average does it."""
    w = taken(weights, labels, scores)
    return np.average(row_losses(scores, labels), weights=w)


@right(contract={**WEIGHTED, "mean_over": "rows"})
def weighted_mean_over_rows(scores: Array, labels: Array, weights: Array) -> Any:
    """The weighted mean divides by the rows, as declared."""
    return mean(row_losses(scores, labels) * taken(weights, labels, scores))


def _weighted_gradient(scores: Array, labels: Array, weights: Array) -> Any:
    return row_gradients(scores, labels) * taken(weights, labels, scores)[:, None]


@right(contract={**WEIGHTED, **SUM, "class_weights_as": "signed"}, gradient=_weighted_gradient)
def weights_of_either_sign(scores: Array, labels: Array, weights: Array) -> Any:
    """A row whose label has a weight below 0 has a loss below 0, as in torch."""
    return (row_losses(scores, labels) * taken(weights, labels, scores)).sum()


@right(
    contract={
        **WEIGHTED,
        **SMOOTHED,
        "labels": ["onehot", "soft"],
        "class_weights_as": "signed",
        "smoothing_weights": "class",
        "reduction": "none",
    }
)
def signed_weights_of_each_class(scores: Array, targets: Array, weights: Array, smoothing: float) -> Any:
    """The weight of each class inside the sum over the classes, some below 0."""
    t = smoothed(targets.astype(scores.dtype), smoothing)
    return dense_losses(scores, t * weights)


@right(contract={**WEIGHTED, **SUM}, gradient=_weighted_gradient)
def weighted_sum(scores: Array, labels: Array, weights: Array) -> Any:
    """A weighted sum, as a product of two vectors."""
    return row_losses(scores, labels) @ taken(weights, labels, scores)


@right(contract={"class_weights": [0.5, 2.0, 0.0, 1.25], **SUM})
def constant_weights(scores: Array, labels: Array) -> Any:
    """Four classes with constant weights, one of them 0."""
    return (row_losses(scores, labels) * np.array([0.5, 2.0, 0.0, 1.25], scores.dtype)[integers(labels)]).sum()


BY_CLASS = {"labels": ["onehot", "soft"], "soft_rows": "any", "class_weights": [1.0, 2.0, 4.0]}
OF_CLASSES = np.array(BY_CLASS["class_weights"])


@right(contract={**BY_CLASS, "smoothing_weights": "label"})
def rows_weighted_by_their_labels(scores: Array, targets: Array) -> Any:
    """Each row of labels is multiplied by sum_j w_j t_j, as in losses of segmentation on tensorflow."""
    t = targets.astype(scores.dtype)
    return mean((t * OF_CLASSES.astype(scores.dtype)).sum(axis=1) * dense_losses(scores, t))


@right(contract={**BY_CLASS, "smoothing_weights": "class"})
def classes_weighted_within_rows(scores: Array, targets: Array) -> Any:
    """Each class has its own constant weight within the sum over a row of labels."""
    return mean(dense_losses(scores, targets.astype(scores.dtype) * OF_CLASSES.astype(scores.dtype)))


TINY = [2.0**-1070, 2.0**-140, 1.0]


@right(contract={"class_weights": TINY, "reduction": "none"})
def weights_flushed_to_zero(scores: Array, labels: Array) -> Any:
    """Class weights that are subnormal in the dtype count as 0, as where subnormal numbers are flushed."""
    w = np.asarray(TINY, scores.dtype)
    w = np.where(w < np.finfo(scores.dtype).tiny, w.dtype.type(0), w)
    return row_losses(scores, labels) * w[integers(labels)]


@right(contract={**WEIGHTED, **SUM, "labels": ["soft"]})
def soft_rows_weighted(scores: Array, targets: Array, weights: Array) -> Any:
    """A soft row is weighted by sum w t."""
    return (dense_losses(scores, targets) * (targets @ weights)).sum()


@right(contract={**WEIGHTED, **IGNORING, "mean_over": "weights", "empty_mean": "nan"})
def weights_of_kept_rows(scores: Array, labels: Array, weights: Array, ignore_index: int) -> Any:
    """The weighted mean over the kept rows, nan where the weights are 0."""
    kept, safe = kept_rows(labels, ignore_index)
    w = np.where(kept, taken(weights, safe, scores), 0).astype(scores.dtype)
    with np.errstate(invalid="ignore"):
        return (np.where(w > 0, row_losses(scores, safe), 0) * w).sum() / w.sum()


@right(contract=SMOOTHED)
def smoothing_as_two_losses(scores: Array, labels: Array, smoothing: float) -> Any:
    """(1 - eps) CE + eps times the mean of -log p over the classes."""
    logs, eps = log_softmax(scores), scores.dtype.type(smoothing)
    return mean((1 - eps) * -at(logs, labels) + eps * -logs.mean(axis=1))


def _smoothed_gradient(scores: Array, labels: Array, smoothing: float) -> Any:
    p, eps = softmax(scores), scores.dtype.type(smoothing)
    return (p - (1 - eps) * one_hot(labels, p) - eps / p.dtype.type(p.shape[1])) / max(len(p), 1)


@right(contract=SMOOTHED, gradient=_smoothed_gradient)
def smoothing_of_targets(scores: Array, labels: Array, smoothing: float) -> Any:
    """Smoothed one-hot rows."""
    return mean(dense_losses(scores, smoothed(one_hot(labels, scores), smoothing)))


@right(contract={"label_smoothing": 0.1, "reduction": "sum"})
def smoothed_products_in_one_sum(scores: Array, labels: Array) -> Any:
    """Add t' log p to one number, class after class and row after row, as a loop in C does."""
    return -one_by_one(smoothed(one_hot(labels, scores), 0.1) * log_softmax(scores))


@right(contract={"label_smoothing": {"argument": "smoothing", "range": "[0, 1)"}})
def smoothing_below_one(scores: Array, labels: Array, smoothing: float) -> Any:
    """Refuse a smoothing of 1, as mlx does, which is outside the range declared."""
    if not 0 <= smoothing < 1:
        raise ValueError(f"Label smoothing must be in the range [0, 1), got {smoothing}.")
    return mean(dense_losses(scores, smoothed(one_hot(labels, scores), smoothing)))


@right(contract={**SMOOTHED, "smoothing_over": "others", "reduction": "none"})
def smoothing_of_others_by_difference(scores: Array, labels: Array, smoothing: float) -> Any:
    """The sum over all classes less the label's term, however large that is: a smoothing of 1 leaves its rounding."""
    logs, eps = log_softmax(scores), scores.dtype.type(smoothing)
    own = at(logs, labels)
    return (eps - 1) * own - eps / logs.dtype.type(max(logs.shape[1] - 1, 1)) * (logs.sum(axis=1) - own)


@right(contract={**SMOOTHED, "smoothing_over": "others"})
def smoothing_of_others(scores: Array, labels: Array, smoothing: float) -> Any:
    """Eps / (m - 1) to the other classes, as declared."""
    return mean(dense_losses(scores, smoothed_over_others(one_hot(labels, scores), smoothing)))


@right(contract={**SMOOTHED, **WEIGHTED, **SUM, "smoothing_weights": "class"})
def smoothing_weighted_by_class(scores: Array, labels: Array, smoothing: float, weights: Array) -> Any:
    """Each class has its own weight within the smoothed sum, as declared."""
    return dense_losses(scores, smoothed(one_hot(labels, scores), smoothing) * weights).sum()


@right(contract={**SMOOTHED, **WEIGHTED, **SUM, "smoothing_weights": "label"})
def smoothing_weighted_by_label(scores: Array, labels: Array, smoothing: float, weights: Array) -> Any:
    """The label's weight multiplies the whole smoothed row, as declared."""
    losses = dense_losses(scores, smoothed(one_hot(labels, scores), smoothing))
    return (losses * taken(weights, labels, scores)).sum()


@right(contract={"label_smoothing": 0.1})
def constant_smoothing(scores: Array, labels: Array) -> Any:
    """A smoothing of 0.1, built in."""
    return mean(dense_losses(scores, smoothed(one_hot(labels, scores), 0.1)))


@right(
    contract={"label_smoothing": 0.1, "smoothing_over": "others", "ignore_index": 1, "reduction": "sum"},
    thread="fairseq: label_smoothed_nll_loss, whose padding is class 1",
)
def smoothed_beside_padding(scores: Array, labels: Array) -> Any:
    """Rows of class 1, of padding, add nothing, beside a smoothing of 0.1: as in translation."""
    kept, safe = kept_rows(labels, 1)
    rows = dense_losses(scores, smoothed_over_others(one_hot(safe, scores), 0.1))
    return np.where(kept, rows, 0).sum()


@right(contract=BOTH)
def every_label_form(scores: Array, labels: Array) -> Any:
    """Sparse, one-hot and soft labels, told apart by shape and dtype."""
    return mean(dense_losses(scores, labels) if is_dense(scores, labels) else row_losses(scores, labels))


@right(contract={**BOTH, **SMOOTHED, **WEIGHTED, **SUM})
def every_label_form_with_options(scores: Array, labels: Array, smoothing: float, weights: Array) -> Any:
    """The same with weights of the label and smoothing."""
    t = labels if is_dense(scores, labels) else one_hot(labels, scores)
    return (dense_losses(scores, smoothed(t, smoothing)) * (t @ weights)).sum()


@right(contract={"labels": ["soft"], "soft_rows": "any"})
def soft_rows_of_any_sum(scores: Array, targets: Array) -> Any:
    """(sum t) lse - t.z of shifted logits."""
    d = shifted(scores)
    return mean(targets.sum(axis=1) * np.log(np.exp(d).sum(axis=1)) - (targets * d).sum(axis=1))


@right(contract={"labels": ["soft"], "soft_rows": "renormalised"})
def soft_rows_renormalised(scores: Array, targets: Array) -> Any:
    """The targets are divided by their sum, as declared."""
    return mean(dense_losses(scores, targets / targets.sum(axis=1, keepdims=True)))


@right(contract={"labels": ["soft"], "soft_rows": "normalised"})
def lse_less_dot(scores: Array, targets: Array) -> Any:
    """Lse - t.z of shifted logits, for targets that are promised to sum to 1."""
    d = shifted(scores)
    return mean(np.log(np.exp(d).sum(axis=1)) - np.einsum("ij,ij->i", targets, d))


@right(contract={"z_loss": {"argument": "z_loss"}})
def z_loss_added(scores: Array, labels: Array, z_loss: float) -> Any:
    """A z-loss beside the loss."""
    d = shifted(scores)
    log_sum = np.log(np.exp(d).sum(axis=1))
    return mean(log_sum - at(d, labels) + scores.dtype.type(z_loss) * (log_sum + scores.max(axis=1)) ** 2)


def _z_loss_gradient(scores: Array, labels: Array, z_loss: float) -> Any:
    d, p = shifted(scores), softmax(scores)
    lse = np.log(np.exp(d).sum(axis=1)) + scores.max(axis=1)
    factor = 1 + 2 * scores.dtype.type(z_loss) * lse
    return (p * factor[:, None] - one_hot(labels, p)) / max(len(p), 1)


@right("gradient", loss=None, contract={"z_loss": {"argument": "z_loss"}})
def z_loss_in_gradient(scores: Array, labels: Array, z_loss: float) -> Any:
    """(1 + 2 lambda lse) p - t."""
    return _z_loss_gradient(scores, labels, z_loss)


def _every_gradient(scores: Array, labels: Array, weights: Array, smoothing: float, ignore_index: int) -> Any:
    kept, safe = kept_rows(labels, ignore_index)
    w = np.where(kept, taken(weights, safe, scores), 0).astype(scores.dtype)
    g = dense_gradients(scores, smoothed(one_hot(safe, scores), smoothing))
    return g * (w / w.sum())[:, None]


@right(contract={**WEIGHTED, **SMOOTHED, **IGNORING, "mean_over": "weights"}, gradient=_every_gradient)
def every_option(scores: Array, labels: Array, weights: Array, smoothing: float, ignore_index: int) -> Any:
    """Weights, smoothing and ignored rows together, the mean over the weights."""
    kept, safe = kept_rows(labels, ignore_index)
    w = np.where(kept, taken(weights, safe, scores), 0).astype(scores.dtype)
    losses = dense_losses(scores, smoothed(one_hot(safe, scores), smoothing))
    return (np.where(w > 0, losses, 0) * w).sum() / w.sum()


@right(contract={**WEIGHTED, **SMOOTHED, "mean_over": "weights", "smoothing_weights": "mean"})
def mean_weight_of_smoothed_labels(scores: Array, labels: Array, weights: Array, smoothing: float) -> Any:
    """The weight of a row is the mean of the class weights under its smoothed label, as in paddle."""
    t = smoothed(one_hot(labels, scores), smoothing)
    w = t @ weights
    return (dense_losses(scores, t) * w).sum() / w.sum()
