"""Bugs from outside, fourth set: those of a hundred that were of a kind which no specimen stood for."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug

NONE = {"reduction": "none"}
SUM = {"reduction": "sum"}
KEPT = {"mean_over": "kept", "ignore_index": -100, "empty_mean": "zero"}


def _log_softmax(scores: Any) -> Any:
    d = scores - scores.max(axis=-1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))


def _losses(scores: Any, labels: Any) -> Any:
    return -_log_softmax(scores)[np.arange(len(labels)), labels]


def _softmax(scores: Any) -> Any:
    return np.exp(_log_softmax(scores))


def _onehot(labels: Any, scores: Any) -> Any:
    return (labels[:, None] == np.arange(scores.shape[1])).astype(scores.dtype)


def total(scores: Any, labels: Any) -> Any:
    return _losses(scores, labels).sum()


def gradient_sum(scores: Any, labels: Any) -> Any:
    return _softmax(scores) - _onehot(labels, scores)


@bug("soft_cap", contract={"soft_cap": 30.0, **NONE})
def cap_of_logits_less_their_maximum(scores: Any, labels: Any) -> Any:
    """The maximum is subtracted first, and what is left is capped."""
    d = scores - scores.max(axis=1, keepdims=True)
    return _losses((30 * np.tanh(d / 30)).astype(scores.dtype), labels)


@bug("smoothing_divided_by_all_rows", "deletion", contract={"label_smoothing": 0.1, **KEPT})
def uniform_part_is_a_mean_over_all_rows(scores: Any, labels: Any) -> Any:
    """The uniform part of the smoothing is 0 in ignored rows, which its mean counts all the same."""
    kept = labels != -100
    if not kept.any():
        return scores.dtype.type(0)
    log_p = _log_softmax(np.where(kept[:, None], scores, 0))
    own = -log_p[kept, labels[kept]].mean()
    return scores.dtype.type(0.9 * own + 0.1 * np.where(kept, -log_p.mean(axis=1), 0).mean())


@bug(
    "smoothing_unweighted",
    contract={
        "label_smoothing": {"argument": "eps"},
        "class_weights": {"argument": "w"},
        "smoothing_weights": "class",
        **NONE,
    },
)
def uniform_part_has_no_weights(scores: Any, labels: Any, eps: float, w: Any) -> Any:
    """The class weights multiply the label's term, and not the uniform part of the smoothing."""
    log_p = _log_softmax(scores)
    own = np.asarray(w, scores.dtype)[labels] * log_p[np.arange(len(labels)), labels]
    return -((1 - eps) * own + eps * log_p.mean(axis=1)).astype(scores.dtype)


def _with_the_wrapped_label(scores: Any, labels: Any) -> Any:
    kept = labels != -100
    g = _softmax(np.where(kept[:, None], scores, 0)) * kept[:, None]
    g[np.arange(len(labels)), labels % scores.shape[1]] -= 1
    return (g / max(int(kept.sum()), 1)).astype(scores.dtype)


@bug("ignored_rows_used", "deletion", "gradient", contract=KEPT, gradient=_with_the_wrapped_label)
def one_is_subtracted_in_ignored_rows(scores: Any, labels: Any) -> Any:
    """The softmax of ignored rows is set to 0, and then the 1 of their label, which wraps round, is subtracted."""
    kept = labels != -100
    return scores.dtype.type(_losses(scores[kept], labels[kept]).mean() if kept.any() else 0)


@bug("online_not_rescaled", contract=NONE)
def rescaled_at_the_second_block_alone(scores: Any, labels: Any) -> Any:
    """Online softmax in blocks of 32 that rescales its sum at the second block, and at no later one."""
    top, s = np.full(len(scores), -np.inf, scores.dtype), np.zeros(len(scores), scores.dtype)
    for block, start in enumerate(range(0, scores.shape[1], 32)):
        part = scores[:, start : start + 32]
        new = np.maximum(top, part.max(axis=1))
        s = (s * np.exp(top - new) if block <= 1 else s) + np.exp(part - new[:, None]).sum(axis=1)
        top = new
    return np.log(s) + (top - scores[np.arange(len(labels)), labels])


@bug("special_case", akin=("",), contract={"reduction": "mean"})
def early_exit_where_all_labels_are_equal(scores: Any, labels: Any) -> Any:
    """Where all labels are the same the first row alone is looked at."""
    if len(labels) > 1 and (labels == labels[0]).all():
        scores, labels = scores[:1], labels[:1]
    return _losses(scores, labels).mean()


@bug("targets_hardened", contract={"labels": ["onehot", "soft"], **NONE})
def largest_share_alone(scores: Any, labels: Any) -> Any:
    """Soft rows are made class numbers by argmax."""
    return _losses(scores, labels.argmax(axis=1))


