"""Losses that do what no contract says: an addition to a divisor, masks of what does not count."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.probing.unseen import log_softmax

EPS = float(np.finfo(np.float32).eps)


def rows_of(z: Any, y: Any) -> Any:
    """Return one loss a row."""
    return -log_softmax(z)[np.arange(len(y)), y]


def averaged_by_factor(pred: Any, label: Any, weight: Any = None, avg_factor: Any = None) -> Any:
    """As weight_reduce_loss of mmdetection."""
    losses = rows_of(pred, label)
    if weight is not None:
        losses = losses * weight
    return losses.mean() if avg_factor is None else losses.sum() / (avg_factor + EPS)


def needed_divisor(logits: Any, targets: Any, num_tokens: float) -> Any:
    """A sum over what the caller counted, or nearly."""
    return rows_of(logits, targets).sum() / (num_tokens + 1e-5)


def needed_mask(logits: Any, targets: Any, mask: Any) -> Any:
    """As public code for sequences has it."""
    return (rows_of(logits, targets) * mask).sum() / (mask.sum() + 1e-8)


def optional_weights(logits: Any, targets: Any, sample_weight: Any = None) -> Any:
    """A mean over weights that are given, or nearly."""
    losses = rows_of(logits, targets)
    return losses.mean() if sample_weight is None else (losses * sample_weight).sum() / (sample_weight.sum() + 1e-6)


def ignored(logits: Any, targets: Any) -> Any:
    """Without an argument."""
    kept = targets != -100
    return (rows_of(logits, np.where(kept, targets, 0)) * kept).sum() / (kept.sum() + 1e-8)


def another_divisor(logits: Any, targets: Any, avg_factor: Any = None) -> Any:
    """No addition explains it."""
    losses = rows_of(logits, targets)
    return losses.mean() if avg_factor is None else losses.sum() / avg_factor**1.000001


def padding(logits: Any, targets: Any, padding_mask: Any = None) -> Any:
    """True where a row does not count."""
    losses = rows_of(logits, targets)
    return losses.mean() if padding_mask is None else losses[~padding_mask].mean()


def needed_padding(logits: Any, targets: Any, pad_mask: Any) -> Any:
    """Of numbers."""
    kept = 1 - pad_mask
    return (rows_of(logits, targets) * kept).sum() / kept.sum()


def keras_like_in_float32(y_true: Any, y_pred: Any) -> Any:
    """As Keras over numpy: whatever comes in, float32 is worked in."""
    p = np.asarray(y_pred, np.float32)
    p = np.clip(p / p.sum(axis=-1, keepdims=True), np.float32(1e-7), np.float32(1 - 1e-7))
    return -(np.asarray(y_true, np.float32) * np.log(p)).sum(axis=-1)


def weighed_by_class(scores: Any, targets: Any, weight: Any = None) -> Any:
    """Soft rows in which each class has its own weight, a sum."""
    logs = log_softmax(scores)
    return -(targets * (logs if weight is None else logs * weight)).sum()


def clipped(y_pred: Any, y_true: Any) -> Any:
    """Probabilities of one-hot rows, clipped."""
    return -np.log((np.clip(y_pred, 1e-7, 1 - 1e-7) * y_true).sum(axis=1)).mean()


def unclipped_gradient(y_pred: Any, y_true: Any) -> Any:
    """Its derivative without the clip, which is 0 / 0 where a probability is 0 beside the label."""
    with np.errstate(all="ignore"):
        return -y_true / y_pred / len(y_pred)
