"""Bugs written outside: losses of probabilities, and with options."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.outside.first_gradients import log_softmax, logsumexp, picked
from xentcheck.zoo.specimen import bug


@bug(
    "binary_cross_entropy",
    contract={"input": "probabilities", "labels": ["onehot"], "boundary": {"clip": [1e-06, 0.999999]}},
)
def binary_terms_for_every_class(scores: Any, labels: Any) -> Any:
    """The loss is the binary cross-entropy of every class: it adds (1 - t) log(1 - p) for the classes that are not the
    label.
    """
    p = np.clip(scores, 1e-06, 0.999999)
    t = labels.astype(scores.dtype)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum() / scores.dtype.type(len(scores))


@bug("zero_times_inf", contract={"input": "probabilities", "labels": ["soft"], "reduction": "none"})
def zero_share_of_zero_probability_is_nan(scores: Any, labels: Any) -> Any:
    """t log p is taken as it stands, so a class of share 0 and probability 0 gives 0 * -inf = nan instead of 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(labels.astype(scores.dtype) * np.log(scores)).sum(axis=1)


@bug("log_limited", contract={"input": "log_probabilities", "reduction": "sum"}, akin=("loss_limited", "clip"))
def log_probabilities_floored(scores: Any, labels: Any) -> Any:
    """Log-probabilities are floored at log(1e-8) although nothing of the kind is promised: a label less likely than
    that costs 18.4 only.
    """
    return -np.maximum(picked(scores, labels), np.log(1e-08).astype(scores.dtype)).sum()


@bug("kullback_leibler", contract={"labels": ["soft"], "reduction": "none"})
def divergence_for_cross_entropy(scores: Any, labels: Any) -> Any:
    """The loss is the Kullback-Leibler divergence: the entropy of the soft labels is subtracted from the cross-
    entropy.
    """
    t = labels.astype(scores.dtype)
    logt = np.log(np.where(t > 0, t, 1))
    return (t * (logt - log_softmax(scores))).sum(axis=1)


@bug(
    "z_loss_ignored_rows",
    contract={
        "ignore_index": {"argument": "ignore_index"},
        "mean_over": "kept",
        "z_loss": 0.01,
        "label_dtypes": ["int32", "int64"],
    },
)
def z_loss_of_ignored_rows(scores: Any, labels: Any, ignore_index: Any) -> Any:
    """The z-loss is summed over all rows, the ignored ones too, while the cross-entropy leaves them out."""
    kept = labels != ignore_index
    lse = logsumexp(scores)
    rows = lse[kept] - picked(scores[kept], labels[kept])
    total = rows.sum() + scores.dtype.type(0.01) * (lse * lse).sum()
    return total / scores.dtype.type(kept.sum())


@bug("z_loss_reduction", akin=("lse_minus_label",), contract={"z_loss": {"argument": "z_loss"}})
def z_loss_squares_the_mean(scores: Any, labels: Any, z_loss: Any) -> Any:
    """The z-loss is the square of the batch's mean logsumexp instead of the mean of the squares."""
    n = scores.dtype.type(len(scores))
    lse = logsumexp(scores)
    mean_lse = lse.sum() / n
    return (lse - picked(scores, labels)).sum() / n + z_loss * mean_lse * mean_lse


@bug(
    "smoothing_label_share",
    contract={
        "label_smoothing": {"argument": "smoothing"},
        "smoothing_over": "others",
        "reduction": "none",
        "domain": {"classes": [2, 100000]},
    },
)
def true_class_gets_a_share_of_others(scores: Any, labels: Any, smoothing: Any) -> Any:
    """Smoothing over the others gives eps/(m-1) to the true class as well, on top of its 1 - eps, so a row sums to
    more than 1.
    """
    logp = log_softmax(scores)
    share = smoothing / (scores.shape[1] - 1)
    return -((1 - smoothing) * picked(logp, labels) + share * logp.sum(axis=1))


@bug("ignored_rows_used", contract={"ignore_index": 0, "mean_over": "kept"}, akin=("ignore_index",))
def ignored_class_zero_is_falsy(scores: Any, labels: Any, ignore_index: Any = 0) -> Any:
    """The ignored label is tested by its truth, "if ignore_index", so the label 0 is never ignored."""
    if ignore_index:
        kept = labels != ignore_index
        scores, labels = (scores[kept], labels[kept])
    return -picked(log_softmax(scores), labels).sum() / scores.dtype.type(len(scores))


@bug(
    "divisor_weights_of_ignored",
    contract={
        "ignore_index": -100,
        "mean_over": "weights",
        "class_weights": {"argument": "weight"},
        "label_dtypes": ["int32", "int64"],
    },
)
def ignored_rows_weigh_as_class_zero(scores: Any, labels: Any, weight: Any) -> Any:
    """Ignored labels are replaced by 0 for the look-up, and the weight of class 0 stays in the mean's divisor for each
    of them.
    """
    weight = np.asarray(weight, dtype=scores.dtype)
    kept = labels != -100
    safe = np.where(kept, labels, 0)
    each = weight[safe]
    rows = np.where(kept, -each * picked(log_softmax(scores), safe), 0)
    return rows.sum() / each.sum()


@bug(
    "z_loss_uncapped",
    akin=("soft_cap",),
    contract={"soft_cap": {"argument": "soft_cap"}, "z_loss": 0.01, "reduction": "none"},
)
def z_loss_of_uncapped_logits(scores: Any, labels: Any, soft_cap: Any) -> Any:
    """The z-loss takes the logsumexp of the logits before the soft cap, while the cross-entropy has them capped."""
    capped = soft_cap * np.tanh(scores / soft_cap)
    lse = logsumexp(scores)
    return -picked(log_softmax(capped), labels) + scores.dtype.type(0.01) * lse * lse


@bug("targets_divided_by_total", contract={"labels": ["soft"], "soft_rows": "renormalised", "reduction": "sum"})
def soft_rows_divided_by_batch_total(scores: Any, labels: Any) -> Any:
    """Soft labels are divided by the sum of the whole batch instead of each row by its own, as the axis is left out."""
    t = labels.astype(scores.dtype)
    t = t / t.sum()
    return -(t * log_softmax(scores)).sum()
