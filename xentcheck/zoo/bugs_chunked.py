"""Bugs: sums over blocks of classes, online and padded, as fused kernels take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xentcheck.zoo.parts import Array, at, each, integers, mean, mean_loss, row_gradients, shifted
from xentcheck.zoo.specimen import bug

BLOCK = 32


def blocks(scores: Array, width: int = BLOCK) -> Iterator[Array]:
    """Yield the classes in blocks, the last of which may be narrower."""
    for start in range(0, scores.shape[1], width):
        yield scores[:, start : start + width]


def online(scores: Array, width: int = BLOCK) -> tuple[Array, Array]:
    """Return the running maximum and the sum of exponentials relative to it."""
    top, total = np.full(len(scores), -np.inf, scores.dtype), np.zeros(len(scores), scores.dtype)
    for block in blocks(scores, width):
        new = np.maximum(top, block.max(axis=1))
        total = total * np.exp(top - new) + np.exp(block - new[:, None]).sum(axis=1)
        top = new
    return top, total


@bug(
    "last_chunk_dropped",
    "value",
    "uniform",
    "class-permutation",
    akin=("last_class_dropped",),
    thread="Liger-Kernel 1298; pytorch 143644",
)
def last_chunk_dropped(scores: Array, labels: Array) -> Any:
    """Sum over whole blocks of 32 classes only, where there is one."""
    d = shifted(scores)
    whole = d.shape[1] // BLOCK * BLOCK or d.shape[1]
    return mean(np.log(np.exp(d[:, :whole]).sum(axis=1)) - at(d, labels))


@bug("only_last_chunk", "value", "uniform", akin=("size_dependent",), thread="Liger-Kernel 1298")
def only_last_chunk(scores: Array, labels: Array) -> Any:
    """Overwrite the sum with that of each block of 64."""
    d = shifted(scores)
    total = np.ones(len(d), d.dtype)
    for block in blocks(d, 64):
        total = np.exp(block).sum(axis=1)
    return mean(np.log(total) - at(d, labels))


@bug("only_first_chunk", "value", "uniform", akin=("last_class_dropped",), thread="flash-attention 1930")
def only_first_chunk(scores: Array, labels: Array) -> Any:
    """Return after the first block of 256 classes."""
    d = shifted(scores)
    return mean(np.log(np.exp(d[:, :256]).sum(axis=1)) - at(d, labels))


@bug("only_first_chunk", "value", "uniform", akin=("last_class_dropped", "last_chunk_dropped"), thread="unsloth 91")
def only_the_widest_block(scores: Array, labels: Array) -> Any:
    """Sum over as many classes as one block of a kernel has, 8,192, and not over more; there it is 65,536."""
    d = shifted(scores)
    return mean(np.log(np.exp(d[:, :8192]).sum(axis=1)) - at(d, labels))


@bug(
    "online_not_rescaled",
    "value",
    "class-permutation",
    thread="flash-attention 1930: the maximum lies in a later block",
)
def sum_not_rescaled(scores: Array, labels: Array) -> Any:
    """Keep the sum as it is when a later block of 16 raises the maximum."""
    top, total = np.full(len(scores), -np.inf, scores.dtype), np.zeros(len(scores), scores.dtype)
    for block in blocks(scores, 16):
        top = np.maximum(top, block.max(axis=1))
        total = total + np.exp(block - top[:, None]).sum(axis=1)
    return mean(np.log(total) - (at(scores, labels) - top))


@bug("online_not_rescaled", "value", "finite", "class-permutation", akin=("no_maximum",), thread="flash-attention 1930")
def rescaled_the_wrong_way(scores: Array, labels: Array) -> Any:
    """Rescale by exp(new - old) when a later block of 8 raises the maximum."""
    top, total = scores[:, :8].max(axis=1), np.zeros(len(scores), scores.dtype)
    for block in blocks(scores, 8):
        new = np.maximum(top, block.max(axis=1))
        total = total * np.exp(new - top) + np.exp(block - new[:, None]).sum(axis=1)
        top = new
    return mean(np.log(total) - (at(scores, labels) - top))


@bug("phantom_class", "value", "uniform", "shift", thread="verl 5349 (phantom padded classes)")
def padded_with_zeros(scores: Array, labels: Array) -> Any:
    """Fill the classes up to a multiple of 8 with logits of 0."""
    return mean_loss(np.pad(scores, ((0, 0), (0, -scores.shape[1] % 8))), labels)


@bug(
    "phantom_class",
    "value",
    "uniform",
    "shift",
    akin=("minus_infinity_as_number",),
    thread="verl 5349; flash-attention 1930",
)
def padded_with_minus_hundred(scores: Array, labels: Array) -> Any:
    """Fill the classes up to a multiple of 16 with logits of -100, which is not low enough."""
    return mean_loss(np.pad(scores, ((0, 0), (0, -scores.shape[1] % 16)), constant_values=-100), labels)


@bug(
    "label_logit_missing",
    "value",
    "class-permutation",
    akin=("label_logit_added", "lse_minus_label"),
    thread="Megatron-LM 5522; ml-cross-entropy 52",
)
def label_in_last_chunk_not_found(scores: Array, labels: Array) -> Any:
    """Look for the label's logit in whole blocks of 32 only, and take 0 if it is in the last partial one."""
    top, total = online(scores)
    whole = scores.shape[1] // BLOCK * BLOCK
    found = (integers(labels) < whole) | (whole == 0)
    return mean(np.log(total) + top - np.where(found, at(scores, labels), 0) + np.where(found, 0, 0))


