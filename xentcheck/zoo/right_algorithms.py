"""Right: other algorithms for the same number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from xentcheck.zoo.parts import (
    EVERY_DTYPE,
    Array,
    at,
    each,
    integers,
    log_softmax,
    mean,
    mean_gradient,
    mean_loss,
    one_hot,
    row_losses,
    shifted,
    softmax,
    widened,
)
from xentcheck.zoo.specimen import right

CLASS_C = {"accuracy": "C"}
RELATIVE = {"accuracy": "B+"}
TWO = {"domain": {"classes": [2, 2]}}
LOG2E, LN2 = 1.4426950408889634, 0.6931471805599453


def by_sum(scores: Array, labels: Array, total: Any) -> Any:
    """Return the mean loss with the exponentials of a row added up by `total`."""
    d = shifted(scores)
    return mean(np.log(total(np.exp(d))) - at(d, labels))


def one_by_one(e: Array) -> Array:
    """Return the row sums, term after term."""
    total = np.zeros(len(e), e.dtype)
    for column in e.T:
        total = total + column
    return total


def halving(e: Array) -> Array:
    """Return the row sums by a tree of pairs."""
    while e.shape[1] > 1:
        half = e.shape[1] // 2
        e = np.concatenate([e[:, :half] + e[:, half : 2 * half], e[:, 2 * half :]], axis=1)
    first: Array = e[:, 0]
    return first


def kahan(e: Array) -> Array:
    """Return the row sums, compensated."""
    total, carry = np.zeros(len(e), e.dtype), np.zeros(len(e), e.dtype)
    for column in e.T:
        term = column - carry
        new = total + term
        carry = (new - total) - term
        total = new
    return total


def online_state(scores: Array, block: int) -> tuple[Array, Array]:
    """Return the running maximum and the sum relative to it, over blocks of classes."""
    top = scores[:, :block].max(axis=1)
    total = np.exp(scores[:, :block] - top[:, None]).sum(axis=1)
    for start in range(block, scores.shape[1], block):
        part = scores[:, start : start + block]
        new = np.maximum(top, part.max(axis=1))
        total = total * np.exp(top - new) + np.exp(part - new[:, None]).sum(axis=1)
        top = new
    return top, total


@right()
def sum_one_by_one(scores: Array, labels: Array) -> Any:
    """Add the exponentials one by one."""
    return by_sum(scores, labels, one_by_one)


@right()
def sum_in_reverse(scores: Array, labels: Array) -> Any:
    """Add the exponentials in reverse order."""
    return by_sum(scores, labels, lambda e: one_by_one(e[:, ::-1]))


@right()
def sum_ascending(scores: Array, labels: Array) -> Any:
    """Add the exponentials from the smallest to the largest."""
    return by_sum(scores, labels, lambda e: one_by_one(np.sort(e, axis=1)))


@right()
def sum_descending(scores: Array, labels: Array) -> Any:
    """Add the exponentials from the largest to the smallest, the worst order."""
    return by_sum(scores, labels, lambda e: one_by_one(np.sort(e, axis=1)[:, ::-1]))


@right()
def sum_in_pairs(scores: Array, labels: Array) -> Any:
    """Add the exponentials by a tree."""
    return by_sum(scores, labels, halving)


@right()
def sum_compensated(scores: Array, labels: Array) -> Any:
    """Add the exponentials with Kahan's compensation."""
    return by_sum(scores, labels, kahan)


@right()
def sum_exactly(scores: Array, labels: Array) -> Any:
    """Add the exponentials exactly."""
    return by_sum(scores, labels, lambda e: np.array([math.fsum(row) for row in e.tolist()], e.dtype))


@right()
def sum_by_product_with_ones(scores: Array, labels: Array) -> Any:
    """Add the exponentials by a matrix product."""
    return by_sum(scores, labels, lambda e: e @ np.ones(e.shape[1], e.dtype))


@right()
def sum_by_cumulation(scores: Array, labels: Array) -> Any:
    """Take the last of the cumulative sums."""
    return by_sum(scores, labels, lambda e: np.cumsum(e, axis=1)[:, -1])


@right()
def strided_lanes(scores: Array, labels: Array) -> Any:
    """Add in four lanes, j modulo 4, and the lanes at the end."""
    return by_sum(scores, labels, lambda e: sum(one_by_one(e[:, lane::4]) for lane in range(4)))


@right()
def online_in_blocks(scores: Array, labels: Array) -> Any:
    """Online softmax over blocks of 32."""
    top, total = online_state(scores, 32)
    return mean(np.log(total) + (top - at(scores, labels)))


@right()
def online_class_by_class(scores: Array, labels: Array) -> Any:
    """Online softmax class by class."""
    top, total = online_state(scores, 1)
    return mean(np.log(total) - (at(scores, labels) - top))


