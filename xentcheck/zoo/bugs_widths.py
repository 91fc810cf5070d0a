"""Bugs: dtypes that are too narrow, and sizes at which something changes."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from xentcheck.zoo.parts import (
    EVERY_DTYPE,
    Array,
    at,
    mean,
    mean_gradient,
    mean_loss,
    row_gradients,
    row_losses,
    shifted,
    widened,
)
from xentcheck.zoo.specimen import bug

BFLOAT16 = {"dtypes": ["bfloat16"]}
FLOAT16 = {"dtypes": ["float16"]}
DOUBLE = {"dtypes": ["float64"]}


def running_sum(terms: Array) -> Array:
    """Return the row sums, one term after the other in the dtype of the terms."""
    total = np.zeros(len(terms), terms.dtype)
    for column in terms.T:
        total = total + column
    return total


@bug("narrowing", "value", contract=DOUBLE, thread="jax 40409; keras 15271")
def float32_inside(scores: Array, labels: Array) -> Any:
    """Work in float32 on float64 and return float64."""
    return np.float64(mean_loss(scores.astype(np.float32), labels))


@bug("narrowing", "precision", "value", thread="jax 40409")
def float32_returned(scores: Array, labels: Array) -> Any:
    """Return float32 whatever comes."""
    return np.float32(mean_loss(scores, labels))


@bug(
    "narrowing",
    "gradient",
    "precision",
    role="gradient",
    contract=DOUBLE,
    thread="numpy-ml: a float32 buffer",
)
def gradient_in_float32(scores: Array, labels: Array) -> Any:
    """The loss is in float64 and the gradient was rounded to float32."""
    return mean_gradient(scores, labels).astype(np.float32).astype(np.float64)


@bug("narrowing", "value", contract={"dtypes": ["float32"]}, thread="pytorch 85791 (autocast)")
def bfloat16_inside(scores: Array, labels: Array) -> Any:
    """Round float32 logits to bfloat16 on the way."""
    return mean_loss(scores.astype(ml_dtypes.bfloat16).astype(np.float32), labels)


@bug("narrowing", "value", contract=DOUBLE, thread="jax 40409: only one operand is cast")
def rows_summed_in_float32(scores: Array, labels: Array) -> Any:
    """Add the rows up in float32."""
    return np.float64(row_losses(scores, labels).astype(np.float32).sum()) / max(len(scores), 1)


@bug("accumulation_16_bit", "value", contract=FLOAT16, thread="executorch 20089; pytorch 61523")
def float16_running_sum(scores: Array, labels: Array) -> Any:
    """Add the exponentials one by one in float16."""
    d = (scores - scores.max(axis=1, keepdims=True)).astype(np.float16)
    losses = np.log(running_sum(np.exp(d)).astype(np.float32)) - at(d, labels).astype(np.float32)
    return mean(losses)


@bug("accumulation_16_bit", "value", contract=BFLOAT16, thread="executorch 20089 (the sum stalls at 256)")
def bfloat16_running_sum(scores: Array, labels: Array) -> Any:
    """Add the exponentials one by one in bfloat16: the sum stops at 256."""
    d = scores - scores.max(axis=1, keepdims=True)
    total = running_sum(np.exp(d)).astype(np.float32)
    return mean(np.log(total) - at(d, labels).astype(np.float32))


@bug("accumulation_16_bit", "value", "finite", contract=FLOAT16, thread="pytorch 61523 (inf at N = 16384)")
def float16_sum_before_mean(scores: Array, labels: Array) -> Any:
    """Add the rows' losses up in float16, which ends at 65,504, before the division by n."""
    losses = row_losses(scores, labels).astype(np.float16)
    with np.errstate(over="ignore"):
        total = losses.sum(dtype=np.float16)
    return np.float32(total) / np.float32(max(len(losses), 1))


@bug("accumulation_16_bit", "value", contract=BFLOAT16, thread="pytorch 61523 (4.219 against 4.159)")
def bfloat16_sum_of_rows(scores: Array, labels: Array) -> Any:
    """Add the rows' losses up one by one in bfloat16."""
    losses = row_losses(scores, labels).astype(ml_dtypes.bfloat16)
    return np.float32(running_sum(losses[None])[0]) / np.float32(max(len(losses), 1))


@bug(
    "narrowing",
    "value",
    contract={"dtypes": ["float16", "bfloat16"], "reduction": "sum"},
    thread="pytorch 55657",
    akin=("accumulation_16_bit",),
)
def halves_rounded_between(scores: Array, labels: Array) -> Any:
    """Round p to 16 bits between softmax and logarithm."""
    e = np.exp(shifted(scores))
    p = (e / e.sum(axis=1, keepdims=True)).astype(scores.dtype).astype(np.float32)
    return -np.log(np.maximum(at(p, labels), 1e-30)).sum()


