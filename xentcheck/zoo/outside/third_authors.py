"""Bugs from outside, third set: what a review would find, author by author."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug


def _shift(scores: Any) -> Any:
    return scores - scores.max(axis=1, keepdims=True)


def _losses(scores: Any, labels: Any) -> Any:
    d = _shift(scores)
    return np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), labels]


def _log_softmax(scores: Any) -> Any:
    d = _shift(scores)
    return d - np.log(np.exp(d).sum(axis=1, keepdims=True))


def _softmax(scores: Any) -> Any:
    e = np.exp(_shift(scores))
    return e / e.sum(axis=1, keepdims=True)


def _dot(t: Any, log_p: Any) -> Any:
    """-sum t log p over the classes, where a share of 0 costs nothing."""
    return -np.where(t != 0, t * log_p, 0).sum(axis=1, dtype=log_p.dtype)


def _onehot(labels: Any, scores: Any) -> Any:
    return (labels[:, None] == np.arange(scores.shape[1])).astype(scores.dtype)


def _mean(losses: Any) -> Any:
    return losses.sum() / losses.dtype.type(len(losses))


def gradient_sum(scores: Any, labels: Any) -> Any:
    g = _softmax(scores)
    g[np.arange(len(g)), labels] -= 1
    return g


def gradient_mean(scores: Any, labels: Any) -> Any:
    return gradient_sum(scores, labels) / max(len(scores), 1)


def gradient_dense_sum(scores: Any, labels: Any) -> Any:
    t = labels.astype(scores.dtype)
    return _softmax(scores) * t.sum(axis=1, keepdims=True) - t


def gradient_dense_mean(scores: Any, labels: Any) -> Any:
    return gradient_dense_sum(scores, labels) / max(len(scores), 1)


def _student(scores: Any) -> Any:
    d = scores - (scores.max() if scores.size else 0)
    e = np.exp(d)
    return (d, e, e.sum(axis=1))


def _student_gradient(scores: Any, labels: Any) -> Any:
    _, e, s = _student(scores)
    g = e / s[:, None]
    g[np.arange(len(g)), labels] -= 1
    return g / max(len(g), 1)


@bug("batch_maximum", gradient=_student_gradient)
def shift_by_maximum_of_the_whole_batch(scores: Any, labels: Any) -> Any:
    """The maximum subtracted is that of the whole batch and not of each row, so that rows far below it underflow."""
    d, _, s = _student(scores)
    return _mean(np.log(s) - d[np.arange(len(d)), labels])


@bug(
    "clip_before_normalising",
    contract={
        "input": "probabilities",
        "labels": ["onehot"],
        "argument_order": "labels_first",
        "boundary": {"clip": [1e-07, 1 - 1e-07], "normalise": True},
    },
)
def clipped_before_it_is_normalised(labels: Any, scores: Any) -> Any:
    """The probabilities are clipped first and divided by their sum afterwards, where it is promised the other way
    round.
    """
    p = np.clip(scores, 1e-07, 1 - 1e-07)
    p = p / p.sum(axis=1, keepdims=True)
    return _mean(_dot(labels.astype(scores.dtype), np.log(p)))


@bug("labels_wrapped", contract={"reduction": "none"}, akin=("size_dependent",))
def flat_address_in_the_dtype_of_the_labels(scores: Any, labels: Any) -> Any:
    """The flat address row * m + label is computed in the dtype of the labels, and wraps around for int8, uint8,
    int16...
    """
    n, m = scores.shape
    d = _shift(scores)
    start = (np.arange(n) * m).astype(labels.dtype)
    return np.log(np.exp(d).sum(axis=1)) - d.ravel()[start + labels]


@bug("scores-changed", gradient=gradient_mean)
def shift_written_into_the_scores_of_the_caller(scores: Any, labels: Any) -> Any:
    """The shift by the maximum is done in place; asarray to float64 copies float32 scores, but float64 scores of the
    caller are overwritten.
    """
    z = np.asarray(scores, dtype=np.float64)
    z -= z.max(axis=1, keepdims=True)
    return _mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).astype(scores.dtype)


def _masked_gradient(scores: Any, labels: Any) -> Any:
    kept = labels != -100
    g = gradient_sum(scores, np.where(kept, labels, 0))
    return np.where(kept[:, None], g, 0) / max(int(kept.sum()), 1)


@bug(
    "divisor_of_nonzero_losses",
    contract={"ignore_index": -100, "mean_over": "kept", "empty_mean": "zero"},
    gradient=_masked_gradient,
)
def kept_rows_counted_by_their_nonzero_losses(scores: Any, labels: Any) -> Any:
    """The rows that count are counted as those whose loss is not 0, so a row that is predicted perfectly drops out of
    the denominator.
    """
    kept = labels != -100
    losses = np.where(kept, _losses(scores, np.where(kept, labels, 0)), 0)
    return losses.sum() / max(int(np.count_nonzero(losses)), 1)


@bug("kullback_leibler", contract={"labels": ["soft"], "reduction": "sum"}, gradient=gradient_dense_sum)
def divergence_from_the_teacher(scores: Any, labels: Any) -> Any:
    """The Kullback-Leibler divergence: the entropy of the labels is subtracted, right for one-hot rows and in the
    gradient only.
    """
    t = labels.astype(scores.dtype)
    log_t = np.log(np.where(t > 0, t, 1))
    return (_dot(t, _log_softmax(scores)) + (t * log_t).sum(axis=1)).sum()


def _booster_gradient(scores: Any, labels: Any) -> Any:
    g = np.empty(scores.shape, dtype=np.float32)
    g[...] = _softmax(scores)
    g[np.arange(len(g)), labels] -= 1
    return g.astype(scores.dtype)


@bug("narrowing", contract={"reduction": "sum"}, gradient=_booster_gradient)
def gradient_stored_as_float32(scores: Any, labels: Any) -> Any:
    """The gradient of float64 scores goes through a float32 array as the boosting library wants it, and has the digits
    of float32.
    """
    return _losses(scores, labels).sum()


def _scaled_gradient(scores: Any, labels: Any) -> Any:
    g = gradient_sum(scores.astype(np.float32), labels)
    scaled = (g * 65536).astype(np.float16)
    return (scaled.astype(np.float32) / 65536).astype(scores.dtype)


@bug("gradient_scaled_overflows", contract={"reduction": "sum", "dtypes": ["float16"]}, gradient=_scaled_gradient)
def scaled_gradient_overflows_in_float16(scores: Any, labels: Any) -> Any:
    """The gradient is scaled by 65536 before it is rounded to float16, so that entries close to 1 or -1 overflow and
    come back infinite.
    """
    return _losses(scores.astype(np.float32), labels).sum().astype(scores.dtype)


@bug("label_logit_added", gradient=gradient_mean)
def label_at_the_seam_owned_by_two_ranks(scores: Any, labels: Any) -> Any:
    """The range of columns of a rank is tested with <= at its end, so a label that is the first of the next rank is
    owned by both and two logits are added.
    """
    n, m = scores.shape
    labels = labels.astype(np.int64)
    per = -(-m // 4)
    shards = [(lo, min(lo + per, m)) for lo in range(0, m, per)]
    top = np.max([scores[:, lo:hi].max(axis=1) for lo, hi in shards], axis=0)
    total = np.zeros(n, dtype=scores.dtype)
    target = np.zeros(n, dtype=scores.dtype)
    for lo, hi in shards:
        d = scores[:, lo:hi] - top[:, None]
        total += np.exp(d).sum(axis=1)
        mine = (labels >= lo) & (labels <= hi)
        column = np.clip(labels - lo, 0, hi - lo - 1)
        target += np.where(mine, d[np.arange(n), column], 0)
    return _mean(np.log(total) - target)


@bug("labels_renumbered", contract={"input": "probabilities", "argument_order": "labels_first"})
def classes_are_those_seen_in_the_batch(labels: Any, scores: Any) -> Any:
    """The column of a label is its rank among the labels that occur in this batch, wrong where a lower class does not
    occur.
    """
    _, column = np.unique(labels, return_inverse=True)
    return _mean(-np.log(scores[np.arange(len(scores)), column]))


@bug("cancellation", gradient=gradient_mean)
def log1p_of_minus_the_others(scores: Any, labels: Any) -> Any:
    """-log1p(-q), q the probability of all other classes, which cancels where q is near 1: infinite or noisy losses
    for rows that are predicted wrongly.
    """
    rows = np.arange(len(scores))
    e = np.exp(_shift(scores))
    own = e[rows, labels]
    e[rows, labels] = 0
    others = e.sum(axis=1)
    return _mean(-np.log1p(-others / (others + own)))


class _Saved:
    p: Any = None


def _backward(scores: Any, labels: Any) -> Any:
    p = _Saved.p
    if p is None or p.shape != scores.shape or p.dtype != scores.dtype:
        p = _softmax(scores)
    g = p.copy()
    g[np.arange(len(g)), labels] -= 1
    return g / max(len(g), 1)


@bug("state_kept", gradient=_backward)
def gradient_of_the_scores_seen_last(scores: Any, labels: Any) -> Any:
    """The gradient takes the softmax that the last loss has saved if its shape fits, even if the scores are others."""
    _Saved.p = _softmax(scores)
    return _mean(_losses(scores, labels))


def _z_gradient(scores: Any, labels: Any, z_weight: Any) -> Any:
    lam = scores.dtype.type(z_weight)
    top = scores.max(axis=1)
    lse = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    g = gradient_sum(scores, labels) + (lam * lse)[:, None] * _softmax(scores)
    return g / max(len(g), 1)


@bug("z_loss_halved", contract={"z_loss": {"argument": "z_weight"}}, gradient=_z_gradient, akin=("z_loss_gradient",))
def backward_of_the_square_without_two(scores: Any, labels: Any, z_weight: Any) -> Any:
    """The gradient of the z-loss lacks the factor 2 of the derivative of the square."""
    lam = scores.dtype.type(z_weight)
    top = scores.max(axis=1)
    lse = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    return _mean(_losses(scores, labels) + lam * lse * lse)


@bug("mean_of_means", gradient=gradient_mean)
def mean_of_the_means_of_chunks(scores: Any, labels: Any) -> Any:
    """Rows are taken in chunks of 8 and the means of the chunks are averaged, so the rows of a shorter last chunk
    weigh more.
    """
    means = [_mean(_losses(scores[i : i + 8], labels[i : i + 8])) for i in range(0, len(scores), 8)]
    return _mean(np.array(means, dtype=scores.dtype))


def _capped_gradient(scores: Any, labels: Any) -> Any:
    capped = 30.0 * np.tanh(scores / 30.0)
    return gradient_mean(capped, labels) * (1 - np.tanh(capped / 30.0) ** 2)


@bug("soft_cap_derivative", contract={"soft_cap": 30.0}, gradient=_capped_gradient)
def derivative_of_the_cap_at_the_capped_logits(scores: Any, labels: Any) -> Any:
    """The gradient takes the factor 1 - tanh(z/c)^2 at the logits that are capped already, and not at the raw ones."""
    return _mean(_losses(30.0 * np.tanh(scores / 30.0), labels))


def _smooth_weights(scores: Any, labels: Any, weight: Any) -> Any:
    w = np.asarray(weight, dtype=scores.dtype)
    q = (_onehot(labels, scores) * scores.dtype.type(0.9) + scores.dtype.type(0.1) / scores.shape[1]) * w
    return (q, q.sum())


def _smooth_weights_gradient(scores: Any, labels: Any, weight: Any) -> Any:
    q, total = _smooth_weights(scores, labels, weight)
    return (_softmax(scores) * q.sum(axis=1, keepdims=True) - q) / total


@bug(
    "divisor_smoothed_weights",
    contract={
        "class_weights": {"argument": "weight"},
        "mean_over": "weights",
        "label_smoothing": 0.1,
        "smoothing_weights": "class",
    },
    gradient=_smooth_weights_gradient,
)
def divided_by_the_smoothed_weights(scores: Any, labels: Any, weight: Any) -> Any:
    """The mean divides by the weights of the smoothed labels, where it is to divide by the weights of the labels
    themselves.
    """
    q, total = _smooth_weights(scores, labels, weight)
    return _dot(q, _log_softmax(scores)).sum() / total


def _votes(scores: Any, labels: Any) -> Any:
    t = labels.astype(scores.dtype)
    return t / np.maximum(t.sum(axis=1, keepdims=True), 1)


def _votes_gradient(scores: Any, labels: Any) -> Any:
    return gradient_dense_sum(scores, _votes(scores, labels))


@bug(
    "targets_not_renormalised",
    contract={"labels": ["soft"], "soft_rows": "renormalised", "reduction": "sum"},
    gradient=_votes_gradient,
)
def renormalised_only_downwards(scores: Any, labels: Any) -> Any:
    """Soft rows are divided by max(sum, 1), a guard against 0 that leaves rows whose sum is below 1 as they are."""
    return _dot(_votes(scores, labels), _log_softmax(scores)).sum()


def _column_gradient(scores: Any, labels: Any) -> Any:
    return gradient_mean(scores, labels.reshape(-1))


@bug("labels_of_all_rows", contract={"label_shapes": ["(n,)", "(n,1)"]}, gradient=_column_gradient)
def column_of_labels_broadcast_against_the_rows(scores: Any, labels: Any) -> Any:
    """Labels of shape (n, 1) index every row with every label, and the mean is over all n * n pairs."""
    d = _shift(scores)
    losses = np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), labels]
    return losses.sum() / losses.dtype.type(losses.size)


def _lenient(scores: Any, labels: Any) -> Any:
    if ((labels < 0) | (labels > scores.shape[1])).any():
        raise ValueError("a label is out of range")
    return labels[:, None] == np.arange(scores.shape[1])


def _lenient_gradient(scores: Any, labels: Any) -> Any:
    hit = _lenient(scores, labels)
    return (_softmax(scores) - hit) / max(len(scores), 1)


@bug("bad_input_accepted", contract={"invalid": ["label_out_of_range", "label_negative"]}, gradient=_lenient_gradient)
def label_equal_to_the_number_of_classes_passes(scores: Any, labels: Any) -> Any:
    """The check is label > m where it must be label >= m: the label m is not refused and costs nothing."""
    hit = _lenient(scores, labels)
    d = _shift(scores)
    return _mean(np.where(hit, np.log(np.exp(d).sum(axis=1, keepdims=True)) - d, 0).sum(axis=1))


class _Workspace:
    busy = False


def _refuse(scores: Any, labels: Any) -> Any:
    if ((labels < 0) | (labels >= scores.shape[1])).any():
        raise ValueError("a label is out of range")


def _refusing_gradient(scores: Any, labels: Any) -> Any:
    _refuse(scores, labels)
    return gradient_sum(scores, labels)


@bug(
    "state_kept",
    contract={"invalid": ["label_out_of_range", "label_negative"], "reduction": "sum"},
    gradient=_refusing_gradient,
    akin=("raises",),
)
def refusal_leaves_the_workspace_locked(scores: Any, labels: Any) -> Any:
    """The workspace is locked before the labels are checked, and a refusal does not unlock it: every later
    call fails.
    """
    if _Workspace.busy:
        raise RuntimeError("the workspace is in use")
    _Workspace.busy = True
    _refuse(scores, labels)
    loss = _losses(scores, labels).sum()
    _Workspace.busy = False
    return loss


_POOL: dict[Any, Any] = {}


def _pooled_gradient(scores: Any, labels: Any) -> Any:
    key = (scores.shape, scores.dtype)
    if key not in _POOL:
        _POOL[key] = np.empty(scores.shape, dtype=scores.dtype)
    g = _POOL[key]
    np.subtract(scores, scores.max(axis=1, keepdims=True), out=g)
    np.exp(g, out=g)
    g /= g.sum(axis=1, keepdims=True)
    g[np.arange(len(g)), labels] -= 1
    return g


@bug("earlier-result-changed", contract={"reduction": "sum"}, gradient=_pooled_gradient)
def gradient_returned_is_a_buffer_used_again(scores: Any, labels: Any) -> Any:
    """The array that the gradient returns is the pool's own: the next gradient of the same shape overwrites what the
    caller holds.
    """
    return _losses(scores, labels).sum()


@bug("memory_order", gradient=gradient_mean)
def flattened_in_the_order_of_memory(scores: Any, labels: Any) -> Any:
    """Scores are flattened in the order of memory (order K), so a Fortran-ordered or transposed array is read with
    rows and columns mixed.
    """
    flat = scores.ravel(order="K")
    return _mean(_losses(flat.reshape(scores.shape), labels))


def _clipped_gradient(scores: Any, labels: Any) -> Any:
    rows = np.arange(len(scores))
    g = np.zeros(scores.shape, dtype=scores.dtype)
    g[rows, labels] = -1 / np.clip(scores[rows, labels], 1e-06, 1 - 1e-06)
    return g


@bug(
    "clip",
    contract={
        "input": "probabilities",
        "boundary": {"clip": [1e-06, 1 - 1e-06]},
        "gradient_wrt": "probabilities",
        "gradient_of": "loss",
        "reduction": "sum",
    },
    gradient=_clipped_gradient,
)
def gradient_passes_straight_through_the_clip(scores: Any, labels: Any) -> Any:
    """The gradient is -1 / clipped p also where p is beyond the clip, where the loss is constant and its
    derivative 0.
    """
    return -np.log(np.clip(scores[np.arange(len(scores)), labels], 1e-06, 1 - 1e-06)).sum()


@bug("zero_times_inf", contract={"labels": ["onehot"], "nonfinite": ["-inf"], "reduction": "none"})
def zero_times_the_log_of_an_absent_class(scores: Any, labels: Any) -> Any:
    """The one-hot row is multiplied with the log-probabilities, and 0 * -inf of a class that is absent makes the row
    nan.
    """
    return -(labels.astype(scores.dtype) * _log_softmax(scores)).sum(axis=1)


@bug("label_dtype", contract={"labels": ["onehot"]}, gradient=gradient_dense_mean)
def minus_of_unsigned_labels(scores: Any, labels: Any) -> Any:
    """The minus sign is taken of the labels in their own dtype: a uint8 one becomes 255 before it meets the log-
    probabilities.
    """
    if labels.dtype == bool:
        labels = labels.astype(np.int8)
    minus = (-labels).astype(scores.dtype)
    return _mean(-_dot(minus, _log_softmax(scores)))


def _sparing(scores: Any) -> Any:
    d = _shift(scores)
    e = np.zeros_like(d)
    np.exp(d, out=e, where=d > -16)
    return (d, e, e.sum(axis=1))


def _sparing_gradient(scores: Any, labels: Any) -> Any:
    _, e, s = _sparing(scores)
    g = e / s[:, None]
    g[np.arange(len(g)), labels] -= 1
    return g


@bug("exponentials_dropped", contract={"reduction": "sum"}, gradient=_sparing_gradient)
def exponentials_below_float32_precision_dropped(scores: Any, labels: Any) -> Any:
    """Exponentials of logits 16 below the maximum are taken as 0, which is the precision of float32 but not of
    float64, nor of very many classes.
    """
    d, _, s = _sparing(scores)
    return (np.log(s) - d[np.arange(len(d)), labels]).sum()


def _smoothed(scores: Any, labels: Any, smoothing: Any) -> Any:
    eps = scores.dtype.type(smoothing or 0.1)
    return _onehot(labels, scores) * (1 - eps) + eps / scores.dtype.type(scores.shape[1])


def _smoothed_gradient(scores: Any, labels: Any, smoothing: Any = None) -> Any:
    return gradient_dense_mean(scores, _smoothed(scores, labels, smoothing))


@bug("zero_smoothing_as_default", contract={"label_smoothing": {"argument": "smoothing"}}, gradient=_smoothed_gradient)
def smoothing_of_zero_taken_as_not_given(scores: Any, labels: Any, smoothing: Any = None) -> Any:
    """`smoothing or 0.1`: a smoothing of 0 that is passed is replaced by the default of 0.1."""
    return _mean(_dot(_smoothed(scores, labels, smoothing), _log_softmax(scores)))


def _either(scores: Any, labels: Any) -> Any:
    if labels.size == scores.size:
        return labels.reshape(scores.shape).astype(scores.dtype)
    return _onehot(labels, scores)


def _either_gradient(scores: Any, labels: Any) -> Any:
    return (_softmax(scores) - _either(scores, labels)) / max(len(scores), 1)


@bug("gradient_p_only", contract={"labels": ["sparse", "onehot"]}, gradient=_either_gradient, akin=("size_dependent",))
def form_of_the_labels_guessed_by_their_size(scores: Any, labels: Any) -> Any:
    """Labels count as one-hot if there are as many as scores: with one class, sparse labels of 0 become rows of no
    class, and the gradient is 1/n, not 0.
    """
    return _mean(_dot(_either(scores, labels), _log_softmax(scores)))


@bug("ties_counted_once", gradient=gradient_mean)
def ties_of_the_maximum_counted_once(scores: Any, labels: Any) -> Any:
    """log1p of the exponentials of all logits below the maximum: where the maximum occurs more than once, its twins
    are left out of the sum.
    """
    d = _shift(scores)
    others = np.where(d < 0, np.exp(d), 0).sum(axis=1)
    return _mean(np.log1p(others) - d[np.arange(len(d)), labels])


@bug("phantom_class", contract={"reduction": "none"})
def padding_columns_are_classes_of_logit_zero(scores: Any, labels: Any) -> Any:
    """The columns are padded to a multiple of 8 with logits of 0 and not of -inf, and the padding takes part in the
    softmax.
    """
    n, m = scores.shape
    padded = np.zeros((n, -(-m // 8) * 8), dtype=scores.dtype)
    padded[:, :m] = scores
    return _losses(padded, labels)


@bug("raises", contract={"reduction": "sum"}, gradient=gradient_sum)
def empty_batch_cannot_be_reshaped(scores: Any, labels: Any) -> Any:
    """Trailing axes are flattened by reshape(n, -1), which raises for a batch of no rows."""
    return _losses(scores.reshape(len(scores), -1), labels).sum()


def _guarded(scores: Any, labels: Any, weight: Any) -> Any:
    w = np.asarray(weight, dtype=scores.dtype)[labels]
    return (w, np.maximum(w.sum(), scores.dtype.type(1)))


def _guarded_gradient(scores: Any, labels: Any, weight: Any) -> Any:
    w, total = _guarded(scores, labels, weight)
    return gradient_sum(scores, labels) * w[:, None] / total


@bug(
    "divisor_at_least_one",
    contract={"class_weights": {"argument": "weight"}, "mean_over": "weights", "empty_mean": "zero"},
    gradient=_guarded_gradient,
)
def sum_of_weights_guarded_by_one(scores: Any, labels: Any, weight: Any) -> Any:
    """The sum of the weights that the mean divides by is at least 1, a guard that spoils every batch whose weights sum
    to less.
    """
    w, total = _guarded(scores, labels, weight)
    return np.where(w > 0, w * _losses(scores, labels), 0).sum() / total
