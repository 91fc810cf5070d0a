"""Bugs of kernels: what is left after whole blocks, narrow row numbers, shards of the classes, exponentials by bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import Array, at, each, integers, mean, mean_loss, row_losses, shifted
from xentcheck.zoo.specimen import bug


def _with_sum(scores: Array, s: Array) -> Any:
    """Return what is added to minus the label's shifted score to give each row's loss."""
    return np.log(s).astype(shifted(scores).dtype)


@bug("last_chunk_dropped", "value", "uniform", thread="pytorch 143644: the rest of a vectorised loop")
def rest_ends_one_early(scores: Array, labels: Array) -> Any:
    """Go through classes in blocks of four, and through those that are left but for the last one."""
    d = shifted(scores)
    m = d.shape[1]
    s = np.exp(d[:, : m - 1 if m > 4 and m % 4 else m]).sum(axis=1)
    return mean(_with_sum(scores, s) - at(d, labels))


@bug("last_chunk_dropped", "value", "uniform", thread="kernels unrolled by two")
def classes_in_pairs(scores: Array, labels: Array) -> Any:
    """Add exponentials up in pairs, so that of an odd number of classes the last is left out."""
    d = shifted(scores)
    m = d.shape[1]
    s = np.exp(d[:, : m - m % 2 if m > 1 else 1]).sum(axis=1)
    return mean(_with_sum(scores, s) - at(d, labels))


@bug("tail_counted_twice", "value", "uniform", thread="kernels whose last vector overlaps the one before")
def last_vector_overlaps(scores: Array, labels: Array) -> Any:
    """Load the last four classes as a vector where the rest is shorter: some of them have been added already."""
    d = shifted(scores)
    e, m = np.exp(d), d.shape[1]
    s = e.sum(axis=1) if m < 4 or m % 4 == 0 else e[:, : m - m % 4].sum(axis=1) + e[:, -4:].sum(axis=1)
    return mean(_with_sum(scores, s) - at(d, labels))


@bug("rows_wrapped", "value", "row-independence", thread="numba: a row index of np.uint8")
def rows_numbered_in_uint8(scores: Array, labels: Array) -> Any:
    """Number the rows in uint8, so that the first 256 are read again and again."""
    return mean(row_losses(scores, labels)[np.arange(len(scores)) % 256])


@bug("rows_beyond_a_limit", "value", akin=("last_chunk_dropped",), thread="kernels of one block of rows")
def one_block_of_8192_rows(scores: Array, labels: Array) -> Any:
    """Work on the first block of 8,192 rows alone, and divide by the number of all."""
    losses = row_losses(scores, labels)
    return losses[:8192].sum() / losses.dtype.type(len(losses)) if len(losses) else losses.dtype.type("nan")


@bug("last_chunk_dropped", "value", akin=("rows_beyond_a_limit",), thread="kernels: the rest of a loop over rows")
def rows_of_the_rest_end_one_early(scores: Array, labels: Array) -> Any:
    """Go through rows in blocks of 32, and through those that are left but for the last one."""
    losses = row_losses(scores, labels)
    n = len(losses)
    return losses[: n - 1 if n > 32 and n % 32 else n].sum() / losses.dtype.type(n) if n else losses.dtype.type("nan")


@bug("phantom_rows", "value", thread="jax: batches padded to a static shape")
def rows_of_padding_count(scores: Array, labels: Array) -> Any:
    """Fill the batch up to a multiple of eight rows, for few compilations, and do not leave these out of the sum."""
    n, more = len(scores), -len(scores) % 8
    losses = row_losses(np.pad(scores, ((0, more), (0, 0))), np.pad(integers(labels), (0, more)))
    return losses.sum() / losses.dtype.type(n) if n else losses.dtype.type("nan")


def _shards(d: Array) -> list[Array]:
    """Return two shards of the classes, the first one longer if any."""
    half = (d.shape[1] + 1) // 2
    return [part for part in (d[:, :half], d[:, half:]) if part.shape[1]]


@bug("shards_not_combined", "value", "uniform", thread="Megatron-LM 737: vocabulary-parallel")
def each_shard_has_a_maximum_of_its_own(scores: Array, labels: Array) -> Any:
    """Subtract each shard's maximum from its logits, the label's included, and add the sums of the shards."""
    parts = [shifted(part) for part in _shards(scores)]
    s = np.sum([np.exp(part).sum(axis=1) for part in parts], axis=0, dtype=parts[0].dtype)
    return mean(_with_sum(scores, s) - at(np.concatenate(parts, axis=1), labels))


@bug("label_in_other_shards", "value", "uniform", thread="Megatron-LM: predicted_logits[target_mask] = 0.0 is missing")
def label_of_other_shards_is_its_first_class(scores: Array, labels: Array) -> Any:
    """Take class 0 of a shard for a label that is not in it, and do not set its logit to 0 before the sum."""
    d, y = shifted(scores), integers(labels)
    parts = _shards(d)
    half = parts[0].shape[1]
    first = np.where(y < half, d[each(d), np.minimum(y, half - 1)], d[:, 0])
    second = np.where(y >= half, d[each(d), y], parts[1][:, 0]) if len(parts) > 1 else np.zeros_like(first)
    return mean(_with_sum(scores, np.exp(d).sum(axis=1)) - (first + second))


@bug("label_between_shards", "value", "uniform", "class-permutation", thread="vocabulary-parallel: > for >=")
def first_class_of_the_second_shard(scores: Array, labels: Array) -> Any:
    """Look for the label below the first class of the second shard and beyond it."""
    d, y = shifted(scores), integers(labels)
    m = d.shape[1]
    lost = (y == m // 2) & (m > 1)
    return mean(_with_sum(scores, np.exp(d).sum(axis=1)) - np.where(lost, 0, at(d, labels)))


@bug("exponential_by_bits", "value", thread="Schraudolph 1999; fastexp of many projects")
def exponentials_by_bits_of_floats(scores: Array, labels: Array) -> Any:
    """Write a line into the bits of a float in the place of exp."""
    d = shifted(scores)
    line = np.maximum(d, -80).astype(np.float32) * np.float32(12102203.0) + np.float32(1064866805.0)
    return mean(_with_sum(scores, line.astype(np.int32).view(np.float32).sum(axis=1)) - at(d, labels))


@bug("exponential_by_bits", "value", thread="Schraudolph 1999")
def exponentials_by_bits_of_doubles(scores: Array, labels: Array) -> Any:
    """Write a line into the high word of a double in the place of exp."""
    d = shifted(scores)
    line = np.maximum(d, -700).astype(np.float64) * (2.0**20 / np.log(2.0)) + 1072632447.0
    e = (line.astype(np.int64) << 32).view(np.float64)
    return mean(_with_sum(scores, e.sum(axis=1)) - at(d, labels))


@bug("repeated_rows_removed", "value", "row-independence", "reductions", thread="np.unique over rows before a loss")
def repeated_rows_removed(scores: Array, labels: Array) -> Any:
    """Leave rows out that have been there before with the same label."""
    if not len(scores):
        return mean_loss(scores, labels)
    rows = np.column_stack([scores.astype(np.float64), integers(labels)])
    first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    return mean(row_losses(scores, labels)[first])


@bug("rows_taken_for_one", "value", contract={"reduction": "none"}, thread="np.unique(..., return_inverse=True)")
def rows_of_equal_scores_are_calculated_once(scores: Array, labels: Array) -> Any:
    """Calculate the loss of rows with equal scores once, with the label of the first of them."""
    if not len(scores):
        return row_losses(scores, labels)
    _, first, place = np.unique(scores.astype(np.float64), axis=0, return_index=True, return_inverse=True)
    return row_losses(scores, labels)[first[place.reshape(-1)]]


@bug("mean_of_class_means", "value", "row-independence", thread="sklearn.utils.class_weight.compute_class_weight")
def balanced_by_the_batch(scores: Array, labels: Array) -> Any:
    """Multiply each row by n / (m n_c), where n_c of the n rows are of its class."""
    losses = row_losses(scores, labels)
    counts = np.bincount(integers(labels), minlength=scores.shape[1])
    w = len(losses) / (scores.shape[1] * np.maximum(counts, 1))
    return mean((losses * w[integers(labels)]).astype(losses.dtype))


@bug("divisor_other_axes", "value", "uniform", contract={"extra_axes": [1]}, thread="loss.mean(dim=1).sum()")
def means_of_sentences_added_up(scores: Array, labels: Array) -> Any:
    """Add up the means of the sentences of a batch of tokens."""
    n, length, m = scores.shape
    losses = row_losses(scores.reshape(-1, m), labels.reshape(-1)).reshape(n, length)
    return losses.sum() / losses.dtype.type(length) if losses.size else losses.dtype.type("nan")
