"""Bugs from outside, second set: public reports re-created."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug


def _parts(scores: Any) -> Any:
    top = scores.argmax(axis=-1)[:, None]
    shifted = scores - np.take_along_axis(scores, top, axis=-1)
    exponentials = np.exp(shifted)
    others = exponentials.copy()
    np.put_along_axis(others, top, 0, axis=-1)
    return (top, shifted, exponentials, others.sum(axis=-1, keepdims=True))


def _log_softmax(scores: Any) -> Any:
    _, shifted, _, rest = _parts(scores)
    return shifted - np.log1p(rest)


def _softmax_and_complement(scores: Any) -> Any:
    """p and 1 - p, both without cancellation."""
    top, _, exponentials, rest = _parts(scores)
    total = exponentials.sum(axis=-1, keepdims=True)
    complement = total - exponentials
    np.put_along_axis(complement, top, rest, axis=-1)
    return (exponentials / total, complement / total)


def _at(rows: Any, labels: Any) -> Any:
    return rows[np.arange(len(rows)), labels]


def _row_gradient(scores: Any, labels: Any) -> Any:
    """p - onehot(labels), a row each."""
    p, complement = _softmax_and_complement(scores)
    rows = np.arange(len(p))
    p[rows, labels] = -complement[rows, labels]
    return p


def _onehot(labels: Any, classes: Any, dtype: Any) -> Any:
    return (labels[:, None] == np.arange(classes)).astype(dtype)


def _right_loss_mean(scores: Any, labels: Any) -> Any:
    return -_at(_log_softmax(scores), labels).sum() / len(scores)


def _right_gradient_mean(scores: Any, labels: Any) -> Any:
    return _row_gradient(scores, labels) / max(len(scores), 1)


@bug(
    "smoothing_not_multiplied",
    contract={"labels": ["onehot"], "label_smoothing": {"argument": "smoothing"}},
    thread="TimDettmers/ConvE#55",
)
def smoothing_adds_one_over_the_classes(scores: Any, labels: Any, smoothing: Any) -> Any:
    """The smoothed label is (1 - eps) t + 1/m: the share that is added is not multiplied by eps."""
    targets = labels.astype(scores.dtype)
    targets = (1.0 - smoothing) * targets + 1.0 / targets.shape[1]
    return -(targets.astype(scores.dtype) * _log_softmax(scores)).sum() / len(scores)


@bug(
    "divisor_weights_of_ignored",
    contract={"class_weights": {"argument": "weights"}, "ignore_index": 0, "mean_over": "weights"},
    thread="tracel-ai/burn#5568",
)
def weights_of_pads_in_the_denominator(scores: Any, labels: Any, weights: Any) -> Any:
    """The weighted mean divides by the weights of all labels, those of the padded rows included."""
    weights = np.asarray(weights, dtype=scores.dtype)[labels]
    denominator = weights.sum()
    losses = -_at(_log_softmax(scores), labels) * weights
    losses = np.where(labels == 0, 0, losses).astype(scores.dtype)
    return losses.sum() / denominator


@bug("batch_maximum", gradient=_right_gradient_mean, thread="amdegroot/ssd.pytorch#483")
def maximum_of_the_whole_batch(scores: Any, labels: Any) -> Any:
    """log_sum_exp subtracts the largest logit of the batch instead of each row's: low rows underflow to log(0)."""
    if len(scores) == 0:
        return scores.sum() / len(scores)
    shifted = scores - scores.max()
    with np.errstate(divide="ignore"):
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -_at(logs, labels).sum() / len(scores)


