"""Bugs from outside, second set: what goes wrong when a loss is written or ported."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug


def shift(scores: Any) -> Any:
    return scores - scores.max(axis=1, keepdims=True)


def log_softmax(scores: Any) -> Any:
    z = shift(scores)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def softmax(scores: Any) -> Any:
    e = np.exp(shift(scores))
    return e / e.sum(axis=1, keepdims=True)


def row_losses(scores: Any, labels: Any) -> Any:
    z = shift(scores)
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]


def gradient_sum(scores: Any, labels: Any) -> Any:
    p = softmax(scores)
    p[np.arange(len(p)), labels] -= 1
    return p


def gradient_mean(scores: Any, labels: Any) -> Any:
    return gradient_sum(scores, labels) / len(scores)


@bug("no_maximum", contract={"reduction": "sum"}, gradient=gradient_sum)
def exponentials_of_raw_logits(scores: Any, labels: Any) -> Any:
    """The logits are exponentiated as they are, without their maximum taken off, so that large ones overflow."""
    rows = np.arange(scores.shape[0])
    return np.sum(np.log(np.exp(scores).sum(axis=1)) - scores[rows, labels])


@bug("lse_minus_label", contract={"reduction": "none"})
def logsumexp_put_back_before_the_label(scores: Any, labels: Any) -> Any:
    """The maximum is added back to the logsumexp before the label's logit is taken off, which cancels under an
    offset.
    """
    top = scores.max(axis=1)
    lse = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    return lse - scores[np.arange(len(scores)), labels]


@bug("log_of_softmax", gradient=gradient_mean)
def log_of_the_softmax(scores: Any, labels: Any) -> Any:
    """The softmax is formed first and its logarithm taken after, so that a label far below the top underflows
    to inf.
    """
    p = softmax(scores)
    return -np.log(p[np.arange(len(p)), labels]).sum() / len(p)


@bug("mean_over_n_m", contract={"labels": ["onehot"]})
def mean_over_all_the_entries(scores: Any, labels: Any) -> Any:
    """The mean is taken over all n * m entries of the product with the one-hot rows, not over the n rows."""
    targets = np.asarray(labels).astype(scores.dtype)
    return np.mean(-(targets * log_softmax(scores)))


@bug("divisor_rows", contract={"ignore_index": -100, "mean_over": "kept"})
def padding_counted_in_the_mean(scores: Any, labels: Any) -> Any:
    """The sum over the rows that are kept is divided by all rows, the ignored ones included."""
    labels = np.asarray(labels).astype(np.int64)
    keep = labels != -100
    total = row_losses(scores[keep], labels[keep]).sum()
    return total / len(labels)


def _gradient_without_the_mean(scores: Any, labels: Any) -> Any:
    p = softmax(scores)
    p[np.arange(len(p)), labels] -= 1
    return p


@bug("gradient_missing_1_over_n", gradient=_gradient_without_the_mean)
def backward_not_divided_by_the_batch(scores: Any, labels: Any) -> Any:
    """The loss is a mean, but its gradient is not divided by the number of rows."""
    return row_losses(scores, labels).sum() / len(scores)


def _gradient_all_columns(scores: Any, labels: Any) -> Any:
    p = softmax(scores)
    p[:, labels] -= 1
    return p


@bug("labels_of_all_rows", contract={"reduction": "sum"}, gradient=_gradient_all_columns)
def one_taken_off_whole_columns(scores: Any, labels: Any) -> Any:
    """The gradient takes 1 off p[:, labels], every row at the labels of all rows, instead of each at its own."""
    return row_losses(scores, labels).sum()


@bug("softmax_of_probabilities", contract={"input": "probabilities", "boundary": {"clip": [1e-07, 0.9999999]}})
def softmax_of_probabilities(scores: Any, labels: Any) -> Any:
    """Probabilities come in, but a softmax is taken of them once more, as of logits."""
    p = np.clip(softmax(scores), 1e-07, 0.9999999)
    return -np.log(p[np.arange(len(p)), labels]).sum() / len(p)


@bug("scores-changed", contract={"reduction": "none"})
def maximum_taken_off_in_place(scores: Any, labels: Any) -> Any:
    """The maximum is taken off with -= in the caller's own array, whose logits are changed by the call."""
    scores -= scores.max(axis=1, keepdims=True)
    return np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(scores)), labels]


