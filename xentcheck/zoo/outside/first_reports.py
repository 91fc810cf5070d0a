"""Bugs written outside: public reports re-created."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug


def log_softmax(scores: Any) -> Any:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(scores: Any) -> Any:
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(labels: Any, like: Any) -> Any:
    t = np.zeros_like(like)
    t[np.arange(len(like)), labels] = 1
    return t


def dense(labels: Any, like: Any) -> Any:
    return np.asarray(labels).astype(like.dtype)


def pick(table: Any, labels: Any) -> Any:
    return table[np.arange(len(table)), labels]


def gradient_torch_smoothing(scores: Any, labels: Any, label_smoothing: Any = 0.0) -> Any:
    n, m = scores.shape
    keep = labels != -100
    p = softmax(scores)
    t = one_hot(np.where(keep, labels, 0), scores)
    hard = np.where(keep[:, None], p - t, 0) / keep.sum().astype(scores.dtype)
    uniform = (p - scores.dtype.type(1) / m) / n
    return (1 - label_smoothing) * hard + label_smoothing * uniform


@bug(
    "ignored_rows_used",
    contract={"label_smoothing": {"argument": "label_smoothing"}, "ignore_index": -100, "mean_over": "kept"},
    gradient=gradient_torch_smoothing,
    thread="pytorch/pytorch#73205",
)
def torch_smoothing_counts_ignored_rows(scores: Any, labels: Any, label_smoothing: Any = 0.0) -> Any:
    """The uniform part of label smoothing is a mean over all rows, the ignored ones included; the hard part is
    right.
    """
    _n, m = scores.shape
    lp = log_softmax(scores)
    keep = labels != -100
    nll = np.where(keep, -pick(lp, np.where(keep, labels, 0)), 0).sum() / keep.sum().astype(scores.dtype)
    smooth = (-lp.sum(axis=1)).mean()
    return (1 - label_smoothing) * nll + label_smoothing / m * smooth


@bug(
    "mask_inverted",
    contract={
        "input": "probabilities",
        "boundary": {"add": 1e-08},
        "label_smoothing": 0.1,
        "smoothing_over": "others",
        "ignore_index": 0,
        "reduction": "sum",
        "domain": {"classes": [2, 1000]},
    },
    thread="awslabs/sockeye#200",
)
def sockeye_padding_mask_inverted(scores: Any, labels: Any) -> Any:
    """The mask is the wrong way round: padding rows (label 0) are what is counted, and all others are zeroed."""
    n, m = scores.shape
    label_dist = np.full_like(scores, 0.1 / (m - 1))
    label_dist[np.arange(n), labels] = 1 - 0.1
    ignore = labels == 0
    label_dist = np.where(ignore[:, None], label_dist, np.zeros_like(label_dist))
    return -(label_dist * np.log(scores + 1e-08)).sum()


def gradient_megatron(scores: Any, labels: Any, label_smoothing: Any = 0.0) -> Any:
    m = scores.shape[1]
    smoothing = label_smoothing * m / (m - 1)
    return softmax(scores) - (1 - smoothing) * one_hot(labels, scores) - scores.dtype.type(smoothing / m)


MEGATRON = {
    "label_smoothing": {"argument": "label_smoothing"},
    "smoothing_over": "others",
    "reduction": "none",
    "domain": {"classes": [2, 1000]},
}


@bug("smoothing_over_part", contract=MEGATRON, gradient=gradient_megatron, thread="NVIDIA/Megatron-LM#737")
def megatron_smoothing_mean_of_own_shard(scores: Any, labels: Any, label_smoothing: Any = 0.0) -> Any:
    """With two tensor-parallel ranks the mean log-probability for smoothing is over the rank's own half of the
    classes.
    """
    m = scores.shape[1]
    lp = log_softmax(scores)
    loss = -pick(lp, labels)
    if label_smoothing > 0:
        smoothing = label_smoothing * m / (m - 1)
        mean_log_probs = lp[:, : m // 2].mean(axis=1)
        loss = (1 - smoothing) * loss - smoothing * mean_log_probs
    return loss


@bug("log_of_softmax", contract=MEGATRON, gradient=gradient_megatron, thread="NVIDIA/Megatron-LM#5522")
def megatron_smoothing_log_of_underflown_softmax(scores: Any, labels: Any, label_smoothing: Any = 0.0) -> Any:
    """The smoothing part takes log() of normalised probabilities, which underflow to 0: an infinite smoothed loss."""
    m = scores.shape[1]
    shifted = scores - scores.max(axis=1, keepdims=True)
    exp_logits = np.exp(shifted)
    total = exp_logits.sum(axis=1)
    loss = np.log(total) - pick(shifted, labels)
    if label_smoothing > 0:
        smoothing = label_smoothing * m / (m - 1)
        log_probs = np.log(exp_logits / total[:, None])
        loss = (1 - smoothing) * loss - smoothing * log_probs.mean(axis=1)
    return loss


@bug(
    "zero_times_inf",
    contract={"labels": ["onehot"], "reduction": "none", "nonfinite": ["-inf"]},
    thread="google-deepmind/optax#896",
)
def optax_masked_class_zero_times_inf(scores: Any, labels: Any) -> Any:
    """A class at -inf with a label of 0 gives 0 * -inf = nan in the sum over the classes."""
    return -(dense(labels, scores) * log_softmax(scores)).sum(axis=1)


def gradient_tf_xent(scores: Any, labels: Any) -> Any:
    return softmax(scores) - dense(labels, scores)


@bug(
    "gradient_sum_t_ignored",
    contract={"labels": ["soft"], "soft_rows": "any", "reduction": "none"},
    gradient=gradient_tf_xent,
    akin=("sum_t_ignored",),
    thread="tensorflow/tensorflow#46672",
)
def tf_gradient_takes_labels_as_normalised(scores: Any, labels: Any) -> Any:
    """The gradient is p - t, also where a row of labels does not sum to 1: p must be multiplied with the sum of t."""
    return -(dense(labels, scores) * log_softmax(scores)).sum(axis=1)


def gradient_burn(scores: Any, labels: Any) -> Any:
    keep = labels != 1
    g = softmax(scores) - one_hot(np.where(keep, labels, 0), scores)
    return np.where(keep[:, None], g, 0) / len(scores)


@bug(
    "divisor_rows",
    contract={"ignore_index": 1, "mean_over": "kept", "domain": {"classes": [2, 1000]}},
    gradient=gradient_burn,
    thread="tracel-ai/burn#5568",
)
def burn_padding_stays_in_the_denominator(scores: Any, labels: Any) -> Any:
    """Padded rows are masked out of the sum, but the mean still divides by the full batch."""
    loss = -pick(log_softmax(scores), labels)
    return np.where(labels == 1, 0, loss).mean()


def gradient_olmo(scores: Any, labels: Any) -> Any:
    keep = labels != -100
    p = softmax(scores)
    top = scores.max(axis=1, keepdims=True)
    lse = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    g = p * (1 + 2 * 0.0001 * lse) - one_hot(np.where(keep, labels, 0), scores)
    return np.where(keep[:, None], g, 0) / keep.sum().astype(scores.dtype)


@bug(
    "z_loss_not_asked_for",
    contract={"ignore_index": -100, "mean_over": "kept"},
    gradient=gradient_olmo,
    thread="allenai/OLMo-core#702",
)
def olmo_z_loss_added_though_off(scores: Any, labels: Any) -> Any:
    """The z-loss is off, yet 1e-4 * logsumexp^2 is added to the loss of each row."""
    keep = labels != -100
    top = scores.max(axis=1)
    lse = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    loss = -pick(log_softmax(scores), np.where(keep, labels, 0)) + 0.0001 * lse**2
    return np.where(keep, loss, 0).sum() / keep.sum().astype(scores.dtype)


def gradient_paddleclas(scores: Any, labels: Any) -> Any:
    return (softmax(scores) - softmax(dense(labels, scores))) / len(scores)


@bug(
    "targets_softmaxed",
    contract={"labels": ["onehot", "soft"]},
    gradient=gradient_paddleclas,
    thread="PaddlePaddle/PaddleClas#2468",
)
def paddleclas_softmax_of_the_labels(scores: Any, labels: Any) -> Any:
    """Dense labels are put through a softmax before the cross-entropy with them is taken."""
    t = softmax(dense(labels, scores))
    return -(t * log_softmax(scores)).sum(axis=1).mean()


def gradient_theano(scores: Any, labels: Any) -> Any:
    p = softmax(scores)
    g = -dense(labels, scores) / p / len(scores)
    return p * (g - (g * p).sum(axis=1, keepdims=True))


@bug(
    "log_of_softmax",
    contract={"labels": ["onehot"]},
    gradient=gradient_theano,
    akin=("zero_times_inf",),
    thread="Theano/Theano#3162",
)
def theano_gradient_divides_by_underflown_softmax(scores: Any, labels: Any) -> Any:
    """The gradient goes through -t/p and the softmax's Jacobian: nan where p underflows to 0; the loss is stable."""
    return -(dense(labels, scores) * log_softmax(scores)).sum(axis=1).mean()


