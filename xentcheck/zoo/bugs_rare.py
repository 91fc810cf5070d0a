"""Bugs that few batches show: one size, one pattern of masks, a cut-off, digits that only some numbers have."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    each,
    mean,
    mean_loss,
    row_gradients,
    row_losses,
    row_vjp,
    shifted,
    widened,
)
from xentcheck.zoo.specimen import bug

MASKED = {"nonfinite": ["-inf"]}
NORMALISED = {"input": "probabilities", "boundary": {"clip": [1e-7, 0.9999999], "normalise": True}}


@bug("partial_maximum", "value", "finite", akin=("no_maximum",), thread="pytorch 62897")
def maximum_of_512_classes(scores: Array, labels: Array) -> Any:
    """Seek the maximum among the first 512 classes only."""
    z = widened(scores)
    d = z - z[:, :512].max(axis=1, keepdims=True)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@bug(
    "last_row_dropped",
    "value",
    "row-independence",
    akin=("size_dependent",),
    contract={"reduction": "sum"},
    thread="pytorch 143644",
)
def last_row_beyond_1024(scores: Array, labels: Array) -> Any:
    """End the loop over blocks one row early, beyond 1,024 rows."""
    losses = row_losses(scores, labels)
    return losses[:-1].sum() if len(losses) > 1024 else losses.sum()


@bug("accumulation_16_bit", "value", "uniform", contract={"dtypes": ["float16"]}, thread="pytorch 85791")
def exponentials_in_half(scores: Array, labels: Array) -> Any:
    """Add the exponentials up in float16, where a running sum stops at 2,048."""
    d = shifted(scores)
    s = np.cumsum(np.exp(d).astype(np.float16), axis=1, dtype=np.float16)[:, -1].astype(np.float32)
    return mean(np.log(s) - at(d, labels))


@bug("accumulation_16_bit", "value", "finite", contract={"dtypes": ["float16"]}, thread="pytorch 61523")
def sums_of_blocks_in_half(scores: Array, labels: Array) -> Any:
    """Add blocks of 256 classes up in float32, and the sums of the blocks in float16, which ends at 65,504."""
    d = shifted(scores)
    e, s = np.exp(d), np.zeros(len(d), np.float16)
    for start in range(0, d.shape[1], 256):
        s = s + e[:, start : start + 256].sum(axis=1).astype(np.float16)
    return mean(np.log(s.astype(np.float32)) - at(d, labels))


@bug("nonfinite_replaced", "value", "finite", akin=("partial_maximum",), contract=MASKED, thread="optax 896")
def nan_for_a_masked_half(scores: Array, labels: Array) -> Any:
    """Give nan where more than half of the classes, from the first on, are masked: a running maximum of -inf."""
    z = widened(scores)
    half = z.shape[1] // 2 + 1
    lost = np.isneginf(z[:, :half]).all(axis=1) & (half > 2)
    return mean(np.where(lost, np.nan, row_losses(z, labels)).astype(z.dtype))


@bug("nonfinite_replaced", "value", contract={"nonfinite": ["-inf", "+inf", "nan"]}, thread="jax 16208")
def infinite_label_is_certain(scores: Array, labels: Array) -> Any:
    """Charge nothing for a label at +inf, where the contract declares nan."""
    z = widened(scores)
    return mean(np.where(np.isposinf(at(z, labels)), 0, row_losses(z, labels)).astype(z.dtype))


@bug("series_cut_off", "value", contract={"dtypes": ["float64"]}, thread="scipy 19521")
def series_taken_too_early(scores: Array, labels: Array) -> Any:
    """Take s - s^2/2 for log(1 + s) below 1e-4, which lacks s^3/3."""
    d = shifted(scores)
    e = np.exp(d)
    e[each(e), d.argmax(axis=1)] = 0
    s = e.sum(axis=1)
    return mean(np.where(s < 1e-4, s - s * s / 2, np.log1p(s)) - at(d, labels))


@bug("not_renormalised", "value", contract=NORMALISED, thread="keras 23551")
def normalised_if_far_from_one(probabilities: Array, labels: Array) -> Any:
    """Divide a row by its sum only where that is more than 1 % from 1."""
    p = widened(probabilities)
    s = p.sum(axis=1, keepdims=True)
    q = np.where(abs(s - 1) < 0.01, p, p / s)
    return mean(-np.log(np.clip(at(q, labels), p.dtype.type(1e-7), p.dtype.type(0.9999999))))


@bug(
    "narrowing",
    "vjp-linearity",
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract={"reduction": "none", "dtypes": ["float64"]},
    thread="jax 40409",
)
def upstream_through_float32(scores: Array, labels: Array, upstream: Array) -> Any:
    """Round the upstream gradients to float32."""
    return row_vjp(scores, labels, upstream.astype(np.float32))


@bug("labels-altered", "purity", contract={"label_shapes": ["(n,)", "(n,1)"]}, thread="tensorflow 8484")
def labels_flattened_in_place(scores: Array, labels: Array) -> Any:
    """Reshape a column of labels in the caller's array."""
    if labels.ndim == 2 and labels.flags.c_contiguous:
        labels.shape = (len(labels),)
    return mean_loss(scores, labels)


@bug("scores-altered", "purity", thread="unsloth 5002")
def scores_protected(scores: Array, labels: Array) -> Any:
    """Make the caller's scores read-only."""
    scores.flags.writeable = False
    return mean_loss(scores, labels)


@bug("early_exit", "value", "reductions", "row-independence", thread="from-scratch metrics: one class in a batch")
def exit_where_labels_are_equal(scores: Array, labels: Array) -> Any:
    """Return the loss of the first row, over n, where all rows have the same label."""
    losses = row_losses(scores, labels)
    if len(losses) > 1 and len(set(np.ravel(labels).tolist())) == 1:
        return losses[0] / losses.dtype.type(len(losses))
    return mean(losses)


@bug("early_exit", "gradient", "reductions", "row-independence", role="gradient", thread="from-scratch networks")
def no_gradient_where_labels_are_equal(scores: Array, labels: Array) -> Any:
    """Return zeros where all rows have the same label, as if there were nothing to learn."""
    g = row_gradients(scores, labels) / max(len(scores), 1)
    return np.zeros_like(g) if len(set(np.ravel(labels).tolist())) == 1 else g


@bug("early_exit", "uniform", thread="from-scratch kernels: constant rows by log m")
def exit_where_logits_are_nearly_equal(scores: Array, labels: Array) -> Any:
    """Return log m for a row whose logits differ by less than 1e-4."""
    losses, z = row_losses(scores, labels), widened(scores)
    constant = z.max(axis=1) - z.min(axis=1) < 1e-4
    return mean(np.where(constant, np.log(losses.dtype.type(z.shape[1])), losses))


@bug("labels_wrapped", "value", akin=("size_dependent",), thread="kernels whose offsets are short integers")
def positions_of_15_bits(scores: Array, labels: Array) -> Any:
    """Keep 15 bits of the flat position of each label's logit."""
    d = shifted(scores)
    position = (each(scores) * scores.shape[1] + np.ravel(labels).astype(np.int64)) & 0x7FFF
    return mean(np.log(np.exp(d).sum(axis=1)) - d.ravel()[position])
