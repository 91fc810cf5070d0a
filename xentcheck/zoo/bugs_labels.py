"""Bugs: which class a row belongs to, and the dtype and shape in which that is said."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    dense_losses,
    each,
    integers,
    mean,
    mean_loss,
    one_hot,
    row_losses,
    shifted,
    softmax,
)
from xentcheck.zoo.specimen import bug

SOFT = {"labels": ["soft"]}
ANY_SUM = {"labels": ["soft"], "soft_rows": "any"}


@bug("off_by_one_label", "value", thread="statsmodels MNLogit: classes from 1")
def off_by_one(scores: Array, labels: Array) -> Any:
    """Count the classes from 1."""
    return mean_loss(scores, (integers(labels) - 1) % scores.shape[1])


@bug("columns_of_all_labels", "value")
def columns_of_all_labels(scores: Array, labels: Array) -> Any:
    """Take z[:, y], the columns of all labels in each row, where z[arange(n), y] is meant."""
    d = shifted(scores)
    total = np.log(np.exp(d).sum(axis=1)).sum() - d[:, integers(labels)].sum()
    return d.dtype.type(total) / d.dtype.type(len(d)) if len(d) else d.dtype.type(0)


@bug("one_row_alone", "value")
def first_row_alone(scores: Array, labels: Array) -> Any:
    """Divide the first row's loss by the number of rows: an index too many."""
    losses = row_losses(scores, labels)
    return losses[0] / losses.dtype.type(len(losses)) if len(losses) else losses.dtype.type(0)


@bug("argmax_as_label", "value", thread="pytorch 39769")
def predicted_class_as_label(scores: Array, labels: Array) -> Any:
    """Use the class of the highest score for the label."""
    return mean_loss(scores, scores.argmax(axis=1))


@bug("labels_wrapped", "value", "label-forms", akin=("off_by_one_label",), thread="tensorflow 8484")
def positions_in_label_dtype(scores: Array, labels: Array) -> Any:
    """Calculate flat positions i m + y in the labels' own dtype, which is too narrow for them."""
    d = shifted(scores)
    flat = np.asarray(labels).reshape(-1)
    start = (np.arange(len(flat)) * d.shape[1]).astype(flat.dtype)
    with np.errstate(over="ignore"):
        position = (start + flat).astype(np.int64)
    return mean(np.log(np.exp(d).sum(axis=1)) - d.reshape(-1)[position % max(d.size, 1)])


