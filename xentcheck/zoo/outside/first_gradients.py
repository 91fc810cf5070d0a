"""Bugs written outside: gradients, and products with the Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug


def log_softmax(scores: Any) -> Any:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(scores: Any) -> Any:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def logsumexp(scores: Any) -> Any:
    highest = scores.max(axis=1)
    return highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))


def picked(table: Any, labels: Any) -> Any:
    return table[np.arange(len(table)), labels.astype(np.int64)]


def one_hot(labels: Any, scores: Any) -> Any:
    rows = np.zeros_like(scores)
    rows[np.arange(len(scores)), labels.astype(np.int64)] = 1
    return rows


def _jacobian_diagonal(scores: Any, labels: Any) -> Any:
    p = softmax(scores)
    by_probability = np.zeros_like(p)
    rows, y = (np.arange(len(p)), labels.astype(np.int64))
    by_probability[rows, y] = -(1 - p[rows, y])
    return by_probability / len(p)


@bug("jacobian_diagonal", gradient=_jacobian_diagonal)
def gradient_by_diagonal_of_jacobian(scores: Any, labels: Any) -> Any:
    """The gradient chains -t/p with p (1 - p) only, the diagonal of the softmax Jacobian, so all other classes
    get 0.
    """
    return -picked(log_softmax(scores), labels).sum() / scores.dtype.type(len(scores))


def _columns_of_all_labels(scores: Any, labels: Any) -> Any:
    grad = softmax(scores)
    grad[:, labels.astype(np.int64)] -= 1
    return grad


@bug("labels_of_all_rows", contract={"reduction": "sum"}, gradient=_columns_of_all_labels)
def gradient_subtracts_in_whole_columns(scores: Any, labels: Any) -> Any:
    """The gradient subtracts 1 by p[:, labels], in every row for every label of the batch, instead of p[arange,
    labels].
    """
    return -picked(log_softmax(scores), labels).sum()


_saved: dict[Any, Any] = {}


def _from_last_forward(scores: Any, labels: Any) -> Any:
    p = _saved.get("p")
    if p is None or p.shape != scores.shape or p.dtype != scores.dtype:
        p = softmax(scores)
    return (p - one_hot(labels, scores)) / max(len(p), 1)


@bug("state_kept", gradient=_from_last_forward)
def gradient_of_stale_forward(scores: Any, labels: Any) -> Any:
    """The gradient takes the probabilities that the last call of the loss saved whenever their shape fits, whatever
    its own scores are.
    """
    logp = log_softmax(scores)
    _saved["p"] = np.exp(logp)
    return -picked(logp, labels).sum() / scores.dtype.type(len(scores))


def _shift_half_differentiated(scores: Any, labels: Any) -> Any:
    highest = scores.argmax(axis=1)
    grad = softmax(scores) - one_hot(labels, scores)
    grad[np.arange(len(grad)), highest] -= 1
    return grad


@bug("shift_half_differentiated", contract={"reduction": "sum"}, gradient=_shift_half_differentiated)
def gradient_through_the_shift(scores: Any, labels: Any) -> Any:
    """The gradient differentiates the maximum inside the exponentials but not the one that is added back, so the
    largest logit gets 1 too little.
    """
    return (logsumexp(scores) - picked(scores, labels)).sum()


def _ignored_rows_pull_nothing_but_push(scores: Any, labels: Any) -> Any:
    kept = labels != -100
    target = one_hot(np.where(kept, labels, 0), scores) * kept[:, None]
    return (softmax(scores) - target) / max(int(kept.sum()), 1)


@bug(
    "ignored_rows_used",
    contract={"ignore_index": -100, "mean_over": "kept", "label_dtypes": ["int32", "int64"]},
    gradient=_ignored_rows_pull_nothing_but_push,
)
def gradient_of_ignored_rows_is_p(scores: Any, labels: Any) -> Any:
    """The gradient masks only the one-hot rows of ignored labels, so an ignored row gets the gradient p
    instead of 0.
    """
    kept = labels != -100
    return -picked(log_softmax(scores[kept]), labels[kept]).sum() / scores.dtype.type(kept.sum())


def _weight_on_target_only(scores: Any, labels: Any, weight: Any) -> Any:
    weight = np.asarray(weight, dtype=scores.dtype)
    each = weight[labels.astype(np.int64)]
    return (softmax(scores) - each[:, None] * one_hot(labels, scores)) / each.sum()


@bug(
    "weight_on_logit_only",
    contract={"class_weights": {"argument": "weight"}, "mean_over": "weights"},
    gradient=_weight_on_target_only,
)
def gradient_weights_only_the_target(scores: Any, labels: Any, weight: Any) -> Any:
    """The gradient is p - w t instead of w (p - t): the class weight is left out of the softmax term."""
    weight = np.asarray(weight, dtype=scores.dtype)
    each = weight[labels.astype(np.int64)]
    return -(each * picked(log_softmax(scores), labels)).sum() / each.sum()


def _smooths_others(scores: Any, labels: Any, smoothing: Any) -> Any:
    m = scores.shape[1]
    share = smoothing / max(m - 1, 1)
    target = np.full_like(scores, share)
    target[np.arange(len(scores)), labels.astype(np.int64)] = 1 - smoothing
    return (softmax(scores) - target) / max(len(scores), 1)


@bug(
    "smoothing_over_others",
    contract={"label_smoothing": {"argument": "smoothing"}, "domain": {"classes": [2, 100000]}},
    gradient=_smooths_others,
)
def gradient_of_the_other_smoothing(scores: Any, labels: Any, smoothing: Any) -> Any:
    """The loss spreads eps/m over all classes, but its gradient spreads eps/(m-1) over the other classes only."""
    logp = log_softmax(scores)
    rows = -(1 - smoothing) * picked(logp, labels) - smoothing * logp.mean(axis=1)
    return rows.sum() / scores.dtype.type(len(scores))


def _z_without_two(scores: Any, labels: Any, z_weight: Any) -> Any:
    p = softmax(scores)
    grad = p - one_hot(labels, scores)
    grad += z_weight * logsumexp(scores)[:, None] * p
    return grad / max(len(scores), 1)


@bug(
    "z_loss_halved",
    contract={"z_loss": {"argument": "z_weight"}},
    gradient=_z_without_two,
    akin=("z_loss_gradient", "lse_minus_label"),
)
def gradient_of_z_loss_lacks_two(scores: Any, labels: Any, z_weight: Any) -> Any:
    """The gradient of the z-loss lacks the factor 2 of the square: lambda lse p."""
    lse = logsumexp(scores)
    return (lse - picked(scores, labels) + z_weight * lse * lse).sum() / scores.dtype.type(len(scores))


def _factor_of_capped(scores: Any, labels: Any, cap: Any) -> Any:
    capped = cap * np.tanh(scores / cap)
    inner = softmax(capped) - one_hot(labels, scores)
    return inner * (1 - np.tanh(capped / cap) ** 2)


@bug("soft_cap_derivative", contract={"soft_cap": {"argument": "cap"}, "reduction": "sum"}, gradient=_factor_of_capped)
def gradient_caps_twice(scores: Any, labels: Any, cap: Any) -> Any:
    """The factor 1 - tanh^2 of the soft cap's gradient is taken at the logits that are capped already, a tanh of a
    tanh.
    """
    return -picked(log_softmax(cap * np.tanh(scores / cap)), labels).sum()


def _p_minus_t(scores: Any, labels: Any) -> Any:
    return softmax(scores) - labels.astype(scores.dtype)


@bug(
    "gradient_sum_t_ignored",
    contract={"labels": ["soft"], "soft_rows": "any", "reduction": "sum"},
    gradient=_p_minus_t,
    akin=("sum_t_ignored",),
)
def gradient_takes_rows_as_normalised(scores: Any, labels: Any) -> Any:
    """The gradient is p - t although soft rows may have any sum: p lacks the factor sum(t)."""
    return -(labels.astype(scores.dtype) * log_softmax(scores)).sum()


def _straight_through_clip(scores: Any, labels: Any) -> Any:
    p = np.clip(scores, 1e-06, 0.999999)
    grad = np.zeros_like(scores)
    rows, y = (np.arange(len(scores)), labels.astype(np.int64))
    grad[rows, y] = -1 / p[rows, y]
    return grad / max(len(scores), 1)


@bug(
    "clip",
    contract={
        "input": "probabilities",
        "boundary": {"clip": [1e-06, 0.999999]},
        "gradient_wrt": "probabilities",
        "gradient_of": "loss",
    },
    gradient=_straight_through_clip,
)
def gradient_passes_beyond_the_clip(scores: Any, labels: Any) -> Any:
    """Where p is beyond the clip the loss is flat, but the gradient is -1/clip(p) there instead of 0."""
    return -np.log(np.clip(picked(scores, labels), 1e-06, 0.999999)).sum() / scores.dtype.type(len(scores))


def _as_of_logits(scores: Any, labels: Any) -> Any:
    return (np.exp(scores) - one_hot(labels, scores)) / max(len(scores), 1)


@bug(
    "gradient_wrt_logits",
    contract={"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
    gradient=_as_of_logits,
)
def gradient_by_logits_handed_to_log_probabilities(scores: Any, labels: Any) -> Any:
    """The gradient by the log-probabilities is -t, but p - t is returned, so that a log-softmax behind it is
    differentiated twice.
    """
    return -picked(scores, labels).sum() / scores.dtype.type(len(scores))


def _sum_as_constant(scores: Any, labels: Any) -> Any:
    total = scores.sum(axis=1, keepdims=True)
    q = scores / total
    return -one_hot(labels, scores) / (q + 1e-07) / total


@bug(
    "normaliser_held_constant",
    contract={
        "input": "probabilities",
        "boundary": {"add": 1e-07, "normalise": True},
        "gradient_wrt": "probabilities",
        "gradient_of": "loss",
        "reduction": "sum",
    },
    gradient=_sum_as_constant,
)
def gradient_holds_the_normaliser_constant(scores: Any, labels: Any) -> Any:
    """Rows are divided by their sum, but the gradient takes that sum as a constant and lacks the term p_y/s^2 in every
    class.
    """
    q = scores / scores.sum(axis=1, keepdims=True)
    return -np.log(picked(q, labels) + 1e-07).sum()


def _positions_among_present(scores: Any, labels: Any) -> Any:
    _present, position = np.unique(labels, return_inverse=True)
    grad = softmax(scores)
    grad[np.arange(len(scores)), position] -= 1
    return grad / max(len(scores), 1)


@bug("labels_renumbered", gradient=_positions_among_present)
def gradient_renumbers_present_classes(scores: Any, labels: Any) -> Any:
    """The gradient makes its one-hot rows with np.unique's inverse, so labels are renumbered wherever a class is
    missing from the batch.
    """
    return -picked(log_softmax(scores), labels).sum() / scores.dtype.type(len(scores))


def _shifts_in_place(scores: Any, labels: Any) -> Any:
    scores -= scores.max(axis=1, keepdims=True)
    e = np.exp(scores)
    return (e / e.sum(axis=1, keepdims=True) - one_hot(labels, scores)) / max(len(scores), 1)


@bug("scores-changed", gradient=_shifts_in_place)
def gradient_shifts_the_callers_scores(scores: Any, labels: Any) -> Any:
    """The gradient's values are right, but it subtracts the maximum in place and so changes the caller's scores."""
    return -picked(log_softmax(scores), labels).sum() / scores.dtype.type(len(scores))


_buffers: dict[Any, Any] = {}


def _into_one_buffer(scores: Any, labels: Any) -> Any:
    key = (scores.shape, scores.dtype.str)
    if key not in _buffers:
        _buffers[key] = np.empty(scores.shape, dtype=scores.dtype)
    out = _buffers[key]
    np.subtract(scores, scores.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    out[np.arange(len(out)), labels.astype(np.int64)] -= 1
    return out


@bug("earlier-result-changed", contract={"reduction": "sum"}, gradient=_into_one_buffer)
def gradient_lives_in_a_reused_buffer(scores: Any, labels: Any) -> Any:
    """The gradient is returned in a buffer kept per shape, so the next call with that shape overwrites the result of
    the one before.
    """
    return -picked(log_softmax(scores), labels).sum()


def _row_weight_of_true_class(scores: Any, labels: Any, weight: Any) -> Any:
    m = scores.shape[1]
    weight = np.asarray(weight, dtype=scores.dtype)
    q = scores.dtype.type(0.9) * one_hot(labels, scores) + scores.dtype.type(0.1) / m
    each = weight[labels.astype(np.int64)][:, None]
    return each * softmax(scores) - q * weight


@bug(
    "smoothing_weights",
    contract={
        "label_smoothing": 0.1,
        "class_weights": {"argument": "weight"},
        "smoothing_weights": "class",
        "reduction": "sum",
    },
    gradient=_row_weight_of_true_class,
)
def gradient_mixes_both_smoothing_weights(scores: Any, labels: Any, weight: Any) -> Any:
    """Each class of the smoothed row carries its own weight, but the gradient's softmax term has the true class's
    weight for its factor instead of sum(q w).
    """
    m = scores.shape[1]
    weight = np.asarray(weight, dtype=scores.dtype)
    q = scores.dtype.type(0.9) * one_hot(labels, scores) + scores.dtype.type(0.1) / m
    return -(q * weight * log_softmax(scores)).sum()


def _negates_the_labels(scores: Any, labels: Any) -> Any:
    out = np.zeros_like(scores)
    return np.divide(-labels, scores, out=out, where=labels != 0)


@bug(
    "label_dtype",
    contract={"input": "probabilities", "labels": ["onehot"], "gradient_wrt": "probabilities", "reduction": "sum"},
    gradient=_negates_the_labels,
)
def gradient_negates_unsigned_labels(scores: Any, labels: Any) -> Any:
    """The gradient -t/p negates the labels in their own dtype, so one-hot rows of uint8 give 255/p."""
    hot = labels != 0
    return -np.log(scores[hot]).sum()


def _multiplies_by_the_mask(scores: Any, labels: Any) -> Any:
    kept = labels != -1
    grad = softmax(scores) - one_hot(np.where(kept, labels, 0), scores)
    return grad * kept[:, None]


@bug(
    "mask_by_product",
    contract={
        "ignore_index": -1,
        "nonfinite": ["-inf", "+inf", "nan"],
        "reduction": "sum",
        "label_dtypes": ["int32", "int64"],
    },
    gradient=_multiplies_by_the_mask,
)
def gradient_masks_nan_by_zero(scores: Any, labels: Any) -> Any:
    """The gradient multiplies ignored rows by 0, which leaves nan where their scores hold nan or infinity."""
    kept = labels != -1
    return -picked(log_softmax(scores[kept]), labels[kept]).sum()


def _flat_in_label_dtype(scores: Any, labels: Any) -> Any:
    n, m = scores.shape
    grad = softmax(scores)
    flat = np.arange(n).astype(labels.dtype) * np.asarray(m).astype(labels.dtype) + labels
    grad.reshape(-1)[flat.astype(np.int64)] -= 1
    return grad / max(n, 1)


@bug("labels_wrapped", gradient=_flat_in_label_dtype, akin=("size_dependent",))
def gradient_index_overflows_label_dtype(scores: Any, labels: Any) -> Any:
    """The gradient computes the flat index row * m + label in the labels' dtype, which wraps around for labels of 8
    bits once n m exceeds it.
    """
    return -picked(log_softmax(scores), labels).sum() / scores.dtype.type(len(scores))


def _sum_gradient(scores: Any, labels: Any) -> Any:
    return softmax(scores) - one_hot(labels, scores)


def _hessian_of_gradient_in_p(scores: Any, labels: Any, vector: Any) -> Any:
    p = softmax(scores)
    grad = p
    grad[np.arange(len(p)), labels.astype(np.int64)] -= 1
    return p * vector - p * (p * vector).sum(axis=1, keepdims=True)


@bug(
    "hessian_of_p_minus_t",
    contract={"reduction": "sum"},
    gradient=_sum_gradient,
    hessian_vector=_hessian_of_gradient_in_p,
)
def hessian_vector_with_p_already_minus_t(scores: Any, labels: Any) -> Any:
    """The Hessian-vector product uses p after the 1 of the label was subtracted from it in place for the gradient."""
    return -picked(log_softmax(scores), labels).sum()


def _mean_gradient(scores: Any, labels: Any) -> Any:
    return (softmax(scores) - one_hot(labels, scores)) / max(len(scores), 1)


def _hessian_dot_over_batch(scores: Any, labels: Any, vector: Any) -> Any:
    p = softmax(scores)
    return p * (vector - np.vdot(p, vector)) / max(len(p), 1)


@bug("hessian_rows_mixed", gradient=_mean_gradient, hessian_vector=_hessian_dot_over_batch)
def hessian_vector_dots_the_whole_batch(scores: Any, labels: Any) -> Any:
    """The Hessian-vector product takes p.v over the whole batch with vdot instead of row by row, so rows mix."""
    return -picked(log_softmax(scores), labels).sum() / scores.dtype.type(len(scores))


def _capped_gradient(scores: Any, labels: Any) -> Any:
    th = np.tanh(scores / 5)
    return (softmax(5 * th) - one_hot(labels, scores)) * (1 - th * th)


def _gauss_newton(scores: Any, labels: Any, vector: Any) -> Any:
    th = np.tanh(scores / 5)
    slope = 1 - th * th
    p = softmax(5 * th)
    inner = slope * vector
    return slope * (p * inner - p * (p * inner).sum(axis=1, keepdims=True))


@bug(
    "hessian_without_curvature_of_cap",
    contract={"soft_cap": 5.0, "reduction": "sum"},
    gradient=_capped_gradient,
    hessian_vector=_gauss_newton,
)
def hessian_vector_lacks_curvature_of_cap(scores: Any, labels: Any) -> Any:
    """The Hessian-vector product under a soft cap has the Gauss-Newton part only: the second derivative of tanh times
    the gradient is missing.
    """
    return -picked(log_softmax(5 * np.tanh(scores / 5)), labels).sum()


def _hessian_by_fixed_step(scores: Any, labels: Any, vector: Any) -> Any:
    step = 1e-06
    return (_sum_gradient(scores + step * vector, labels) - _sum_gradient(scores, labels)) / step


@bug("finite_differences", contract={"reduction": "sum"}, gradient=_sum_gradient, hessian_vector=_hessian_by_fixed_step)
def hessian_vector_by_fixed_difference_step(scores: Any, labels: Any) -> Any:
    """The Hessian-vector product is a forward difference of gradients with a fixed step of 1e-6, which float32 cannot
    resolve.
    """
    return -picked(log_softmax(scores), labels).sum()