@bug(
    "off_by_one_label",
    "value",
    "class-permutation",
    akin=("label_logit_missing",),
    thread="Liger-Kernel 343: offsets of blocks",
)
def label_off_by_one_in_later_chunks(scores: Array, labels: Array) -> Any:
    """Read the label's neighbour where the label lies beyond the first block of 64."""
    flat = integers(labels)
    d = shifted(scores)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, np.where(flat >= 64, flat - 1, flat)))


@bug("partial_maximum", "value", "finite", akin=("no_maximum",), thread="Megatron-LM 5522; pytorch 63132")
def maximum_of_last_block_ignored(scores: Array, labels: Array) -> Any:
    """Leave the last partial block of 32 out of the running maximum, but sum over it."""
    whole = scores.shape[1] // BLOCK * BLOCK or scores.shape[1]
    d = scores - scores[:, :whole].max(axis=1, keepdims=True)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@bug(
    "maximum_for_lse", "value", "uniform", akin=("only_first_chunk",), thread="Megatron-LM 7452: max over shards of lse"
)
def maximum_of_shard_lse(scores: Array, labels: Array) -> Any:
    """Combine the log-sum-exps of two halves of the classes by their maximum."""
    d, half = shifted(scores), max(scores.shape[1] // 2, 1)
    halves = [np.log(np.exp(part).sum(axis=1)) for part in (d[:, :half], d[:, half:]) if part.shape[1]]
    with np.errstate(divide="ignore"):
        return mean(np.maximum.reduce(halves) - at(d, labels))


@bug(
    "mean_of_exponentials",
    "value",
    "uniform",
    akin=("added_to_loss",),
    thread="Megatron-LM 7464: an average over shards",
)
def shards_averaged(scores: Array, labels: Array) -> Any:
    """Average the sum of exponentials over the classes."""
    d = shifted(scores)
    return mean(np.log(np.exp(d).mean(axis=1)) - at(d, labels))


@bug(
    "chunk_not_written",
    "gradient",
    "gradient-row-sum",
    akin=("gradient_zero", "last_chunk_dropped"),
    role="gradient",
    thread="Liger-Kernel 343",
)
def gradient_of_last_chunk_missing(scores: Array, labels: Array) -> Any:
    """Leave the gradient of the classes after the last whole block of 64 at 0, if there is one."""
    g = row_gradients(scores, labels)
    whole = g.shape[1] // 64 * 64
    if whole:
        g[:, whole:] = 0
    return g / max(len(g), 1)


@bug(
    "label_not_subtracted_in_last_chunk",
    "gradient",
    "gradient-row-sum",
    akin=("gradient_p_only",),
    role="gradient",
    thread="ml-cross-entropy 59",
)
def label_of_last_chunk_not_subtracted(scores: Array, labels: Array) -> Any:
    """Do not subtract 1 where the label lies in the last partial block of 32."""
    g, flat = row_gradients(scores, labels), integers(labels)
    whole = g.shape[1] // BLOCK * BLOCK
    if whole:
        missed = flat >= whole
        g[each(g)[missed], flat[missed]] += 1
    return g / max(len(g), 1)


@bug(
    "rows_misplaced",
    "value",
    "row-independence",
    akin=("labels_misaligned", "last_row_dropped", "last_row_twice", "size_dependent"),
    contract={"reduction": "none"},
    thread="ml-cross-entropy 59: the last chunk begins too early",
)
def last_chunk_of_rows_overlaps(scores: Array, labels: Array) -> Any:
    """Move the last partial block of 8 rows back so that it is whole, and write it where it is not."""
    d = shifted(scores)
    losses = np.log(np.exp(d).sum(axis=1)) - at(d, labels)
    n, whole = len(losses), len(losses) // 8 * 8
    if whole and n > whole:
        losses = np.concatenate([losses[:whole], losses[n - 8 : n - 8 + n - whole]])
    return losses


@bug("last_class_dropped", "value", "uniform", akin=("last_chunk_dropped",), thread="pytorch 143644")
def tree_forgets_odd_leaf(scores: Array, labels: Array) -> Any:
    """Halve the classes again and again, and forget the last of an odd number above 32."""
    d = shifted(scores)
    e = np.exp(d)
    while e.shape[1] > 1:
        half = e.shape[1] // 2
        odd = e[:, 2 * half :] if e.shape[1] < 32 else e[:, :0]
        e = np.concatenate([e[:, :half] + e[:, half : 2 * half], odd], axis=1)
    return mean(np.log(e[:, 0]) - at(d, labels))