def unshifted_log_softmax(scores: Any) -> Any:
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def gradient_tt_metal(scores: Any, labels: Any) -> Any:
    return (np.exp(unshifted_log_softmax(scores)) - one_hot(labels, scores)) / len(scores)


@bug("no_maximum", gradient=gradient_tt_metal, thread="tenstorrent/tt-metal#10001")
def tt_metal_log_softmax_without_the_maximum(scores: Any, labels: Any) -> Any:
    """log_softmax takes exp(x) without the row's maximum taken off first: it overflows for large logits."""
    return -pick(unshifted_log_softmax(scores), labels).mean()


@bug(
    "raises",
    contract={
        "class_weights": {"argument": "weight"},
        "label_smoothing": {"argument": "label_smoothing"},
        "smoothing_weights": "class",
        "ignore_index": -100,
        "mean_over": "weights",
    },
    thread="pytorch/pytorch#69339",
)
def torch_weights_looked_up_for_ignored_labels(
    scores: Any, labels: Any, weight: Any = None, label_smoothing: Any = 0.0
) -> Any:
    """With weights and smoothing the weight of each label is looked up, that of an ignored one too: an IndexError."""
    _n, m = scores.shape
    w = np.ones(m, scores.dtype) if weight is None else np.asarray(weight).astype(scores.dtype)
    lp = log_softmax(scores)
    keep = labels != -100
    safe = np.where(keep, labels, 0)
    row_weight = np.where(keep, w[safe], 0)
    nll = np.where(keep, -pick(lp, safe) * row_weight, 0).sum() / row_weight.sum()
    if label_smoothing == 0:
        return nll
    if (labels < 0).any():
        raise IndexError(f"index {labels[labels < 0][0]} is out of bounds for dimension 0 with size {m}")
    smooth = np.where(keep, -(lp * w).sum(axis=1), 0).sum() / w[labels].sum()
    return (1 - label_smoothing) * nll + label_smoothing / m * smooth