@bug(
    "binary_cross_entropy",
    contract={
        "input": "probabilities",
        "labels": ["onehot"],
        "boundary": {"clip": [1e-07, 0.9999999]},
        "argument_order": "labels_first",
    },
)
def binary_terms_of_every_class(y_true: Any, y_pred: Any) -> Any:
    """The binary formula is summed over the classes: (1 - t) log(1 - p) is added to t log p."""
    t = np.asarray(y_true).astype(y_pred.dtype)
    p = np.clip(y_pred, 1e-07, 0.9999999)
    rows = -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum(axis=1)
    return rows.sum() / len(p)


@bug("labels_of_all_rows", contract={"label_shapes": ["(n,)", "(n,1)"]})
def column_of_labels_broadcast(scores: Any, labels: Any) -> Any:
    """Labels of shape (n, 1) are not flattened: they meet the row numbers as an (n, n) table, whose mean is
    returned.
    """
    z = shift(scores)
    lse = np.log(np.exp(z).sum(axis=1))
    return np.mean(lse - z[np.arange(len(z)), labels])


@bug(
    "smoothing_label_share",
    contract={
        "label_smoothing": {"argument": "smoothing"},
        "smoothing_over": "others",
        "domain": {"classes": [2, 1000]},
    },
)
def share_of_the_others_given_to_the_label_too(scores: Any, labels: Any, smoothing: Any = 0.0) -> Any:
    """Smoothing over the m - 1 others gives eps/(m-1) to the true class as well, so that rows sum to more than 1."""
    n, m = scores.shape
    t = np.full((n, m), smoothing / (m - 1), dtype=scores.dtype)
    t[np.arange(n), labels] += 1 - smoothing
    return -(t * log_softmax(scores)).sum() / n


@bug(
    "ignored_rows_used",
    contract={"label_smoothing": {"argument": "smoothing"}, "ignore_index": -100, "mean_over": "kept"},
)
def smooth_part_of_padding_counted(scores: Any, labels: Any, smoothing: Any = 0.0) -> Any:
    """The part of the label is masked, but the smoothing part is summed over the ignored rows as well."""
    labels = np.asarray(labels).astype(np.int64)
    keep = labels != -100
    log_p = log_softmax(scores)
    nll = -log_p[np.arange(len(log_p)), np.where(keep, labels, 0)]
    nll = np.where(keep, nll, 0)
    smooth = -log_p.mean(axis=1)
    return ((1 - smoothing) * nll.sum() + smoothing * smooth.sum()) / int(keep.sum())


def _loss_weighted_sum(scores: Any, labels: Any, weight: Any) -> Any:
    weight = np.asarray(weight).astype(scores.dtype)
    return (weight[labels] * row_losses(scores, labels)).sum()


def _gradient_without_weights(scores: Any, labels: Any, weight: Any) -> Any:
    return gradient_sum(scores, labels)


@bug(
    "weights_ignored",
    contract={"reduction": "sum", "class_weights": {"argument": "weight"}},
    gradient=_gradient_without_weights,
)
def weights_in_the_forward_only(scores: Any, labels: Any, weight: Any) -> Any:
    """The class weights are in the loss, but the gradient takes the argument and leaves them out."""
    return _loss_weighted_sum(scores, labels, weight)


@bug(
    "divisor_weights_of_ignored",
    contract={"ignore_index": -100, "class_weights": {"argument": "weight"}, "mean_over": "weights"},
)
def weight_of_class_0_for_padding(scores: Any, labels: Any, weight: Any) -> Any:
    """Ignored rows, whose labels are replaced by 0 for the look-up, add the weight of class 0 to the divisor."""
    labels = np.asarray(labels).astype(np.int64)
    weight = np.asarray(weight).astype(scores.dtype)
    keep = labels != -100
    safe = np.where(keep, labels, 0)
    w = weight[safe]
    losses = np.where(keep, w * row_losses(scores, safe), 0)
    return losses.sum() / w.sum()


