"""Bugs: exponentials that overflow or all vanish, because not each row's own maximum is subtracted."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import Array, at, each, integers, log_softmax, mean, mean_gradient, softmax
from xentcheck.zoo.specimen import bug


def losses_shifted_by(scores: Array, labels: Array, shift: Array) -> Array:
    """Return log(sum exp(z - c)) - (z_y - c), which is right for any c that is near the row's maximum."""
    d = scores - shift
    losses: Array = np.log(np.exp(d).sum(axis=1)) - at(d, labels)
    return losses


@bug("no_maximum", "value", "finite", "shift", thread="statsmodels 3635; pytorch 62897; NNlib.jl 68")
def no_maximum(scores: Array, labels: Array) -> Any:
    """Exponentiate the logits as they are."""
    return mean(np.log(np.exp(scores).sum(axis=1)) - at(scores, labels))


@bug("no_maximum", "gradient", "finite", "shift", role="gradient", thread="Megatron-LM 5522")
def no_maximum_in_gradient(scores: Array, labels: Array) -> Any:
    """The loss is right, and the gradient exponentiates the logits as they are."""
    e = np.exp(scores)
    g = e / e.sum(axis=1, keepdims=True)
    g[each(g), integers(labels)] -= 1
    return g / max(len(g), 1)


@bug("no_maximum", "value", "finite", akin=("log_limited",), thread="pytorch 62897")
def no_maximum_below_thirty(scores: Array, labels: Array) -> Any:
    """Subtract the maximum only where it is positive and above 30: rows of large negative logits vanish."""
    top = scores.max(axis=1, keepdims=True)
    return mean(losses_shifted_by(scores, labels, np.where(top > 30, top, 0)))


@bug("batch_maximum", "value", "finite", "row-independence", thread="numpy tutorials: z - np.max(z)")
def maximum_of_batch(scores: Array, labels: Array) -> Any:
    """Subtract the maximum of the whole batch."""
    return mean(losses_shifted_by(scores, labels, scores.max(initial=-np.inf)))


@bug("maximum_over_rows", "value", "finite", "row-independence", thread="keras 23451")
def maximum_over_rows(scores: Array, labels: Array) -> Any:
    """Subtract the maximum over the rows, not over the classes."""
    return mean(losses_shifted_by(scores, labels, scores.max(axis=0, keepdims=True)))


@bug("maximum_of_first_row", "value", "finite", "row-independence", thread="pytorch 63132")
def maximum_of_first_row(scores: Array, labels: Array) -> Any:
    """Subtract the first row's maximum from all rows."""
    return mean(losses_shifted_by(scores, labels, scores[:1].max(initial=-np.inf)))


@bug("absolute_maximum", "value", "finite", "shift", thread="Megatron-LM 5522")
def absolute_maximum(scores: Array, labels: Array) -> Any:
    """Subtract max |z|, which is far above rows of negative logits."""
    return mean(losses_shifted_by(scores, labels, np.abs(scores).max(axis=1, keepdims=True)))


@bug("positive_maximum", "value", "finite", "shift", thread="pytorch 62897")
def positive_maximum(scores: Array, labels: Array) -> Any:
    """Let the running maximum begin at 0."""
    return mean(losses_shifted_by(scores, labels, scores.max(axis=1, keepdims=True, initial=0)))


@bug("mean_for_maximum", "value", "finite", thread="mlx 4188")
def mean_for_maximum(scores: Array, labels: Array) -> Any:
    """Subtract the mean logit."""
    return mean(losses_shifted_by(scores, labels, scores.mean(axis=1, keepdims=True)))


@bug("minimum_for_maximum", "value", "finite", thread="NNlib.jl 68")
def minimum_for_maximum(scores: Array, labels: Array) -> Any:
    """Subtract the minimum."""
    return mean(losses_shifted_by(scores, labels, scores.min(axis=1, keepdims=True)))


@bug("first_logit_for_maximum", "value", "finite", "class-permutation", thread="pytorch 63132")
def first_logit_for_maximum(scores: Array, labels: Array) -> Any:
    """Let an unfinished reduction return its first element."""
    return mean(losses_shifted_by(scores, labels, scores[:, :1]))


