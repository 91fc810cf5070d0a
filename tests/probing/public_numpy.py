"""Losses as public numpy code has them: test_public.py had what they do before they were probed."""

from __future__ import annotations

from typing import Any

import numpy as np


def _log_softmax(x: Any) -> Any:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def old_log_loss(
    y_true: Any, y_pred: Any, eps: float = 1e-15, normalize: bool = True, sample_weight: Any = None
) -> Any:
    """As scikit-learn before 1.5: clip, divide by the sum, then a (weighted) mean or sum."""
    y_pred = np.clip(y_pred, eps, 1 - eps)
    y_pred = y_pred / y_pred.sum(axis=1)[:, np.newaxis]
    loss = -np.log(y_pred[np.arange(len(y_true)), y_true])
    if normalize:
        return np.average(loss, weights=sample_weight)
    return loss.sum() if sample_weight is None else np.dot(loss, sample_weight)


def text_book(a: Any, y: Any) -> Any:
    """From a chapter on back-propagation: softmax outputs and one-hot rows, averaged, nothing guarded."""
    m = y.shape[0]
    return -1 / m * np.sum(y * np.log(a))


def course_softmax_loss(x: Any, y: Any) -> Any:
    """As in a course's layers.py: loss and gradient of scores, sparse labels."""
    shifted = x - np.max(x, axis=1, keepdims=True)
    z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(z)
    n = x.shape[0]
    return -np.sum(log_probs[np.arange(n), y]) / n


def course_softmax_gradient(x: Any, y: Any) -> Any:
    """Its dx."""
    probs = np.exp(_log_softmax(x))
    n = x.shape[0]
    probs[np.arange(n), y] -= 1
    return probs / n


def temporal_softmax_loss(x: Any, y: Any, mask: Any) -> Any:
    """As in a course's recurrent layers: x (N, T, V), y and mask (N, T), the sum divided by N."""
    n, t, v = x.shape
    flat = _log_softmax(x.reshape(n * t, v))
    losses = -flat[np.arange(n * t), y.reshape(n * t)]
    return np.sum(mask.reshape(n * t) * losses)


def sequence_cross_entropy(logits: Any, targets: Any, weights: Any) -> Any:
    """As sequence_cross_entropy_with_logits(average="token") of AllenNLP: (b, t, c), (b, t), (b, t)."""
    weights = weights.astype(logits.dtype)
    b, t, c = logits.shape
    losses = -_log_softmax(logits.reshape(-1, c))[np.arange(b * t), targets.reshape(-1)].reshape(b, t)
    return (losses * weights).sum() / (weights.sum() + 1e-13)


def keras_one_hot(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
    """As Keras over numpy: divided by the sum, clipped at 1e-7, sum over batch size, with sample_weight."""
    y_pred = y_pred / y_pred.sum(axis=-1, keepdims=True)
    losses = -(y_true * np.log(np.clip(y_pred, 1e-7, 1 - 1e-7))).sum(axis=-1)
    if sample_weight is not None:
        losses = losses * sample_weight
    return losses.sum() / len(losses)


def masked_mean(logits: Any, labels: Any, valid: Any) -> Any:
    """Rows that are valid count; at least one is divided by, so that other weights than 0 and 1 are no weights."""
    losses = -_log_softmax(logits)[np.arange(len(labels)), labels]
    return (losses * valid).sum() / max(valid.sum(), 1)


def boolean_index(logits: Any, labels: Any, keep: Any) -> Any:
    """Rows chosen by a mask of bool."""
    return -_log_softmax(logits[keep])[np.arange(int(keep.sum())), labels[keep]].mean()


def weighted_by_class(scores: Any, targets: Any, weights: Any) -> Any:
    """`weights` are those of classes here; the mean divides by their sum."""
    w = weights[targets]
    return np.average(-_log_softmax(scores)[np.arange(len(targets)), targets], weights=w)


def weighted_by_row(scores: Any, targets: Any, weights: Any = None) -> Any:
    """`weights` are those of rows here; a sum."""
    losses = -_log_softmax(scores)[np.arange(len(targets)), targets]
    return losses.sum() if weights is None else (losses * weights).sum()


def counted(logits: Any, labels: Any, n_tokens: float) -> Any:
    """A sum over a number of tokens that the caller counted, under a name of its own."""
    return -_log_softmax(logits)[np.arange(len(labels)), labels].sum() / n_tokens


def pixels(logits: Any, masks: Any) -> Any:
    """Segmentation: (N, C, H, W) and (N, H, W), the mean over all pixels."""
    n, c, h, w = logits.shape
    flat = _log_softmax(np.moveaxis(logits, 1, -1).reshape(-1, c))
    return -flat[np.arange(n * h * w), masks.reshape(-1)].mean()


def rows_or_classes(x: Any, t: Any) -> Any:
    """Tells one-hot rows from class numbers by their size, and takes what is neither for class numbers."""
    if t.size == x.size:
        t = t.argmax(axis=1)
    return -np.sum(_log_softmax(x)[np.arange(len(x)), t]) / len(x)


def dot_with_labels(x: Any, t: Any) -> Any:
    """Multiplies scores and labels, so that labels of a wider dtype widen the loss."""
    return -(t * _log_softmax(x)).sum(axis=1)


def only_float32(logits: Any, labels: Any) -> Any:
    """A kernel of one precision."""
    if logits.dtype != np.float32:
        raise TypeError("only float32 is supported")
    return -_log_softmax(logits)[np.arange(len(labels)), labels].mean(dtype=np.float32)


def int32_labels(logits: Any, labels: Any) -> Any:
    """Of int32 alone, as a C extension takes them."""
    if labels.dtype != np.int32:
        raise TypeError("labels must be int32")
    return -_log_softmax(logits)[np.arange(len(labels)), labels].mean()


def smoothed_in_float32(logits: Any, labels: Any) -> Any:
    """As a smoother that adds up the classes in float32, whatever the scores are."""
    log_p = _log_softmax(logits)
    uniform = log_p.sum(axis=-1, dtype=np.float32).mean() / log_p.shape[-1]
    return -(0.9 * log_p[np.arange(len(labels)), labels].mean() + 0.1 * uniform)


def z_loss_in_float32(logits: Any, labels: Any) -> Any:
    """A z-loss of logits that are cast first."""
    z = logits.astype(np.float32)
    log_sum = np.log(np.exp(z).sum(axis=-1))
    return (-_log_softmax(logits)[np.arange(len(labels)), labels]).mean() + 1e-3 * (log_sum**2).mean()


def smoothed_of_four(scores: Any, labels: Any) -> Any:
    """As a class has it that is told how many classes there are."""
    soft = np.full((len(labels), 4), 0.1 / 4)
    soft[np.arange(len(labels)), labels] += 0.9
    return -(soft * _log_softmax(scores)).sum(axis=1).mean()