@bug("z_loss_shifted", contract={"z_loss": {"argument": "z_loss"}})
def z_loss_of_the_unshifted_maximum(scores: Any, labels: Any, z_loss: Any = 0.0) -> Any:
    """The z-loss squares the logsumexp of the shifted logits: the maximum is never added back to it."""
    n = len(scores)
    z = shift(scores)
    log_z = np.log(np.exp(z).sum(axis=1))
    return (log_z - z[np.arange(n), labels] + z_loss * log_z**2).sum() / n


@bug(
    "clip",
    contract={
        "input": "probabilities",
        "labels": ["onehot"],
        "boundary": {"clip": [1e-07, 0.9999999]},
        "reduction": "none",
    },
)
def clipped_from_below_only(scores: Any, labels: Any) -> Any:
    """Probabilities are clipped at the lower end only; one at 1 is left there, above the upper end of the clip."""
    t = np.asarray(labels).astype(scores.dtype)
    return -(t * np.log(np.maximum(scores, 1e-07))).sum(axis=1)


def _gradient_by_the_capped_logits(scores: Any, labels: Any) -> Any:
    return gradient_mean(30.0 * np.tanh(scores / 30.0), labels)


@bug("soft_cap_derivative", contract={"soft_cap": 30.0}, gradient=_gradient_by_the_capped_logits)
def cap_left_out_of_the_chain_rule(scores: Any, labels: Any) -> Any:
    """The gradient is that by the capped logits: the factor 1 - tanh(z/c)^2 is missing."""
    capped = 30.0 * np.tanh(scores / 30.0)
    return row_losses(capped, labels).sum() / len(scores)


@bug("mask_by_product", contract={"ignore_index": -100, "mean_over": "kept", "nonfinite": ["-inf", "+inf", "nan"]})
def masked_by_multiplication(scores: Any, labels: Any) -> Any:
    """Ignored rows are multiplied by 0 instead of being selected away, so that an inf or nan in one spoils the mean."""
    labels = np.asarray(labels).astype(np.int64)
    keep = labels != -100
    losses = row_losses(scores, np.where(keep, labels, 0))
    return (losses * keep).sum() / int(keep.sum())


@bug("zero_times_inf", contract={"labels": ["onehot"], "nonfinite": ["-inf"], "reduction": "none"})
def zero_times_an_absent_class(scores: Any, labels: Any) -> Any:
    """The one-hot row is multiplied with the log-softmax, where 0 times the -inf of an absent class is nan."""
    t = np.asarray(labels).astype(scores.dtype)
    return -(t * log_softmax(scores)).sum(axis=1)


@bug(
    "ignored_rows_used",
    contract={"ignore_index": {"argument": "ignore_index"}, "mean_over": "kept"},
    akin=("ignore_index",),
)
def ignore_index_tested_for_truth(scores: Any, labels: Any, ignore_index: Any = None) -> Any:
    """`if ignore_index:` stands for `is not None`, so that an ignore_index of 0 ignores nothing."""
    labels = np.asarray(labels).astype(np.int64)
    if ignore_index:
        keep = labels != ignore_index
        scores, labels = (scores[keep], labels[keep])
    return row_losses(scores, labels).sum() / len(labels)


@bug(
    "label_dtype",
    contract={
        "labels": ["onehot"],
        "reduction": "sum",
        "dense_label_dtypes": ["same", "uint8", "int64", "float32", "float64"],
    },
)
def unsigned_one_hot_negated(scores: Any, labels: Any) -> Any:
    """The labels are negated in their own dtype: the -1 of a uint8 one-hot row is 255."""
    return np.sum(-labels * log_softmax(scores)).astype(scores.dtype)