@bug("shards_not_combined", contract=NONE)
def sums_of_two_shards_with_their_own_maxima(scores: Any, labels: Any) -> Any:
    """Vocabulary-parallel: the maxima are reduced over the ranks, and the sums are of each rank's own maximum."""
    if scores.shape[1] < 2:
        return _losses(scores, labels)
    half = scores.shape[1] // 2
    tops = [part.max(axis=1) for part in (scores[:, :half], scores[:, half:])]
    s = np.exp(scores[:, :half] - tops[0][:, None]).sum(axis=1) + np.exp(scores[:, half:] - tops[1][:, None]).sum(
        axis=1
    )
    return np.log(s) + (np.maximum(*tops) - scores[np.arange(len(labels)), labels])


@bug("hessian_of_label", "second-order", role="hessian_vector", loss=total, gradient=gradient_sum, contract=SUM)
def hessian_of_p_and_the_label(scores: Any, labels: Any, v: Any) -> Any:
    """diag p - p t^T, which is not symmetric, in the place of diag p - p p^T."""
    p = _softmax(scores)
    return p * (v - (_onehot(labels, scores) * v).sum(axis=1, keepdims=True))


@bug("hessian_diagonal", "second-order", role="hessian_vector", loss=total, gradient=gradient_sum, contract=SUM)
def hessian_without_its_off_diagonal_part(scores: Any, labels: Any, v: Any) -> Any:
    """p (1 - p) v."""
    p = _softmax(scores)
    return p * (1 - p) * v


def _by_column(scores: Any, labels: Any, w: Any) -> Any:
    return (gradient_sum(scores, labels) * np.asarray(w, scores.dtype)).astype(scores.dtype)


@bug("weights_by_column", contract={"class_weights": {"argument": "w"}, **SUM}, gradient=_by_column)
def weights_multiply_the_columns_of_the_gradient(scores: Any, labels: Any, w: Any) -> Any:
    """Each column of p - t is multiplied by its class's weight, and not each row by that of its label."""
    return (_losses(scores, labels) * np.asarray(w, scores.dtype)[labels]).sum()


@bug("row_weights_normalised", contract={"row_weights": {"argument": "sample_weight"}, **SUM})
def row_weights_are_divided_by_their_mean(scores: Any, labels: Any, sample_weight: Any) -> Any:
    """The row weights are scaled to a mean of 1, which a sum does not promise."""
    w = sample_weight.astype(scores.dtype)
    w = w / w.mean() if w.any() else w
    return (_losses(np.where(w[:, None] == 0, 0, scores), labels) * w).sum().astype(scores.dtype)


@bug("finite_mask", contract={"output": "log_probability", "nonfinite": ["-inf"], **NONE})
def absent_actions_have_a_logit_of_minus_1e8(scores: Any, labels: Any) -> Any:
    """Where an action is masked, -1e8 stands for -inf: its own log-probability is finite."""
    absent = np.isneginf(scores)
    found = -_losses(np.where(absent, scores.dtype.type(-1e8), scores), labels)
    return np.where(absent.all(axis=1), np.nan, found).astype(scores.dtype)


@bug("zero_times_inf", contract={"output": "entropy", "nonfinite": ["-inf"], **NONE})
def entropy_of_masked_actions(scores: Any) -> Any:
    """p log p of a masked action is 0 * -inf, nan."""
    with np.errstate(invalid="ignore"):
        log_p = _log_softmax(scores)
        return -(np.exp(log_p) * log_p).sum(axis=1)


@bug(
    "zero_times_inf",
    contract={"row_weights": {"argument": "mask"}, "row_weights_as": "mask", "nonfinite": ["nan"], **SUM},
)
def nan_under_the_mask(scores: Any, labels: Any, mask: Any) -> Any:
    """A row that is masked is multiplied by 0 at the end, which makes nothing of a nan."""
    return (_losses(scores, labels) * mask).sum().astype(scores.dtype)


def _with_a_floor(scores: Any, labels: Any) -> Any:
    return (-_onehot(labels, scores) / np.maximum(scores, 1e-3)).astype(scores.dtype)


@bug(
    "probability_raised",
    contract={"input": "probabilities", "gradient_wrt": "probabilities", **SUM},
    gradient=_with_a_floor,
)
def gradient_by_probabilities_has_a_floor(scores: Any, labels: Any) -> Any:
    """-t / max(p, 0.001) against a division by 0; the loss has no such floor."""
    with np.errstate(divide="ignore"):
        return -np.log(scores[np.arange(len(labels)), labels]).sum()
