"""Bugs from outside, third set: public reports re-created."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.specimen import bug


def shifted(scores: Any) -> Any:
    """The scores less the maximum of their row."""
    return scores - scores.max(axis=1, keepdims=True)


def log_softmax(scores: Any) -> Any:
    z = shifted(scores)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def softmax(scores: Any) -> Any:
    e = np.exp(shifted(scores))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(labels: Any, like: Any) -> Any:
    t = np.zeros_like(like)
    t[np.arange(len(like)), integers(labels)] = 1
    return t


def integers(labels: Any) -> Any:
    return np.asarray(labels).astype(np.int64)


def row_losses(scores: Any, labels: Any) -> Any:
    z = shifted(scores)
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), integers(labels)]


def mean(values: Any) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        return values.sum() / len(values)


def gradient_mean(scores: Any, labels: Any) -> Any:
    return (softmax(scores) - one_hot(labels, scores)) / max(len(scores), 1)


def _twice_the_gradient(scores: Any, labels: Any) -> Any:
    return 2 * (softmax(scores) - one_hot(labels, scores)) / max(len(scores), 1)


@bug("doubled", gradient=_twice_the_gradient, thread="markroxor/fromscratchtoml 65")
def gradient_off_by_a_factor_of_two(scores: Any, labels: Any) -> Any:
    """The gradient is twice that of the loss."""
    return mean(row_losses(scores, labels))


def _softmax_down_the_batch(scores: Any, labels: Any) -> Any:
    z = scores - scores.max(axis=0, keepdims=True) if len(scores) else scores
    e = np.exp(z)
    p = e / e.sum(axis=0, keepdims=True)
    return (p - one_hot(labels, scores)) / max(len(scores), 1)


@bug("wrong_axis", gradient=_softmax_down_the_batch, thread="deeplearning4j/deeplearning4j 345")
def gradient_softmax_over_the_batch_dimension(scores: Any, labels: Any) -> Any:
    """The gradient normalises its softmax over the rows (dimension 0) and not over the classes; the loss is right."""
    return mean(row_losses(scores, labels))


@bug(
    "smoothing_not_multiplied",
    contract={"labels": ["onehot"], "label_smoothing": {"argument": "smoothing"}},
    thread="TimDettmers/ConvE 55",
)
def smoothing_adds_one_over_m(scores: Any, labels: Any, smoothing: Any = 0.0) -> Any:
    """Smoothed labels are (1 - eps) t + 1/m: the share of the uniform part lacks its factor eps."""
    t = np.asarray(labels).astype(scores.dtype)
    t = (1 - smoothing) * t + 1.0 / scores.shape[1]
    return mean(-(t * log_softmax(scores)).sum(axis=1))


@bug("smoothing_taken_twice", contract={"label_smoothing": {"argument": "smoothing"}}, thread="fastai/fastai 1814")
def smoothing_takes_too_much_from_the_label(scores: Any, labels: Any, smoothing: Any = 0.0) -> Any:
    """The label's term has the factor 1 - eps m/(m-1) in place of 1 - eps, while the uniform part has all of its
    eps/m.
    """
    m = scores.shape[1]
    taken = smoothing * m / (m - 1) if m > 1 else smoothing
    logp = log_softmax(scores)
    nll = -logp[np.arange(len(scores)), integers(labels)]
    return mean((1 - taken) * nll + smoothing * (-logp.sum(axis=1) / m))


def _padded_to_blocks(scores: Any, block: Any = 16) -> Any:
    n, m = scores.shape
    width = -(-m // block) * block
    padded = np.zeros((n, width), scores.dtype)
    padded[:, :m] = scores
    return padded


def _gradient_of_padded(scores: Any, labels: Any) -> Any:
    n, m = scores.shape
    return (softmax(_padded_to_blocks(scores))[:, :m] - one_hot(labels, scores)) / max(n, 1)


@bug("phantom_class", gradient=_gradient_of_padded, thread="verl-project/verl 2899")
def padded_vocabulary_counts_in_the_logsumexp(scores: Any, labels: Any) -> Any:
    """Where the number of classes is no multiple of the block (16), padded columns of logit 0 count in the
    logsumexp.
    """
    return mean(row_losses(_padded_to_blocks(scores), labels))


def _kept(labels: Any, ignore_index: Any = -100) -> Any:
    return integers(labels) != ignore_index


def _nll_kept(scores: Any, labels: Any, ignore_index: Any = -100) -> Any:
    """One loss a row; 0 where it is ignored, whatever its scores hold."""
    keep = _kept(labels, ignore_index)
    z = np.where(keep[:, None], scores, np.zeros((), scores.dtype))
    return np.where(keep, row_losses(z, np.where(keep, integers(labels), 0)), np.zeros((), scores.dtype))


def _ignored_rows_keep_their_softmax(scores: Any, labels: Any) -> Any:
    keep = _kept(labels)
    t = one_hot(np.where(keep, integers(labels), 0), scores) * keep[:, None]
    with np.errstate(invalid="ignore"):
        return (softmax(scores) - t) / max(len(scores), 1)


@bug(
    "ignored_rows_used",
    contract={"ignore_index": -100},
    gradient=_ignored_rows_keep_their_softmax,
    thread="PaddlePaddle/Paddle 28622",
)
def gradient_of_ignored_rows_is_their_softmax(scores: Any, labels: Any) -> Any:
    """In the gradient ignored rows only lose their label: p / n stays there where 0 is due; the loss is right."""
    return mean(_nll_kept(scores, labels))


def _log_softmax_backward_adds(scores: Any, labels: Any, weight: Any) -> Any:
    n = len(scores)
    g = -one_hot(labels, scores) * np.asarray(weight).astype(scores.dtype)
    return (np.exp(log_softmax(scores)) + g) / max(n, 1)


@bug(
    "weight_on_logit_only",
    contract={"class_weights": {"argument": "weight"}},
    gradient=_log_softmax_backward_adds,
    thread="mlpack/mlpack 2360",
)
def log_softmax_backward_adds_the_incoming_gradient(scores: Any, labels: Any, weight: Any) -> Any:
    """The backward of log-softmax is exp(output) + g and not g - exp(output) sum(g): right for a g of -1 only, so that
    class weights give p - w t.
    """
    return mean(row_losses(scores, labels) * np.asarray(weight).astype(scores.dtype)[integers(labels)])


def _log_softmax_backward_dot(scores: Any, labels: Any) -> Any:
    g = -one_hot(labels, scores) / max(len(scores), 1)
    out = log_softmax(scores)
    return g - (g * out).sum(axis=1, keepdims=True)


@bug("backward_dot_output", gradient=_log_softmax_backward_dot, thread="uxlfoundation/oneDNN 616")
def log_softmax_backward_takes_the_dot_with_its_output(scores: Any, labels: Any) -> Any:
    """The backward of log-softmax is g - sum(g * output) and not g - exp(output) * sum(g)."""
    return mean(row_losses(scores, labels))


def _backward_is_identity(scores: Any, labels: Any) -> Any:
    return -np.asarray(labels).astype(scores.dtype) / max(len(scores), 1)


@bug("gradient_minus_t", contract={"labels": ["soft"]}, gradient=_backward_is_identity, thread="pytorch/pytorch 191479")
def log_softmax_backward_is_the_identity(scores: Any, labels: Any) -> Any:
    """The backward of log-softmax hands its incoming gradient on unchanged, so that the gradient is -t / n."""
    return mean(-(np.asarray(labels).astype(scores.dtype) * log_softmax(scores)).sum(axis=1))


@bug(
    "divisor_inverse_weights",
    contract={"class_weights": {"argument": "weight"}, "mean_over": "weights"},
    thread="pytorch/pytorch 33509",
)
def mean_divides_by_the_sum_of_inverse_weights(scores: Any, labels: Any, weight: Any) -> Any:
    """The mean divides by the sum of 1 / w of the labels and not by the sum of their w."""
    w = np.asarray(weight).astype(scores.dtype)[integers(labels)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (row_losses(scores, labels) * w).sum() / (1 / w).sum()


@bug("soft_cap", contract={"soft_cap": {"argument": "soft_cap"}}, thread="unslothai/unsloth-zoo 593")
def soft_cap_multiplies_the_logits(scores: Any, labels: Any, soft_cap: Any = 30.0) -> Any:
    """The cap is z tanh(z/c) in place of c tanh(z/c)."""
    cap = np.asarray(soft_cap, dtype=scores.dtype)
    return mean(row_losses(scores * np.tanh(scores / cap), labels))


def _rounded_to_bfloat16(x: Any) -> Any:
    bits = x.astype(np.float32).view(np.uint32)
    bits = bits + np.uint32(32767) + (bits >> np.uint32(16) & np.uint32(1)) & np.uint32(4294901760)
    return bits.view(np.float32).astype(x.dtype)


def _probability_rounded_before_the_label(scores: Any, labels: Any) -> Any:
    return (_rounded_to_bfloat16(softmax(scores)) - one_hot(labels, scores)) / max(len(scores), 1)


@bug("narrowing", gradient=_probability_rounded_before_the_label, thread="fla-org/flash-linear-attention 1231")
def probability_rounded_to_bfloat16_before_the_label_is_subtracted(scores: Any, labels: Any) -> Any:
    """The gradient rounds p to bfloat16 before it subtracts the label, which erases the small gradient of a confident
    label.
    """
    return mean(row_losses(scores, labels))


def _softmax_less_the_maximum_of_the_batch(scores: Any, labels: Any) -> Any:
    e = np.exp(scores - scores.max()) if len(scores) else scores
    with np.errstate(invalid="ignore", divide="ignore"):
        p = e / e.sum(axis=1, keepdims=True)
    return (p - one_hot(labels, scores)) / max(len(scores), 1)


@bug("batch_maximum", gradient=_softmax_less_the_maximum_of_the_batch, thread="manassharma07/crysx_nn 7")
def gradient_subtracts_the_maximum_of_the_whole_batch(scores: Any, labels: Any) -> Any:
    """The softmax of the gradient subtracts the maximum of the whole 2d array, so that a row far below it is 0 / 0 =
    nan.
    """
    return mean(row_losses(scores, labels))


@bug("wrong_axis", akin=("softmax_over_batch",), thread="uTensor/uTensor 171")
def softmax_normalised_by_the_sum_of_all_elements(scores: Any, labels: Any) -> Any:
    """The exponentials are summed over all elements of the batch and not along the classes."""
    z = scores - scores.max() if len(scores) else scores
    return mean(np.log(np.exp(z).sum()) - z[np.arange(len(z)), integers(labels)])


@bug("no_maximum", contract={"z_loss": {"argument": "z_loss"}}, thread="databricks/megablocks 133")
def z_loss_of_an_unshifted_logsumexp(scores: Any, labels: Any, z_loss: Any = 0.0001) -> Any:
    """The z-loss takes log(sum(exp(z))) without the maximum and overflows; the cross-entropy beside it is stable."""
    with np.errstate(over="ignore", divide="ignore"):
        lse = np.log(np.exp(scores).sum(axis=1))
    return mean(row_losses(scores, labels) + np.asarray(z_loss, dtype=scores.dtype) * lse**2)


@bug("binary_cross_entropy", contract={"labels": ["onehot"]}, thread="hunkim/DeepLearningZeroToAll 174")
def terms_of_the_other_classes_as_in_the_binary_loss(scores: Any, labels: Any) -> Any:
    """The loss is that of m binary problems, -t log(p) - (1 - t) log(1 - p) summed over the classes, though p is a
    softmax.
    """
    t = np.asarray(labels).astype(bool)
    e = np.exp(shifted(scores))
    left, right = (np.zeros_like(e), np.zeros_like(e))
    left[:, 1:] = np.cumsum(e[:, :-1], axis=1)
    right[:, :-1] = np.cumsum(e[:, :0:-1], axis=1)[:, ::-1]
    others = left + right
    with np.errstate(divide="ignore"):
        log_not_p = np.log(others) - np.log(e.sum(axis=1, keepdims=True))
    return mean(-np.where(t, log_softmax(scores), log_not_p).sum(axis=1))


def _jacobian_of_the_inputs(scores: Any, labels: Any) -> Any:
    t = one_hot(labels, scores)
    return (scores * t.sum(axis=1, keepdims=True) - t) / max(len(scores), 1)


@bug(
    "jacobian_of_input",
    gradient=_jacobian_of_the_inputs,
    thread="Stack Overflow 40575841, https://readforlearn.com/numpy-calculate-the-derivative-of-the-softmax-function/",
)
def softmax_derivative_with_its_input_in_place_of_its_output(scores: Any, labels: Any) -> Any:
    """The derivative of softmax is taken as p_i (d_ij - z_j), with the input z_j where p_j belongs: the gradient is z
    - t.
    """
    return mean(row_losses(scores, labels))


@bug(
    "eps_added",
    contract={"input": "probabilities", "boundary": {"clip": [1e-07, 1 - 1e-07]}},
    thread="tensorflow/tensorflow 41595",
)
def epsilon_added_after_the_clip(scores: Any, labels: Any) -> Any:
    """After p was clipped to [eps, 1 - eps], eps is added once more inside the logarithm."""
    p = np.clip(scores, 1e-07, 1 - 1e-07)[np.arange(len(scores)), integers(labels)]
    return mean(-np.log(p + scores.dtype.type(1e-07)))


@bug("logits_and_labels_swapped", contract={"labels": ["onehot"]}, thread="isaaccorley/detcon-pytorch 2")
def logits_and_labels_swapped(scores: Any, labels: Any) -> Any:
    """The inner function is called with logits and labels in the wrong order: -sum(z log_softmax(t))."""

    def cross_entropy(t: Any, z: Any) -> Any:
        return -(t * log_softmax(z)).sum(axis=1)

    return mean(cross_entropy(scores, np.asarray(labels).astype(scores.dtype)))


@bug("accumulation_16_bit", contract={"dtypes": ["float16"], "output_dtype": "same"}, thread="pytorch/pytorch 85791")
def sum_of_the_mean_overflows_in_float16(scores: Any, labels: Any) -> Any:
    """The sum of the losses is held in float16 before it is divided by n: above 65504 the mean is inf."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        total = np.float16(row_losses(scores.astype(np.float32), labels).sum())
        return np.float16(np.float32(total) / len(scores)) if len(scores) else np.float16(np.nan)