@bug("empty_mean", contract={"ignore_index": -100, "mean_over": "kept", "empty_mean": "zero"})
def mean_of_only_padding_is_nan(scores: Any, labels: Any) -> Any:
    """A batch of only ignored rows gives 0 / 0 = nan, where a mean of nothing is promised to be 0."""
    labels = np.asarray(labels).astype(np.int64)
    keep = labels != -100
    return row_losses(scores[keep], labels[keep]).sum() / int(keep.sum())


@bug("bad_input_accepted", contract={"invalid": ["label_out_of_range", "label_negative"]})
def negative_labels_count_from_the_end(scores: Any, labels: Any) -> Any:
    """Labels are checked against m alone; a negative one passes and picks a class from the end, as Python indexes."""
    labels = np.asarray(labels)
    n, m = scores.shape
    if (labels >= m).any():
        raise ValueError(f"labels must be below {m}")
    return row_losses(scores, labels).sum() / n


@bug("label_logit_added", contract={"reduction": "none"})
def first_label_of_a_shard_found_twice(scores: Any, labels: Any, world: Any = 4) -> Any:
    """Vocabulary-parallel: a rank takes labels up to and including its end, so that the first label of the next shard
    is looked up by both, and a wrong logit is added to its own.
    """
    labels = np.asarray(labels).astype(np.int64)
    n, m = scores.shape
    rows = np.arange(n)
    top = scores.max(axis=1, keepdims=True)
    total = np.zeros(n, dtype=scores.dtype)
    picked = np.zeros(n, dtype=scores.dtype)
    per_rank = -(-m // world)
    for start in range(0, m, per_rank):
        end = min(start + per_rank, m)
        shard = scores[:, start:end] - top
        total += np.exp(shard).sum(axis=1)
        here = (labels >= start) & (labels <= end)
        local = np.clip(labels - start, 0, end - start - 1)
        picked += np.where(here, shard[rows, local], 0)
    return np.log(total) - picked


@bug("online_not_rescaled", contract={"reduction": "sum"})
def online_softmax_without_rescaling(scores: Any, labels: Any, block: Any = 8) -> Any:
    """Online softmax by blocks of classes: the sum so far is not rescaled when a later block raises the maximum."""
    n, m = scores.shape
    top = np.full(n, -np.inf, dtype=scores.dtype)
    total = np.zeros(n, dtype=scores.dtype)
    for start in range(0, m, block):
        part = scores[:, start : start + block]
        top = np.maximum(top, part.max(axis=1))
        total += np.exp(part - top[:, None]).sum(axis=1)
    return np.sum(np.log(total) - (scores[np.arange(n), labels] - top))


@bug("phantom_class", contract={"reduction": "none"})
def block_padded_with_zeros(scores: Any, labels: Any) -> Any:
    """The classes are padded to a power of two, as a kernel loads them, with logits of 0 in place of -inf."""
    n, m = scores.shape
    width = 1 << (m - 1).bit_length()
    block = np.zeros((n, width), dtype=scores.dtype)
    block[:, :m] = scores
    block -= block.max(axis=1, keepdims=True)
    return np.log(np.exp(block).sum(axis=1)) - block[np.arange(n), labels]


@bug("mean_of_means")
def mean_of_the_means_of_ranks(scores: Any, labels: Any, world: Any = 2) -> Any:
    """Each rank takes the mean of its rows and these means are averaged, though the ranks hold unlike numbers
    of rows.
    """
    losses = row_losses(scores, labels)
    means = [part.mean() for part in np.array_split(losses, world) if len(part)]
    return np.mean(means, dtype=scores.dtype)


@bug("accumulation_16_bit", contract={"dtypes": ["float16"], "output_dtype": "same"})
def rows_added_up_in_half(scores: Any, labels: Any) -> Any:
    """The losses of rows are right in float32, but are added up for the mean in float16, which loses digits and
    overflows.
    """
    losses = row_losses(scores.astype(np.float32), labels)
    total = losses.astype(np.float16).sum(dtype=np.float16)
    return (np.float32(total) / np.float32(len(scores))).astype(np.float16)


@bug("narrowing", contract={"reduction": "none"})
def double_computed_in_single(scores: Any, labels: Any) -> Any:
    """Everything is computed in float32 and cast back, so that float64 logits give only single precision."""
    z = np.asarray(scores, dtype=np.float32)
    return row_losses(z, labels).astype(scores.dtype)


class _Layer:
    """A layer of a course network: forward keeps the softmax for backward."""

    def __init__(self) -> None:
        self.p: Any = None

    def forward(self, scores: Any, labels: Any) -> Any:
        self.p = softmax(scores)
        return row_losses(scores, labels).sum() / len(scores)

    def backward(self, scores: Any, labels: Any) -> Any:
        p = self.p
        if p is None or p.shape != scores.shape or p.dtype != scores.dtype:
            p = softmax(scores)
        p = p.copy()
        p[np.arange(len(p)), labels] -= 1
        return p / len(p)


_layer = _Layer()


@bug("state_kept", gradient=_layer.backward)
def backward_of_the_last_forward(scores: Any, labels: Any) -> Any:
    """The gradient uses the softmax that the last call of the loss has kept, whatever scores it is given itself."""
    return _layer.forward(scores, labels)


_workspace: dict[Any, Any] = {}


@bug("earlier-result-changed", contract={"reduction": "none"})
def result_in_a_reused_workspace(scores: Any, labels: Any) -> Any:
    """The losses are written to a workspace kept for each size and returned as it is: the next call overwrites them."""
    key = (len(scores), scores.dtype)
    if key not in _workspace:
        _workspace[key] = np.empty(len(scores), dtype=scores.dtype)
    out = _workspace[key]
    out[:] = row_losses(scores, labels)
    return out


def _gradient_behind_the_log_softmax(scores: Any, labels: Any) -> Any:
    g = np.exp(scores)
    g[np.arange(len(g)), labels] -= 1
    return g / len(g)


@bug(
    "gradient_wrt_logits",
    contract={"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
    gradient=_gradient_behind_the_log_softmax,
)
def gradient_through_a_softmax_not_there(scores: Any, labels: Any) -> Any:
    """The gradient by the log-probabilities is given as exp(lp) - t, that by the logits behind them, instead of -t."""
    return -scores[np.arange(len(scores)), labels].sum() / len(scores)


@bug("kullback_leibler", contract={"labels": ["soft"], "input": "log_probabilities"})
def divergence_in_place_of_cross_entropy(scores: Any, labels: Any) -> Any:
    """t (log t - log p) is summed: the Kullback-Leibler divergence, which lacks the entropy of the soft labels."""
    t = np.asarray(labels).astype(scores.dtype)
    some = t > 0
    terms = np.where(some, t * (np.log(np.where(some, t, 1)) - scores), 0)
    return terms.sum() / len(scores)


def _gradient_for_rows_that_sum_to_1(scores: Any, labels: Any) -> Any:
    return softmax(scores) - np.asarray(labels).astype(scores.dtype)


@bug(
    "gradient_sum_t_ignored",
    contract={"labels": ["soft"], "soft_rows": "any", "reduction": "sum"},
    gradient=_gradient_for_rows_that_sum_to_1,
    akin=("sum_t_ignored",),
)
def softmax_not_scaled_by_the_sum_of_the_row(scores: Any, labels: Any) -> Any:
    """For soft rows of any sum the gradient is p - t, where p times the sum of t is due."""
    t = np.asarray(labels).astype(scores.dtype)
    return -(t * log_softmax(scores)).sum()


@bug("labels_wrapped", contract={"reduction": "none"}, akin=("size_dependent",))
def flat_offset_in_the_dtype_of_the_labels(scores: Any, labels: Any) -> Any:
    """The offset of each row, i * m, is computed in the dtype of the labels, where it overflows if that is narrow."""
    labels = np.asarray(labels)
    n, m = scores.shape
    z = shift(scores)
    offset = (np.arange(n) * m).astype(labels.dtype)
    picked = z.reshape(-1)[offset + labels]
    return np.log(np.exp(z).sum(axis=1)) - picked
