"""Bugs from outside, fourth set: of those in the manner of many authors, the ones that were missed or not named."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug

NONE = {"reduction": "none"}
SUM = {"reduction": "sum"}
WEIGHTS = {"class_weights": {"argument": "w"}}


def _log_softmax(scores: Any) -> Any:
    d = scores - scores.max(axis=-1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))


def losses(scores: Any, labels: Any) -> Any:
    return -_log_softmax(scores)[np.arange(len(labels)), labels]


def _gradient(scores: Any, labels: Any) -> Any:
    g = np.exp(_log_softmax(scores))
    g[np.arange(len(labels)), labels] -= 1
    return g


@bug("upstream-changed", "purity", role="vjp", loss=losses, contract=NONE, thread="apex 1430")
def upstream_gradient_negated_in_place(scores: Any, labels: Any, upstream: Any) -> Any:
    """The upstream gradient is negated in place, and is the caller's own."""
    np.negative(upstream, out=upstream)
    return (-_gradient(scores, labels) * upstream[:, None]).astype(scores.dtype)


@bug("row_weights_of_all_rows", contract={"row_weights": {"argument": "sample_weight"}})
def losses_of_shape_n_1_times_weights_of_shape_n(scores: Any, labels: Any, sample_weight: Any) -> Any:
    """The losses keep an axis of one, so that each is multiplied by the weights of all rows."""
    column = -np.take_along_axis(_log_softmax(scores), labels[:, None].astype(np.int64), axis=1)
    return (column * sample_weight).mean(dtype=scores.dtype)


@bug("eps_before_normalising", contract={"input": "probabilities", "labels": ["onehot"], "boundary": {"add": 1e-8}})
def eps_added_before_the_division(scores: Any, labels: Any) -> Any:
    """The eps is added to every entry, and the row divided by its sum once more, where log(p + eps) is promised."""
    q = scores + scores.dtype.type(1e-8)
    q = q / q.sum(axis=1, keepdims=True)
    return -(labels * np.log(q)).sum(axis=1).mean(dtype=scores.dtype)


@bug("sum_t_ignored", contract={"labels": ["soft"], "soft_rows": "any"})
def log_sum_exp_without_the_sum_of_the_row(scores: Any, labels: Any) -> Any:
    """lse - t.z, which is the loss of rows that sum to 1."""
    d = scores - scores.max(axis=1, keepdims=True)
    return (np.log(np.exp(d).sum(axis=1)) - (labels * d).sum(axis=1)).mean(dtype=scores.dtype)


@bug("targets_divided_by_total", contract={"labels": ["soft"], "soft_rows": "renormalised"})
def mean_over_the_total_of_the_targets(scores: Any, labels: Any) -> Any:
    """The sum over the batch is divided by the sum of its targets, where each row is to be divided by its own."""
    t = labels.astype(scores.dtype)
    return -(t * _log_softmax(scores)).sum() / t.sum() if len(t) else scores.dtype.type(np.nan)


@bug(
    "smoothing_over_fewer",
    contract={"label_smoothing": {"argument": "eps"}, "smoothing_over": "others", **NONE},
    thread="OpenNMT 570",
)
def smoothing_leaves_a_class_for_padding(scores: Any, labels: Any, eps: float) -> Any:
    """The others get eps / (m - 2) each, as if one class were padding."""
    m = scores.shape[1]
    hot = labels[:, None] == np.arange(m)
    share = np.where(hot, 1 - eps, eps / (m - 2 if m > 2 else max(m - 1, 1))).astype(scores.dtype)
    return -(share * _log_softmax(scores)).sum(axis=1)


@bug("weights_reversed", contract={**WEIGHTS, **SUM})
def weights_from_the_last_class_to_the_first(scores: Any, labels: Any, w: Any) -> Any:
    """The class weights are read in reverse order, as from a list of frequencies sorted the other way."""
    return (np.asarray(w, scores.dtype)[::-1][labels] * losses(scores, labels)).sum()


@bug("weights_squared", contract={**WEIGHTS, **SUM})
def weights_in_the_loss_and_in_its_sum(scores: Any, labels: Any, w: Any) -> Any:
    """The weight of a row's label multiplies its loss, and once more where the losses are summed."""
    by_row = np.asarray(w, scores.dtype)[labels]
    return by_row @ (by_row * losses(scores, labels))


@bug("partial_maximum", "value", contract=NONE)
def maximum_of_the_lower_half_of_whole_blocks(scores: Any, labels: Any) -> Any:
    """Of 512, 1024 ... classes the tree that finds the maximum looks at the lower half alone."""
    m = scores.shape[1]
    whole = m >= 512 and m & (m - 1) == 0
    d = scores - scores[:, : m // 2 if whole else m].max(axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        return np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(labels)), labels]