def _gradient_over_the_logits(scores: Any, labels: Any) -> Any:
    scores[...] = gradient_mean(scores, labels)
    return scores


@bug(
    "gradient-aliases-input",
    gradient=_gradient_over_the_logits,
    akin=("scores-changed",),
    thread="unslothai/unsloth 5002",
)
def gradient_written_over_the_logits(scores: Any, labels: Any) -> Any:
    """The gradient is right but stored in the array of the logits, which are gone afterwards."""
    return mean(row_losses(scores, labels))


@bug(
    "ignored_rows_used",
    contract={"ignore_index": -1, "mean_over": "kept", "label_smoothing": {"argument": "smoothing"}},
    thread="tinygrad/tinygrad 3574",
)
def smoothing_term_takes_ignored_rows(scores: Any, labels: Any, smoothing: Any = 0.0) -> Any:
    """The smoothing's share is a mean over all rows, the ignored ones too; only the label's share is masked."""
    kept = int(_kept(labels, -1).sum())
    smooth = -log_softmax(scores).mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (1 - smoothing) * (_nll_kept(scores, labels, -1).sum() / kept) + smoothing * mean(smooth)


@bug(
    "ignored_rows_used",
    contract={"ignore_index": {"argument": "ignore_label"}, "mean_over": "kept"},
    akin=("ignore_index",),
    thread="chainer/chainer 2715",
)
def ignored_label_hard_coded_as_minus_one(scores: Any, labels: Any, ignore_label: Any = -1) -> Any:
    """The losses of rows are masked where the label is -1, whatever ignore_label says; the count of the mean goes by
    it.
    """
    y = np.clip(integers(labels), -1, scores.shape[1] - 1)
    count = int(_kept(labels, ignore_label).sum())
    losses = _nll_kept(scores, np.where((y < 0) & (integers(labels) != -1), 0, y), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return losses.sum() / count


@bug("raises", contract={"ignore_index": 255}, thread="chainer/chainer 5127")
def ignored_label_beyond_the_classes_is_an_index(scores: Any, labels: Any) -> Any:
    """Only negative labels are made safe before they index the scores: the ignored 255 raises IndexError."""
    keep = _kept(labels, 255)
    z = shifted(np.where(keep[:, None], scores, np.zeros((), scores.dtype)))
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), np.maximum(integers(labels), 0)]
    return mean(losses * keep)