@right()
def online_tree(scores: Array, labels: Array) -> Any:
    """Merge pairs of (maximum, sum) by a tree."""
    top, total = scores.copy(), np.ones_like(scores)
    while top.shape[1] > 1:
        half = top.shape[1] // 2
        a, b = top[:, :half], top[:, half : 2 * half]
        new = np.maximum(a, b)
        merged = total[:, :half] * np.exp(a - new) + total[:, half : 2 * half] * np.exp(b - new)
        top = np.concatenate([new, top[:, 2 * half :]], axis=1)
        total = np.concatenate([merged, total[:, 2 * half :]], axis=1)
    return mean(np.log(total[:, 0]) + (top[:, 0] - at(scores, labels)))


@right()
def base_two_to_nats(scores: Array, labels: Array) -> Any:
    """Work in base 2 and turn to nats at the end."""
    kind = scores.dtype.type
    d = shifted(scores) * kind(LOG2E)
    return mean(kind(LN2) * (np.log2(np.exp2(d).sum(axis=1)) - at(d, labels)))


@right()
def exp2_and_log(scores: Array, labels: Array) -> Any:
    """Take exp2 for exp and the natural logarithm."""
    d = shifted(scores)
    return mean(np.log(np.exp2(d * scores.dtype.type(LOG2E)).sum(axis=1)) - at(d, labels))


@right(contract={**CLASS_C, "domain": {"magnitude": 1e4}})
def fused_base_two(scores: Array, labels: Array) -> Any:
    """exp2(fma(z, log2 e, -max log2 e)), as attention kernels do, and lse back from base 2."""
    scale = scores.dtype.type(LOG2E)
    top = scores.max(axis=1) * scale
    x = scores.astype(np.longdouble) * np.longdouble(scale) - top[:, None].astype(np.longdouble)
    lse = (np.log2(np.exp2(x.astype(scores.dtype)).sum(axis=1)) + top) * scores.dtype.type(LN2)
    return mean(lse - at(scores, labels))


@right(contract=CLASS_C)
def logaddexp_reduced(scores: Array, labels: Array) -> Any:
    """np.logaddexp.reduce less the label's logit."""
    return mean(np.logaddexp.reduce(scores, axis=1) - at(scores, labels))


@right(contract=CLASS_C)
def scipy_logsumexp(scores: Array, labels: Array) -> Any:
    """Scipy's logsumexp less the label's logit."""
    return mean(special.logsumexp(scores, axis=1) - at(scores, labels)) if len(scores) else np.float64("nan")


@right(contract=CLASS_C)
def online_logsumexp(scores: Array, labels: Array) -> Any:
    """The online log-sum-exp less the label's logit."""
    top, total = online_state(scores, 16)
    return mean((np.log(total) + top) - at(scores, labels))


@right()
def logaddexp_of_shifted(scores: Array, labels: Array) -> Any:
    """np.logaddexp.reduce of the shifted logits."""
    d = shifted(scores)
    return mean(np.logaddexp.reduce(d, axis=1) - at(d, labels))


@right()
def scipy_log_softmax(scores: Array, labels: Array) -> Any:
    """Scipy's log_softmax."""
    return mean(-at(special.log_softmax(scores, axis=1), labels)) if len(scores) else np.float64("nan")


@right(contract=RELATIVE)
def log1p_form(scores: Array, labels: Array) -> Any:
    """log1p of the sum without one maximal term, with relative accuracy."""
    d = shifted(scores)
    e = np.exp(d)
    e[each(e), scores.argmax(axis=1)] = 0
    return mean(np.log1p(e.sum(axis=1)) - at(d, labels))


@right(contract=RELATIVE)
def log1p_form_with_minor_class_first(scores: Array, labels: Array) -> Any:
    """The same, adding the terms ascending and the gap last."""
    d = shifted(scores)
    e = np.exp(d)
    e[each(e), scores.argmax(axis=1)] = 0
    return mean(np.log1p(one_by_one(np.sort(e, axis=1))) + (scores.max(axis=1) - at(scores, labels)))


@right()
def label_as_shift(scores: Array, labels: Array) -> Any:
    """Subtract the label's logit, then the maximum of what is left."""
    d = scores - at(scores, labels)[:, None]
    top = d.max(axis=1)
    return mean(top + np.log(np.exp(d - top[:, None]).sum(axis=1)))


@right()
def shift_rounded_up(scores: Array, labels: Array) -> Any:
    """Subtract the maximum rounded up to a whole number."""
    d = scores - np.ceil(scores.max(axis=1, keepdims=True))
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@right()
def logarithm_of_softmax_where_safe(scores: Array, labels: Array) -> Any:
    """The logarithm of a softmax where p is above 1e-3, and log_softmax elsewhere."""
    p = at(softmax(scores), labels)
    return mean(np.where(p > 1e-3, -np.log(np.maximum(p, 1e-3)), -at(log_softmax(scores), labels)))


@right()
def product_with_one_hot(scores: Array, labels: Array) -> Any:
    """Pick the label by an einsum with one-hot rows."""
    return mean(-np.einsum("ij,ij->i", one_hot(labels, scores), log_softmax(scores)))


@right()
def padded_with_minus_infinity(scores: Array, labels: Array) -> Any:
    """Fill the classes up to a multiple of 16 with -inf."""
    return mean_loss(np.pad(scores, ((0, 0), (0, -scores.shape[1] % 16)), constant_values=-np.inf), labels)