@bug("output_dtype", "precision", contract={**EVERY_DTYPE, "output_dtype": "same"}, thread="pytorch 55657")
def halves_returned_as_float32(scores: Array, labels: Array) -> Any:
    """Return float32 for 16-bit logits where the contract says the same dtype."""
    return mean_loss(scores, labels)


@bug(
    "output_dtype",
    "precision",
    "gradient",
    akin=("narrowing",),
    contract={"dtypes": ["float32"], "output_dtype": "float32"},
    gradient=lambda scores, labels: mean_gradient(scores, labels).astype(np.float16),
    thread="pytorch 55657",
)
def gradient_of_halves(scores: Array, labels: Array) -> Any:
    """Return the gradient of float32 logits in float16, beside a loss of the declared dtype."""
    return mean_loss(scores, labels)


@bug("output_dtype", "precision", "value", akin=("narrowing",), thread="python: int(loss)")
def integer_returned(scores: Array, labels: Array) -> Any:
    """Return a whole number."""
    loss = mean_loss(scores, labels)
    return int(loss) if np.isfinite(loss) else loss


@bug(
    "overflow_of_float16",
    "value",
    "finite",
    akin=("log_limited", "logits_clipped", "loss_limited"),
    contract=FLOAT16,
    thread="pytorch 61523",
)
def float16_differences_limited(scores: Array, labels: Array) -> Any:
    """Limit the difference to the maximum to 8,192, an eighth of what float16 holds."""
    wide = widened(scores)
    d = np.maximum(wide - wide.max(axis=1, keepdims=True), np.float32(-8192))
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@bug("one_class", "answers", "value", akin=("raises",), thread="scikit-learn log_loss: one label only")
def refuses_one_class(scores: Array, labels: Array) -> Any:
    """Refuse a single class, which costs 0."""
    if scores.shape[1] < 2:
        raise ValueError("at least two classes are needed")
    return mean_loss(scores, labels)


@bug(
    "one_row",
    "value",
    "row-independence",
    "finite",
    akin=("divisor_one_off", "last_row_dropped", "doubled", "scaled", "halved"),
    thread="pytorch 69339",
)
def one_row_by_ddof(scores: Array, labels: Array) -> Any:
    """Divide a single row by 2."""
    losses = row_losses(scores, labels)
    return mean(losses) if len(losses) != 1 else losses[0] / 2


@bug("last_class_dropped", "value", "uniform", akin=("last_chunk_dropped",), thread="pytorch 143644 (C = 517)")
def only_at_129_classes(scores: Array, labels: Array) -> Any:
    """Drop the last class at m = 129: one more than a block of 128."""
    if scores.shape[1] != 129:
        return mean_loss(scores, labels)
    d = shifted(scores)
    return mean(np.log(np.exp(d[:, :128]).sum(axis=1)) - at(d, labels))


@bug("last_chunk_dropped", "value", "uniform", akin=("last_class_dropped",), thread="pytorch 143644")
def above_512_by_fours(scores: Array, labels: Array) -> Any:
    """Above 512 classes sum in vectors of 4 and forget the remainder."""
    m = scores.shape[1]
    d = shifted(scores)
    whole = m - m % 4 if m > 512 else m
    return mean(np.log(np.exp(d[:, :whole]).sum(axis=1)) - at(d, labels))


@bug(
    "class_counted_twice",
    "value",
    "uniform",
    akin=("last_class_dropped", "phantom_class"),
    thread="pytorch 62897 (odd lanes)",
)
def odd_class_counted_twice(scores: Array, labels: Array) -> Any:
    """Sum in pairs, with the last class of an odd number beside itself, above 8 classes."""
    d = shifted(scores)
    e = np.exp(d)
    total = e.sum(axis=1)
    if e.shape[1] % 2 and e.shape[1] > 8:
        total = total + e[:, -1]
    return mean(np.log(total) - at(d, labels))


@bug(
    "row_not_written",
    "gradient",
    "row-independence",
    akin=("gradient_zero", "last_row_dropped", "last_chunk_dropped"),
    role="gradient",
    thread="ml-cross-entropy 59; pytorch 190139",
)
def last_row_of_33_not_written(scores: Array, labels: Array) -> Any:
    """Leave the gradient of the rows after the last whole block of 32 at 0, if there is one."""
    g = row_gradients(scores, labels)
    whole = len(g) // 32 * 32
    if whole:
        g[whole:] = 0
    return g / max(len(g), 1)


@bug(
    "divisor_one_off",
    "value",
    akin=("narrowing", "scaled", "divisor_wrapped"),
    contract={"dtypes": ["float32"]},
    thread="pytorch 61523: n in half precision",
)
def rows_counted_in_bfloat16(scores: Array, labels: Array) -> Any:
    """Divide by n rounded to bfloat16: 257 counts as 256."""
    losses = row_losses(scores, labels)
    return losses.sum() / np.float32(ml_dtypes.bfloat16(max(len(losses), 1)))