def gradient_megatron_gathered(scores: Any, labels: Any) -> Any:
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) * 2) - one_hot(labels, scores)


@bug(
    "sum_counted_twice",
    contract={"reduction": "none"},
    gradient=gradient_megatron_gathered,
    akin=("added_to_loss",),
    thread="NVIDIA/Megatron-LM#7452",
)
def megatron_gathered_logits_summed_by_each_rank(scores: Any, labels: Any) -> Any:
    """Logits that are gathered already have their sum of exponentials all-reduced over 2 ranks: log(2) too much."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    total = np.exp(shifted).sum(axis=1) * 2
    return np.log(total) - pick(shifted, labels)


def gradient_mxnet(scores: Any, labels: Any) -> Any:
    labels = np.asarray(labels)
    if labels.shape == scores.shape:
        return softmax(scores) - dense(labels, scores)
    return (softmax(scores) - one_hot(labels, scores)) / len(scores)


@bug(
    "sum_for_mean",
    contract={"labels": ["sparse", "soft"]},
    gradient=gradient_mxnet,
    akin=("gradient_missing_1_over_n",),
    thread="apache/mxnet#5981",
)
def mxnet_no_normalisation_for_dense_labels(scores: Any, labels: Any) -> Any:
    """The gradient is divided by the batch size for sparse labels only, not for labels of the shape of the scores."""
    labels = np.asarray(labels)
    lp = log_softmax(scores)
    if labels.shape == scores.shape:
        return -(dense(labels, scores) * lp).sum(axis=1).mean()
    return -pick(lp, labels).mean()


def gradient_keras_clipped(scores: Any, labels: Any) -> Any:
    p = softmax(scores)
    t = dense(labels, scores) * ((p >= 1e-07) & (p <= 1 - 1e-07))
    return (p * t.sum(axis=1, keepdims=True) - t) / len(scores)


@bug("clip", contract={"labels": ["onehot"]}, gradient=gradient_keras_clipped, thread="keras-team/tf-keras#242")
def keras_logits_by_clipped_softmax(scores: Any, labels: Any) -> Any:
    """Logits go through a softmax clipped to [1e-7, 1 - 1e-7]: the loss of far logits stays at 16.118."""
    p = np.clip(softmax(scores), 1e-07, 1 - 1e-07)
    return -(dense(labels, scores) * np.log(p)).sum(axis=1).mean()


def gradient_ssd(scores: Any, labels: Any) -> Any:
    e = np.exp(scores - scores.max(initial=-np.inf))
    return e / e.sum(axis=1, keepdims=True) - one_hot(labels, scores)


@bug("batch_maximum", contract={"reduction": "none"}, gradient=gradient_ssd, thread="amdegroot/ssd.pytorch#483")
def ssd_maximum_of_the_whole_batch(scores: Any, labels: Any) -> Any:
    """log_sum_exp takes off the maximum of the whole batch, not of each row: a row far below it is log(0) = -inf."""
    top = scores.max(initial=-np.inf)
    return np.log(np.exp(scores - top).sum(axis=1)) + top - pick(scores, labels)


def unsloth_capped(scores: Any, softcap: Any) -> Any:
    n, m = scores.shape
    block = 1 << (m - 1).bit_length()
    lanes = np.full((n, block), -np.inf, scores.dtype)
    lanes[:, :m] = scores
    return softcap * np.tanh(lanes / softcap)


def gradient_unsloth(scores: Any, labels: Any, softcap: Any = 30.0) -> Any:
    m = scores.shape[1]
    p = softmax(unsloth_capped(scores, softcap))[:, :m]
    return (p - one_hot(labels, scores)) * (1 - np.tanh(scores / softcap) ** 2)


@bug(
    "phantom_class",
    contract={"reduction": "none", "soft_cap": {"argument": "softcap"}},
    gradient=gradient_unsloth,
    thread="unslothai/unsloth#10616",
)
def unsloth_padded_lanes_come_back_by_the_soft_cap(scores: Any, labels: Any, softcap: Any = 30.0) -> Any:
    """Lanes from m to the next power of two are masked by -inf before the soft cap, which makes them -softcap, so that
    they count.
    """
    return -pick(log_softmax(unsloth_capped(scores, softcap)), labels)


def gradient_unsloth_in_place(scores: Any, labels: Any) -> Any:
    scores[...] = softmax(scores)
    scores[np.arange(len(scores)), labels] -= 1
    return scores


@bug(
    "gradient-aliases-input",
    contract={"reduction": "none"},
    gradient=gradient_unsloth_in_place,
    akin=("scores-changed",),
    thread="unslothai/unsloth#5002",
)
def unsloth_gradient_overwrites_the_logits(scores: Any, labels: Any) -> Any:
    """The gradient is written over the caller's logits and returned in their place."""
    return -pick(log_softmax(scores), labels)