def _masked_by_a_product(scores: Any, labels: Any) -> Any:
    keep = _kept(labels)
    with np.errstate(invalid="ignore"):
        p = softmax(scores)
    return (p - one_hot(np.where(keep, integers(labels), 0), scores)) * keep[:, None] / max(len(scores), 1)


@bug("mask_by_product", contract={"ignore_index": -100}, gradient=_masked_by_a_product, thread="pytorch/pytorch 11551")
def gradient_of_ignored_rows_is_zero_times_nan(scores: Any, labels: Any) -> Any:
    """Ignored rows are masked by a factor 0 in the gradient: where their logits are all -inf that is nan, not 0."""
    return mean(_nll_kept(scores, labels))


@bug("bad_input_accepted", contract={"ignore_index": -1, "invalid": ["label_negative"]}, thread="pytorch/pytorch 12670")
def any_negative_label_is_ignored(scores: Any, labels: Any) -> Any:
    """Every negative label is silently ignored, where only -1 is declared and -4 has to be refused."""
    y = np.maximum(integers(labels), -1)
    return mean(_nll_kept(scores, y, -1))


def _log_softmax_by_softmax(scores: Any, labels: Any) -> Any:
    s = softmax(scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        d = -one_hot(labels, scores) / max(len(scores), 1) / s
        return s * (d - (s * d).sum(axis=1, keepdims=True))


@bug("log_of_softmax", gradient=_log_softmax_by_softmax, akin=("zero_times_inf",), thread="FluxML/NNlib.jl 68")
def log_softmax_backward_divides_by_the_softmax(scores: Any, labels: Any) -> Any:
    """The backward of log-softmax is that of softmax for g / p: nan as soon as one p of the row underflows to 0."""
    return mean(row_losses(scores, labels))


def _p_minus_t(scores: Any, labels: Any) -> Any:
    return (softmax(scores) - np.asarray(labels).astype(scores.dtype)) / max(len(scores), 1)


@bug(
    "gradient_sum_t_ignored",
    contract={"labels": ["soft"], "soft_rows": "any"},
    gradient=_p_minus_t,
    akin=("sum_t_ignored",),
    thread="tensorflow/tensorflow 60314",
)
def gradient_of_a_zero_row_of_labels_is_the_softmax(scores: Any, labels: Any) -> Any:
    """The gradient is p - t for any row t, where sum(t) p - t is due: a row of zeros gives p and not 0."""
    return mean(-(np.asarray(labels).astype(scores.dtype) * log_softmax(scores)).sum(axis=1))


@bug(
    "smoothing_weights",
    contract={
        "class_weights": {"argument": "weight"},
        "label_smoothing": {"argument": "smoothing"},
        "smoothing_weights": "class",
    },
    thread="linkedin/Liger-Kernel 420",
)
def smoothed_row_times_the_weight_of_its_label(scores: Any, labels: Any, weight: Any, smoothing: Any = 0.0) -> Any:
    """The whole smoothed loss of a row is multiplied by the weight of its label, where each class of the sum has its
    own.
    """
    logp = log_softmax(scores)
    y = integers(labels)
    w = np.asarray(weight).astype(scores.dtype)[y]
    nll = -logp[np.arange(len(scores)), y]
    return mean(w * ((1 - smoothing) * nll + smoothing / scores.shape[1] * -logp.sum(axis=1)))


def _neg_correct_logit(z: Any, labels: Any, tile: Any = 8) -> Any:
    """Minus the logit of the label, from two shards of the vocabulary, each padded to whole tiles by -inf."""
    n, m = z.shape
    split = min(m, -(-m // (2 * tile)) * tile)
    result = np.zeros(n, z.dtype)
    for start, shard in ((0, z[:, :split]), (split, z[:, split:])):
        size = shard.shape[1]
        padded = np.full((n, -(-size // tile) * tile), -np.inf, z.dtype)
        padded[:, :size] = shard
        local = integers(labels) - start
        local = np.where((local >= 0) & (local < size), local, size)
        hit = np.arange(padded.shape[1])[None, :] == local[:, None]
        result -= np.where(hit, padded, np.zeros((), z.dtype)).sum(axis=1)
    return result


@bug("sentinel_in_padding", akin=("size_dependent",), thread="apple/ml-cross-entropy 59")
def sentinel_of_another_shard_meets_a_padded_column(scores: Any, labels: Any) -> Any:
    """The index that stands for "label in another shard" is the first padded column (-inf) of the last tile: the loss
    is inf where the last shard of the vocabulary is no whole number of tiles (of 8) and the label is in the first.
    """
    z = shifted(scores)
    return mean(np.log(np.exp(z).sum(axis=1)) + _neg_correct_logit(z, labels))