@bug(
    "smoothing_over_part",
    contract={
        "reduction": "none",
        "label_smoothing": {"argument": "label_smoothing"},
        "smoothing_over": "others",
        "domain": {"classes": [4, 400]},
    },
    thread="NVIDIA/Megatron-LM#737",
)
def smoothing_over_the_local_half_of_the_vocabulary(scores: Any, labels: Any, label_smoothing: Any) -> Any:
    """The smoothing term takes the mean log-probability and the number of classes of the first partition of
    two only.
    """
    logs = _log_softmax(scores)
    partition = logs[:, : scores.shape[1] // 2]
    vocab_size = partition.shape[1]
    smoothing = label_smoothing * vocab_size / (vocab_size - 1)
    losses = -_at(logs, labels)
    return ((1.0 - smoothing) * losses - smoothing * partition.mean(axis=1)).astype(scores.dtype)


@bug("soft_cap", contract={"soft_cap": 30.0}, thread="unslothai/unsloth-zoo#593")
def soft_cap_multiplies_the_logits(scores: Any, labels: Any) -> Any:
    """The soft cap is z tanh(z / c) instead of c tanh(z / c), so that large logits are not capped."""
    return _right_loss_mean(scores * np.tanh(scores / 30.0), labels)


def _gradient_without_label_sum(scores: Any, labels: Any) -> Any:
    targets = labels.astype(scores.dtype)
    p, complement = _softmax_and_complement(scores)
    return p * (1 - targets) - targets * complement


@bug(
    "gradient_sum_t_ignored",
    contract={"labels": ["soft"], "soft_rows": "any", "reduction": "sum"},
    gradient=_gradient_without_label_sum,
    akin=("sum_t_ignored",),
    thread="tensorflow/tensorflow#46672",
)
def gradient_without_the_sum_of_the_labels(scores: Any, labels: Any) -> Any:
    """The gradient is p - t where it should be p sum(t) - t: wrong for labels that do not sum to one."""
    return -(labels.astype(scores.dtype) * _log_softmax(scores)).sum()


@bug(
    "ignored_rows_used",
    contract={"ignore_index": -100, "mean_over": "kept", "label_smoothing": {"argument": "label_smoothing"}},
    thread="pytorch/pytorch#73205",
)
def smoothing_term_of_ignored_rows(scores: Any, labels: Any, label_smoothing: Any) -> Any:
    """The uniform part of the smoothed loss is the mean over all rows, ignored ones included."""
    logs = _log_softmax(scores)
    keep = labels != -100
    nll = np.where(keep, -_at(logs, np.where(keep, labels, 0)), 0).astype(scores.dtype).sum() / int(keep.sum())
    smooth = (-logs.sum(axis=1)).sum() / len(scores)
    share = label_smoothing / scores.shape[1]
    return scores.dtype.type((1.0 - label_smoothing) * nll + share * smooth)


@bug(
    "scores-changed",
    contract={"reduction": "none", "dtypes": ["float16", "float32"], "output_dtype": "float32"},
    thread="NVIDIA/Megatron-LM#1594",
)
def float32_logits_are_overwritten(scores: Any, labels: Any) -> Any:
    """The cast to float32 makes no copy of float32 logits, which the steps in place then overwrite."""
    logits = scores.astype(np.float32, copy=False)
    top = logits.argmax(axis=-1)[:, None]
    logits -= logits.max(axis=-1, keepdims=True)
    predicted = _at(logits, labels)
    np.exp(logits, out=logits)
    np.put_along_axis(logits, top, 0, axis=-1)
    return np.log1p(logits.sum(axis=-1)) - predicted


def _gradient_stored_at_the_sentinel(scores: Any, labels: Any) -> Any:
    rows, classes = scores.shape
    keep = labels != -100
    count = int(keep.sum())
    gradient = np.zeros(rows * classes, dtype=scores.dtype)
    for row in range(rows):
        value = -1.0 / count if keep[row] else 0.0
        address = row * classes + int(labels[row])
        if 0 <= address < len(gradient):
            gradient[address] = value
    return gradient.reshape(rows, classes)


@bug(
    "written_at_sentinel",
    contract={
        "input": "log_probabilities",
        "gradient_wrt": "log_probabilities",
        "ignore_index": -100,
        "mean_over": "kept",
    },
    gradient=_gradient_stored_at_the_sentinel,
    thread="flagos-ai/FlagGems#5025",
)
def gradient_stored_at_the_address_of_the_sentinel(scores: Any, labels: Any) -> Any:
    """The zero of an ignored row is stored at row * m - 100, where it may erase the gradient of an earlier row."""
    keep = labels != -100
    losses = np.where(keep, -_at(scores, np.where(keep, labels, 0)), 0).astype(scores.dtype)
    return losses.sum() / int(keep.sum())


@bug(
    "bad_input_accepted",
    contract={"reduction": "none", "invalid": ["label_out_of_range"]},
    thread="tensorflow/tensorflow#3739",
)
def label_beyond_the_classes_costs_nothing(scores: Any, labels: Any) -> Any:
    """A label that is not below the number of classes matches no class: its loss is 0 and nothing is raised."""
    hit = np.asarray(labels)[:, None] == np.arange(scores.shape[1])
    return -np.where(hit, _log_softmax(scores), 0).astype(scores.dtype).sum(axis=1)


@bug("wrong_axis", contract={"axis": 0, "reduction": "sum"}, thread="PaddlePaddle/Paddle#27311")
def log_softmax_forgets_the_axis(scores: Any, labels: Any) -> Any:
    """The log-softmax runs along the last axis although the classes are along the first."""
    if scores.shape[1] == 0:
        return scores.sum()
    logs = _log_softmax(scores)
    return -logs[labels, np.arange(scores.shape[1])].sum()


@bug("zero_times_inf", contract={"labels": ["onehot"], "nonfinite": ["-inf"]}, thread="google-deepmind/optax#896")
def zero_times_minus_infinity(scores: Any, labels: Any) -> Any:
    """The product of label and log-probability is nan at an absent class: 0 * -inf."""
    with np.errstate(invalid="ignore"):
        return -(labels.astype(scores.dtype) * _log_softmax(scores)).sum() / len(scores)


def _gradient_through_the_softmax(scores: Any, labels: Any) -> Any:
    p, _ = _softmax_and_complement(scores)
    delta = -_onehot(labels, scores.shape[1], scores.dtype) / max(len(scores), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = delta / p
        return p * (delta - (p * delta).sum(axis=1, keepdims=True))


@bug("log_of_softmax", gradient=_gradient_through_the_softmax, akin=("zero_times_inf",), thread="FluxML/NNlib.jl#68")
def gradient_of_log_softmax_by_division(scores: Any, labels: Any) -> Any:
    """The gradient of log-softmax is that of softmax at delta / p: nan where the p of the label underflows."""
    return _right_loss_mean(scores, labels)


def _gradient_of_the_diagonal(scores: Any, labels: Any) -> Any:
    return _right_gradient_mean(scores, labels) * _onehot(labels, scores.shape[1], scores.dtype)


@bug(
    "gradient_label_only",
    gradient=_gradient_of_the_diagonal,
    akin=("jacobian_diagonal",),
    thread="deeplearning4j/libnd4j#440",
)
def only_the_diagonal_of_the_softmax_jacobian(scores: Any, labels: Any) -> Any:
    """The backward step of softmax has p (1 - p) only, without the i != j terms: other classes get no gradient."""
    return _right_loss_mean(scores, labels)


_criterion: dict[Any, Any] = {"total_weight": 0.0}


def _gradient_by_the_last_total_weight(scores: Any, labels: Any, weights: Any) -> Any:
    total = _criterion["total_weight"]
    if total <= 0:
        return np.zeros_like(scores)
    weights = np.asarray(weights, dtype=scores.dtype)[labels][:, None]
    return (_row_gradient(scores, labels) * weights / total).astype(scores.dtype)


@bug(
    "state_kept",
    contract={"class_weights": {"argument": "weights"}, "mean_over": "weights"},
    gradient=_gradient_by_the_last_total_weight,
    thread="torch/nn#375",
)
def gradient_divides_by_the_total_weight_of_the_last_loss(scores: Any, labels: Any, weights: Any) -> Any:
    """The gradient takes the total weight that the last loss left behind: zeros if no loss was asked for before."""
    weights = np.asarray(weights, dtype=scores.dtype)[labels]
    _criterion["total_weight"] = float(weights.sum())
    return -(weights * _at(_log_softmax(scores), labels)).sum() / weights.sum()


@bug("raises", contract={"reduction": "sum"}, thread="pytorch/pytorch#15870")
def empty_batch_is_refused(scores: Any, labels: Any) -> Any:
    """A batch without rows raises, where its sum is 0."""
    losses = [-logs[label] for logs, label in zip(_log_softmax(scores), labels, strict=False)]
    return np.stack(losses).sum()


@bug("phantom_class", thread="verl-project/verl#2899")
def padded_columns_in_the_normaliser(scores: Any, labels: Any) -> Any:
    """The classes are padded with logits of 0 to whole blocks, and the padding is in the logsumexp."""
    block = 16
    width = -(-scores.shape[1] // block) * block
    padded = np.zeros((len(scores), width), dtype=scores.dtype)
    padded[:, : scores.shape[1]] = scores
    return _right_loss_mean(padded, labels)


@bug(
    "sentinel_in_padding", contract={"reduction": "none"}, akin=("size_dependent",), thread="apple/ml-cross-entropy#59"
)
def sentinel_matches_a_padded_column(scores: Any, labels: Any) -> Any:
    """A label of the other shard becomes the index one past the shard, where a padded column of -inf may stand."""
    block = 4
    _, shifted, _, rest = _parts(scores)
    half = scores.shape[1] // 2
    labels = np.asarray(labels).astype(np.int64)
    negative = np.zeros(len(scores), dtype=scores.dtype)
    for begin, end in ((0, half), (half, scores.shape[1])):
        width = end - begin
        local = labels - begin
        local = np.where((local >= 0) & (local < width), local, width)
        padded = np.full((len(scores), -(-width // block) * block), -np.inf, dtype=scores.dtype)
        padded[:, :width] = shifted[:, begin:end]
        hit = local[:, None] == np.arange(padded.shape[1])
        negative -= np.where(hit, padded, 0).astype(scores.dtype).sum(axis=1)
    return np.log1p(rest[:, 0]) + negative


@bug(
    "mask_inverted",
    contract={
        "reduction": "sum",
        "ignore_index": 0,
        "label_smoothing": 0.1,
        "smoothing_over": "others",
        "domain": {"classes": [2, 400]},
    },
    thread="awslabs/sockeye#200",
)
def mask_of_ignored_rows_inverted(scores: Any, labels: Any) -> Any:
    """The smoothed label is kept where the row is padding, and set to zero where it is not."""
    classes = scores.shape[1]
    ignore = labels == 0
    hit = _onehot(labels, classes, bool)
    targets = np.where(hit, 1.0 - 0.1, 0.1 / (classes - 1)).astype(scores.dtype)
    targets = np.where(ignore[:, None], targets, np.zeros_like(targets))
    return -(targets * _log_softmax(scores)).sum()


@bug("divisor_fixed", gradient=_right_gradient_mean, thread="rinuboney/ladder#5")
def mean_over_a_fixed_batch_size(scores: Any, labels: Any) -> Any:
    """The sum is divided by the batch size of the training, 100, however many rows come."""
    batch_size = 100
    return -_at(_log_softmax(scores), labels).sum() / batch_size


@bug("mean_times_chunks", thread="NVIDIA-NeMo/Automodel#3803")
def means_of_chunks_are_added(scores: Any, labels: Any) -> Any:
    """The rows are taken 32 at a time and the means of the chunks are summed: as many times the loss as chunks."""
    loss = scores.dtype.type(0)
    for begin in range(0, len(scores), 32):
        loss += _right_loss_mean(scores[begin : begin + 32], labels[begin : begin + 32])
    return loss


@bug(
    "ignored_rows_used",
    contract={"ignore_index": {"argument": "ignore_label"}, "mean_over": "kept"},
    akin=("ignore_index",),
    thread="chainer/chainer#2715",
)
def ignored_label_hard_coded(scores: Any, labels: Any, ignore_label: Any = -1) -> Any:
    """The rows that are left out are those of label -1, whatever ignore_label says."""
    keep = labels != -1
    inside = np.clip(np.asarray(labels).astype(np.int64), 0, scores.shape[1] - 1)
    losses = np.where(keep, -_at(_log_softmax(scores), inside), 0).astype(scores.dtype)
    return losses.sum() / int(keep.sum())


def _gradient_of_ignored_rows(scores: Any, labels: Any) -> Any:
    p, complement = _softmax_and_complement(scores)
    rows = np.flatnonzero(labels != 1)
    p[rows, labels[rows]] = -complement[rows, labels[rows]]
    return p / max(len(scores), 1)


@bug(
    "ignored_rows_used",
    contract={"ignore_index": 1, "mean_over": "rows"},
    gradient=_gradient_of_ignored_rows,
    thread="PaddlePaddle/Paddle#28622",
)
def ignored_rows_keep_the_softmax_as_gradient(scores: Any, labels: Any) -> Any:
    """In an ignored row only the subtraction of the label is left out, so that its gradient is p instead of 0."""
    keep = labels != 1
    losses = np.where(keep, -_at(_log_softmax(scores), np.where(keep, labels, 0)), 0).astype(scores.dtype)
    return losses.sum() / len(scores)


@bug("size_dependent", contract={"reduction": "none"}, thread="gabrieldemarmiesse/torch-mojo-backend#319")
def lanes_without_a_column_give_nan(scores: Any, labels: Any) -> Any:
    """In the online softmax a lane that sees no column rescales by exp(-inf - -inf): rows below 8 classes are nan."""
    lanes = 8
    rows, classes = scores.shape
    padded = np.full((rows, -(-classes // lanes) * lanes), -np.inf, dtype=scores.dtype)
    padded[:, :classes] = scores
    largest = np.full((rows, lanes), -np.inf, dtype=scores.dtype)
    total = np.zeros((rows, lanes), dtype=scores.dtype)
    with np.errstate(invalid="ignore"):
        for begin in range(0, padded.shape[1], lanes):
            seen = padded[:, begin : begin + lanes]
            new = np.maximum(largest, seen)
            total = total * np.exp(largest - new) + np.exp(seen - new)
            largest = new
        top = largest.max(axis=1, keepdims=True)
        total = (total * np.exp(largest - top)).sum(axis=1)
        return np.log(total) - _at(scores - top, labels)


@bug(
    "nonfinite_row",
    contract={"nonfinite": ["-inf", "+inf", "nan"], "reduction": "none"},
    thread="mindspore-ai/mindspore#378",
)
def minus_infinity_survives_in_a_nan_row(scores: Any, labels: Any) -> Any:
    """In a row with a nan or +inf, a class at -inf keeps its log-probability of -inf instead of nan."""
    with np.errstate(invalid="ignore"):
        logs = _log_softmax(scores)
    spoilt = (np.isnan(scores) | (scores == np.inf)).any(axis=1)
    absent = scores == -np.inf
    logs[spoilt[:, None] & ~absent] = np.nan
    logs[spoilt[:, None] & absent] = -np.inf
    return -_at(logs, labels)


@bug(
    "narrowing", contract={"output_dtype": "same"}, gradient=_right_gradient_mean, thread="tensorflow/tensorflow#48129"
)
def losses_pass_through_float32(scores: Any, labels: Any) -> Any:
    """The reduction casts the losses to float32, and only the result back to float64."""
    losses = -_at(_log_softmax(scores), labels)
    losses = losses.astype(np.float32)
    return scores.dtype.type(losses.sum() / len(scores))


@bug(
    "divisor_rows",
    contract={"labels": ["sparse", "onehot"], "class_weights": {"argument": "weight"}, "mean_over": "weights"},
    thread="pytorch/pytorch#107680",
)
def weighted_mean_of_dense_labels_divides_by_the_rows(scores: Any, labels: Any, weight: Any) -> Any:
    """The mean divides by the weights of the labels if they are integers, but by the rows if they are one-hot."""
    logs = _log_softmax(scores)
    weight = np.asarray(weight, dtype=scores.dtype)
    if labels.ndim == 1:
        return -(weight[labels] * _at(logs, labels)).sum() / weight[labels].sum()
    return -(labels.astype(scores.dtype) * weight * logs).sum() / len(scores)


@bug(
    "smoothing_weight_of_row",
    contract={
        "reduction": "none",
        "label_smoothing": 0.1,
        "class_weights": {"argument": "weight"},
        "smoothing_weights": "class",
    },
    thread="PaddlePaddle/Paddle#47813",
)
def smoothed_row_weighted_as_a_whole(scores: Any, labels: Any, weight: Any) -> Any:
    """The smoothed row is multiplied by the mean weight of its label, instead of each class by its own weight."""
    classes = scores.shape[1]
    weight = np.asarray(weight, dtype=scores.dtype)
    targets = np.where(_onehot(labels, classes, bool), 0.9 + 0.1 / classes, 0.1 / classes).astype(scores.dtype)
    losses = -(targets * _log_softmax(scores)).sum(axis=1)
    return (targets * weight).sum(axis=1) * losses


@bug("lse_minus_label", gradient=_right_gradient_mean, thread="pytorch/pytorch#11752")
def maximum_added_back_before_the_logit_is_subtracted(scores: Any, labels: Any) -> Any:
    """max + log(sum) is rounded as one number and then subtracted: of large logits the log is lost."""
    top = scores.max(axis=1, keepdims=True)
    normaliser = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return -_at(scores - normaliser, labels).sum() / len(scores)


def _gradient_with_unscaled_softmax(scores: Any, labels: Any) -> Any:
    p, _ = _softmax_and_complement(scores)
    upstream = -_onehot(labels, scores.shape[1], scores.dtype) / max(len(scores), 1)
    return upstream + p


@bug("upstream_in_part", gradient=_gradient_with_unscaled_softmax, thread="mlpack/mlpack#2360")
def backward_of_log_softmax_adds_the_upstream_gradient(scores: Any, labels: Any) -> Any:
    """The backward step is g + p instead of g - p sum(g): under a mean the softmax is not divided by the rows."""
    return _right_loss_mean(scores, labels)