@bug(
    "label_dtype",
    "value",
    contract={"label_dtypes": ["int16", "int64"]},
    akin=("labels_wrapped",),
    thread="tensorflow 8484",
)
def byte_offsets_in_label_dtype(scores: Array, labels: Array) -> Any:
    """Calculate where the label's logit lies in its row, in bytes, in the labels' own dtype."""
    flat = np.asarray(labels).reshape(-1)
    with np.errstate(over="ignore"):
        offset = flat * flat.dtype.type(scores.itemsize)
    return mean_loss(scores, offset.astype(np.int64) // scores.itemsize % scores.shape[1])


@bug("labels_wrapped", "value", "label-forms", akin=("off_by_one_label",), thread="tensorflow 8484; pytorch 108148")
def uint8_labels_signed(scores: Array, labels: Array) -> Any:
    """Read uint8 labels as int8: wrong above 127."""
    flat = np.asarray(labels).reshape(-1)
    flat = flat.view(np.int8) if flat.dtype == np.uint8 and flat.flags.c_contiguous else flat
    return mean_loss(scores, flat.astype(np.int64) % scores.shape[1])


@bug("labels_wrapped", "value", "label-forms", akin=("off_by_one_label",), thread="tensorflow 126005")
def labels_kept_in_a_byte(scores: Array, labels: Array) -> Any:
    """Keep labels in a byte: wrong from class 256 on."""
    return mean_loss(scores, integers(labels).astype(np.uint8))


@bug("labels_rounded", "value", thread="keras 15012 (labels cast to half)")
def labels_in_float16(scores: Array, labels: Array) -> Any:
    """Round the labels to float16: odd classes above 2,048 are taken for their neighbours."""
    rounded = integers(labels).astype(np.float16).astype(np.int64)
    return mean_loss(scores, np.minimum(rounded, scores.shape[1] - 1))


@bug("labels_rounded", "value", thread="keras 15012")
def labels_in_bfloat16(scores: Array, labels: Array) -> Any:
    """Round the labels to bfloat16: odd classes above 256 are taken for their neighbours."""
    rounded = integers(labels).astype(ml_dtypes.bfloat16).astype(np.int64)
    return mean_loss(scores, np.minimum(rounded, scores.shape[1] - 1))


@bug("labels_shifted", "value", akin=("off_by_one_label",))
def one_class_for_its_neighbour(scores: Array, labels: Array) -> Any:
    """Take class 197 for 198, as of a table of class numbers with one wrong entry."""
    read = integers(labels)
    return mean_loss(scores, np.where((read == 197) & (scores.shape[1] > 198), 198, read))


@bug(
    "labels_of_all_rows",
    "value",
    "label-forms",
    "answers",
    akin=("scaled", "times_n"),
    contract={"label_shapes": ["(n,)", "(n,1)"], "reduction": "sum"},
    thread="tensorflow 32231; scikit-learn 30910",
)
def column_of_labels_broadcast(scores: Array, labels: Array) -> Any:
    """Index with a column of labels, so that every row is given the labels of all rows."""
    d = shifted(scores)
    return (np.log(np.exp(d).sum(axis=1)) - d[each(d), np.asarray(labels).astype(np.int64)]).sum()


@bug(
    "first_label_for_all",
    "value",
    "row-independence",
    contract={"label_shapes": ["(n,1)"]},
    thread="scikit-learn 30910; Paddle 76033",
)
def first_label_for_all(scores: Array, labels: Array) -> Any:
    """Take the first entry of a column of labels for all rows."""
    return mean_loss(scores, np.full(len(scores), integers(labels)[0]))


@bug("soft_as_argmax", "value", contract=SOFT, thread="pytorch 134771; onnx")
def soft_as_argmax(scores: Array, targets: Array) -> Any:
    """Take soft targets for the label of their largest entry."""
    return mean_loss(scores, targets.argmax(axis=1))


@bug(
    "targets_renormalised",
    "value",
    contract=ANY_SUM,
    akin=("zero_times_inf",),
    thread="keras 17102; scikit-learn 24515",
)
def targets_renormalised(scores: Array, targets: Array) -> Any:
    """Divide the targets by their sum, which the contract does not say."""
    total = targets.sum(axis=1, keepdims=True)
    return mean(dense_losses(scores, targets / np.where(total == 0, 1, total)))


@bug(
    "targets_not_renormalised",
    "value",
    contract={"labels": ["soft"], "soft_rows": "renormalised"},
    thread="scikit-learn 24515",
)
def targets_not_renormalised(scores: Array, targets: Array) -> Any:
    """Use the targets as they are, where the contract divides them by their sum."""
    return mean(dense_losses(scores, targets))


@bug(
    "sum_t_ignored", "value", contract=ANY_SUM, akin=("gradient_sum_t_ignored",), thread="onnx 5897; optax safe_softmax"
)
def targets_taken_to_sum_to_one(scores: Array, targets: Array) -> Any:
    """Write lse - t.z, which is right where the targets sum to 1."""
    d = shifted(scores)
    return mean(np.log(np.exp(d).sum(axis=1)) - (targets * d).sum(axis=1))


@bug(
    "gradient_sum_t_ignored",
    "gradient",
    role="gradient",
    loss=None,
    contract=ANY_SUM,
    thread="Liger-Kernel 343; optax 1020",
)
def gradient_with_targets_of_sum_one(scores: Array, targets: Array) -> Any:
    """Write p - t, which is right where the targets sum to 1."""
    return (softmax(scores) - targets) / max(len(scores), 1)


@bug("soft_as_argmax", "value", contract=SOFT, thread="a fast path for one-hot rows, found by their largest entry")
def nearly_one_hot_taken_for_one_hot(scores: Array, targets: Array) -> Any:
    """Take rows above 0.99 for one-hot."""
    hard = one_hot(targets.argmax(axis=1), targets)
    return mean(dense_losses(scores, np.where(targets.max(axis=1, initial=0)[:, None] > 0.99, hard, targets)))


@bug("targets_truncated", "value", contract=SOFT, thread="tensorflow 8484: soft labels cast to integers")
def targets_truncated(scores: Array, targets: Array) -> Any:
    """Cut the targets down to whole numbers."""
    return mean(dense_losses(scores, targets.astype(np.int64).astype(scores.dtype)))


@bug(
    "classes_from_labels",
    "value",
    "class-permutation",
    akin=("last_class_dropped", "zero"),
    thread="MNLogit and log_loss: classes inferred from the labels",
)
def classes_inferred_from_labels(scores: Array, labels: Array) -> Any:
    """Take the largest label for the last class; higher classes are cut off."""
    count = int(integers(labels).max(initial=0)) + 1
    return mean_loss(scores[:, :count], labels)


@bug(
    "small_targets_dropped",
    "value",
    akin=("labels_rounded", "soft_as_argmax"),
    contract=SOFT,
    thread="numpy: one-hot tables in uint8",
)
def small_targets_dropped(scores: Array, targets: Array) -> Any:
    """Drop targets below 1e-3."""
    return mean(dense_losses(scores, np.where(targets < 1e-2, 0, targets)))


@bug(
    "repeated_label_once",
    "gradient",
    "row-independence",
    role="gradient",
    akin=("gradient_p_only",),
    thread="numpy: fancy indexing adds once (np.add.at)",
)
def repeated_label_counted_once(scores: Array, labels: Array) -> Any:
    """Subtract 1 only in the first of the rows that share a label."""
    p = softmax(scores)
    _, first = np.unique(integers(labels), return_index=True)
    p[first, integers(labels)[first]] -= 1
    return p / max(len(p), 1)


@bug(
    "last_label_for_all",
    "value",
    "row-independence",
    akin=("labels_misaligned",),
    contract={"reduction": "sum"},
    thread="late binding in a loop",
)
def late_bound_label(scores: Array, labels: Array) -> Any:
    """Bind the loop's label late: every row has the last one."""
    return row_losses(scores, np.full(len(scores), integers(labels)[-1] if len(scores) else 0)).sum()


@bug(
    "label_of_maximum_skipped",
    "gradient",
    role="gradient",
    loss=None,
    akin=("gradient_label_missing", "gradient_p_only"),
    thread="a fused kernel that writes the maximum's class first",
)
def label_at_maximum_not_subtracted(scores: Array, labels: Array) -> Any:
    """Forget to subtract 1 where the label is the class of the maximum and not the first class."""
    p = softmax(scores)
    flat = integers(labels)
    t = one_hot(labels, p)
    t[(flat == scores.argmax(axis=1)) & (flat > 0)] = 0
    return (p - t) / max(len(p), 1)


@bug(
    "label_logit_missing",
    "value",
    akin=("label_logit_added",),
    contract={"reduction": "sum"},
    thread="Megatron-LM 5522: the target lies on another shard",
)
def labels_beyond_64_on_another_shard(scores: Array, labels: Array) -> Any:
    """Find the label's logit among the first 64 classes only, and take the shifted 0 beyond them."""
    d = shifted(scores)
    chosen = np.where(integers(labels) < 64, at(d, labels), 0)
    return (np.log(np.exp(d).sum(axis=1)) - chosen).sum()


@bug("shares_dropped", "value", contract={"labels": ["onehot", "soft"]}, thread="sparse targets of a distillation")
def small_shares_count_as_none(scores: Array, targets: Array) -> Any:
    """Leave out the classes of which a target row has a share below 1e-6."""
    t = targets.astype(np.float64)
    return mean(dense_losses(scores, np.where(t < 1e-6, 0, t).astype(shifted(scores).dtype)))