@bug("partial_maximum", "value", "finite", "class-permutation", thread="pytorch 63132")
def maximum_without_last(scores: Array, labels: Array) -> Any:
    """Leave the last class out of the maximum."""
    return mean(losses_shifted_by(scores, labels, scores[:, : max(scores.shape[1] - 1, 1)].max(axis=1, keepdims=True)))


@bug("partial_maximum", "value", "finite", "class-permutation", thread="pytorch 62897, 63132 (only some lane widths)")
def maximum_of_whole_lanes(scores: Array, labels: Array) -> Any:
    """Leave the classes that do not fill a block of 8 out of the maximum, where there is a whole block."""
    whole = scores.shape[1] // 8 * 8 or scores.shape[1]
    return mean(losses_shifted_by(scores, labels, scores[:, :whole].max(axis=1, keepdims=True)))


@bug("partial_maximum", "value", "finite", "class-permutation", thread="Megatron-LM 5522 (the local shard's maximum)")
def maximum_of_first_128(scores: Array, labels: Array) -> Any:
    """Take the maximum of the first 128 classes only."""
    return mean(losses_shifted_by(scores, labels, scores[:, :128].max(axis=1, keepdims=True)))


@bug("log_of_softmax", "value", "finite", thread="keras 17634; pytorch 113708")
def log_of_softmax(scores: Array, labels: Array) -> Any:
    """Take the logarithm of a softmax that may underflow."""
    return mean(-np.log(at(softmax(scores), labels)))


@bug("zero_times_inf", "value", "finite", akin=("log_of_softmax",), thread="optax 896; tensorflow 60113")
def one_hot_times_log_of_softmax(scores: Array, labels: Array) -> Any:
    """Multiply the logarithm of a softmax that may underflow by the zeros of a one-hot row."""
    p = softmax(scores)
    return mean(-(np.eye(p.shape[1], dtype=p.dtype)[integers(labels)] * np.log(p)).sum(axis=1))


@bug("logits_clipped", "value", "gradient", "shift", gradient=mean_gradient, thread="keras 17102")
def logits_clipped(scores: Array, labels: Array) -> Any:
    """Clip the logits to +-50 in the place of subtracting the maximum."""
    d = np.clip(scores, -50, 50)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@bug("logits_clipped", "value", thread="flash-attention 1930")
def shifted_logits_clipped(scores: Array, labels: Array) -> Any:
    """Keep the shifted logits above -80, so that larger losses are lost."""
    d = np.maximum(scores - scores.max(axis=1, keepdims=True), -80)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@bug("no_maximum", "value", "finite", akin=("log_limited", "log_of_softmax"), thread="mlx 166; pytorch 85791")
def label_subtracted(scores: Array, labels: Array) -> Any:
    """Subtract the label's logit where the maximum is needed: log(sum exp(z - z_y)) overflows on wrong rows."""
    d = scores - at(scores, labels)[:, None]
    return mean(np.log(np.exp(d).sum(axis=1)))


@bug("maximum_not_added_back", "value", "shift", thread="pytorch 11752")
def maximum_not_added_back(scores: Array, labels: Array) -> Any:
    """Subtract the maximum within the log-sum-exp and forget it for the label's logit."""
    d = scores - scores.max(axis=1, keepdims=True)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(scores, labels))


@bug("maximum_added_twice", "value", "shift", thread="mlx 4188")
def maximum_added_twice(scores: Array, labels: Array) -> Any:
    """Add the maximum to a log-sum-exp that has it already."""
    top = scores.max(axis=1)
    return mean(top - at(log_softmax(scores), labels))


@bug(
    "no_maximum",
    "value",
    "finite",
    akin=("narrowing", "sum_overflow"),
    contract={"dtypes": ["float16"]},
    thread="pytorch 61523",
)
def no_maximum_in_float16(scores: Array, labels: Array) -> Any:
    """Exponentiate float16 logits as they are, in float32: right up to 88, and float16 reaches 65,504."""
    wide = scores.astype(np.float32)
    return mean(np.log(np.exp(wide).sum(axis=1)) - at(wide, labels))