def gradient_liger(scores: Any, labels: Any, weight: Any = None) -> Any:
    keep = labels != -100
    safe = np.where(keep, labels, 0)
    w = np.ones(scores.shape[1], scores.dtype) if weight is None else np.asarray(weight).astype(scores.dtype)
    row_factor = np.where(keep, w[safe], 0)
    g = np.where(keep[:, None], softmax(scores) - one_hot(safe, scores), 0)
    return g * row_factor[0] if len(g) else g


@bug(
    "weight_of_wrong_class",
    contract={"reduction": "none", "ignore_index": -100, "class_weights": {"argument": "weight"}},
    gradient=gradient_liger,
    thread="linkedin/Liger-Kernel#968",
)
def liger_first_row_factor_for_all_rows(scores: Any, labels: Any, weight: Any = None) -> Any:
    """The gradient of every row is multiplied with the factor of row 0, and is all 0 if row 0 is ignored."""
    keep = labels != -100
    safe = np.where(keep, labels, 0)
    w = np.ones(scores.shape[1], scores.dtype) if weight is None else np.asarray(weight).astype(scores.dtype)
    return np.where(keep, -pick(log_softmax(scores), safe) * w[safe], 0)


@bug(
    "labels_renumbered",
    contract={"input": "probabilities", "domain": {"classes": [2, 2]}},
    akin=("labels_ignored",),
    thread="scikit-learn/scikit-learn#6703",
)
def sklearn_single_class_batch_taken_as_class_0(scores: Any, labels: Any) -> Any:
    """Classes are inferred from the labels of the batch: where all are 1, they are binarised as class 0."""
    classes = np.unique(labels)
    code = np.searchsorted(classes, labels)
    return -np.log(pick(scores, code)).mean()


@bug(
    "bad_input_accepted",
    contract={"reduction": "none", "ignore_index": -1, "invalid": ["label_out_of_range", "label_negative"]},
    thread="pytorch/pytorch#108148",
)
def torch_mps_out_of_range_label_costs_nothing(scores: Any, labels: Any) -> Any:
    """A label out of range, or negative and not the ignored -1, raises no error: its one-hot row is empty, its
    loss 0.
    """
    hot = np.asarray(labels)[:, None] == np.arange(scores.shape[1])
    return -np.where(hot, log_softmax(scores), 0).sum(axis=1)


def gradient_torch_half(scores: Any, labels: Any) -> Any:
    z = scores.astype(np.float32)
    return ((softmax(z) - one_hot(labels, z)) / len(z)).astype(scores.dtype)


@bug(
    "accumulation_16_bit",
    contract={"dtypes": ["float16"]},
    gradient=gradient_torch_half,
    thread="pytorch/pytorch#85791",
)
def torch_half_mean_sums_in_half(scores: Any, labels: Any) -> Any:
    """The mean sums the rows' losses in float16 before it divides: inf once the sum is above 65504."""
    loss = -pick(log_softmax(scores.astype(np.float32)), labels)
    return loss.astype(np.float16).sum(dtype=np.float16) / np.float16(len(loss))