@right()
def padded_rows(scores: Array, labels: Array) -> Any:
    """Fill the rows up to a multiple of 8 with zeros, and leave their losses out."""
    extra = -len(scores) % 8
    losses = row_losses(np.pad(scores, ((0, extra), (0, 0))), np.pad(integers(labels), (0, extra)))
    return mean(losses[: len(scores)])


@right(contract=TWO)
def softplus(scores: Array, labels: Array) -> Any:
    """Two classes: softplus of the other logit less the label's."""
    x = at(scores, 1 - integers(labels)) - at(scores, labels)
    return mean(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


@right(contract={**TWO, **RELATIVE})
def logaddexp_of_zero(scores: Array, labels: Array) -> Any:
    """Two classes: logaddexp(0, x), with relative accuracy."""
    x = at(scores, 1 - integers(labels)) - at(scores, labels)
    return mean(np.logaddexp(np.zeros_like(x), x))


@right(contract=TWO)
def log_expit(scores: Array, labels: Array) -> Any:
    """Two classes: scipy's log_expit."""
    return mean(-special.log_expit(at(scores, labels) - at(scores, 1 - integers(labels))))


@right(contract={"domain": {"magnitude": 1e300}})
def row_by_row(scores: Array, labels: Array) -> Any:
    """Loop over the rows with Python's floats: float64 inside for every dtype."""
    losses = []
    for row, label in zip(scores.astype(np.float64).tolist(), integers(labels).tolist(), strict=True):
        top = max(row)
        losses.append(math.log(math.fsum(math.exp(z - top) for z in row)) - (row[label] - top))
    return math.fsum(losses) / len(losses) if losses else math.nan


@right(contract=EVERY_DTYPE)
def float64_inside(scores: Array, labels: Array) -> Any:
    """Work in float64 and round to the input's dtype."""
    return mean_loss(scores.astype(np.float64), labels).astype(scores.dtype)


@right(contract={"dtypes": ["float16", "bfloat16"]})
def halves_in_float32(scores: Array, labels: Array) -> Any:
    """Work in float32 on 16-bit logits and return 16 bits."""
    return mean(row_losses(widened(scores), labels)).astype(scores.dtype)


@right(contract={"dtypes": ["float16", "bfloat16"], "output_dtype": "float32"})
def halves_to_float32(scores: Array, labels: Array) -> Any:
    """Work in float32 on 16-bit logits and return float32, as declared."""
    return np.float32(mean_loss(scores, labels))


@right(
    contract={"dtypes": ["float16", "bfloat16"], "output_dtype": "float32"},
    gradient=lambda scores, labels: mean_gradient(widened(scores), labels).astype(scores.dtype),
)
def halves_to_float32_and_back(scores: Array, labels: Array) -> Any:
    """Return a float32 loss of 16-bit logits, as declared, and its gradient in 16 bits, as autograd does."""
    return np.float32(mean_loss(scores, labels))


@right()
def long_double_inside(scores: Array, labels: Array) -> Any:
    """Work in 80 bits."""
    return mean_loss(scores.astype(np.longdouble), labels).astype(scores.dtype)


@right(
    contract={
        "dtypes": ["float16"],
        "compute": "float16",
        "reduction": "none",
        "domain": {"classes": [1, 64], "magnitude": 100.0},
    }
)
def native_float16(scores: Array, labels: Array) -> Any:
    """Work in float16 throughout, as declared."""
    d = scores - scores.max(axis=1, keepdims=True)
    return np.log(one_by_one(np.exp(d))) - at(d, labels)


@right(contract={"dtypes": ["float16", "bfloat16"], "compute": "same", "reduction": "none"})
def results_of_16_bits(scores: Array, labels: Array) -> Any:
    """Round each result to 16 bits, the sum of exponentials as well, which is inf from 65,520 ones on."""
    d = scores - scores.max(axis=1, keepdims=True)
    sums = np.exp(d).astype(np.float32).sum(axis=1).astype(scores.dtype)
    return (np.log(sums) - at(d, labels)).astype(scores.dtype)


@right(
    contract={
        "dtypes": ["bfloat16"],
        "compute": "bfloat16",
        "reduction": "none",
        "domain": {"classes": [1, 16], "magnitude": 100.0},
    }
)
def native_bfloat16(scores: Array, labels: Array) -> Any:
    """Work in bfloat16 throughout, as declared."""
    d = scores - scores.max(axis=1, keepdims=True)
    return np.log(one_by_one(np.exp(d))) - at(d, labels)


@right(
    contract={"labels": ["soft"], "accuracy": "C"}, thread="distrax and rlax: labels as the logits of a distribution"
)
def divergence_and_entropy(scores: Array, targets: Array) -> Any:
    """KL(t, p) + H(t), where both distributions are kept as logarithms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x = log_softmax(np.log(targets.astype(widened(scores).dtype)))
        t = np.exp(x)
        divergence = np.where(t == 0, 0, t * (x - log_softmax(scores))).sum(axis=1)
        return mean(divergence - np.where(t == 0, 0, t * x).sum(axis=1))
