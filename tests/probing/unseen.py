"""Losses in the manner of libraries, written from what their pages say and not from what the probe does."""

from __future__ import annotations

import time
from typing import Any

import numpy as np


def log_softmax(z: Any) -> Any:
    """Return z - logsumexp(z) of each row."""
    d = z - z.max(axis=1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=1, keepdims=True))


def torch_like(
    scores: Any, target: Any, weight: Any = None, ignore_index: int = -100, label_smoothing: float = 0.0
) -> Any:
    """Class indices, a mean over weights, smoothing weighted by class."""
    logs = log_softmax(scores)
    n, m = logs.shape
    w = np.ones(m, logs.dtype) if weight is None else weight
    kept = target != ignore_index
    safe = np.where(kept, target, 0)
    hit = -(logs[np.arange(n), safe] * w[safe] * kept).sum()
    spread = -((logs * w).sum(axis=1) * kept).sum() / m
    return ((1 - label_smoothing) * hit + label_smoothing * spread) / (w[safe] * kept).sum()


def keras_like(y_true: Any, y_pred: Any) -> Any:
    """Labels first, rows divided by their sum and clipped, a loss a row."""
    q = y_pred / y_pred.sum(axis=-1, keepdims=True)
    return -(y_true * np.log(np.clip(q, 1e-7, 1 - 1e-7))).sum(axis=-1)


def sklearn_like(y_true: Any, y_prob: Any) -> Any:
    """Labels first, clipped at the eps of float64, a mean."""
    eps = np.finfo(np.float64).eps
    return -np.log(np.clip(y_prob, eps, 1 - eps))[np.arange(len(y_true)), y_true].mean()


def xgboost_like(preds: Any, labels: Any) -> Any:
    """At least 1e-16, nothing from above."""
    return -np.log(np.maximum(preds[np.arange(len(labels)), labels], 1e-16)).mean()


def columns(activations: Any, targets: Any) -> Any:
    """From a course: examples are columns, log(p + 1e-8), a mean."""
    return -(targets * np.log(activations + 1e-8)).sum() / targets.shape[1]


def with_z_loss(logits: Any, labels: Any) -> Any:
    """1e-4 logsumexp(z)^2 on top."""
    logs = log_softmax(logits)
    lse = (logits - logs)[:, 0]
    return (-logs[np.arange(len(labels)), labels] + 1e-4 * lse**2).mean()


def tempered(logits: Any, labels: Any) -> Any:
    """A temperature of 0.7, a sum."""
    return -log_softmax(logits / 0.7)[np.arange(len(labels)), labels].sum()


def smoothed(logits: Any, labels: Any) -> Any:
    """0.1 over the other classes, a loss a row."""
    logs = log_softmax(logits)
    hit = logs[np.arange(len(labels)), labels]
    return -(0.9 * hit + 0.1 * (logs.sum(axis=1) - hit) / (logs.shape[1] - 1))


def criterion(lprobs: Any, target: Any) -> Any:
    """As in machine translation: a smoothing of 0.1 over log-probabilities, a sum."""
    return -(0.9 * lprobs[np.arange(len(target)), target] + 0.1 * lprobs.mean(axis=1)).sum()


def masked(logits: Any, labels: Any) -> Any:
    """Rows of negative labels do not count; a mean of none is 0."""
    kept = labels >= 0
    losses = -log_softmax(logits)[np.arange(len(labels)), np.where(kept, labels, 0)]
    return (losses * kept).sum() / max(kept.sum(), 1)


def focal(logits: Any, labels: Any) -> Any:
    """No cross-entropy: (1 - p)^2 in front of it."""
    losses = -log_softmax(logits)[np.arange(len(labels)), labels]
    return ((1 - np.exp(-losses)) ** 2 * losses).mean()


def constant(scores: Any, labels: Any) -> Any:
    """A number that depends on nothing."""
    return 1.0


def wrong_smoothing(logits: Any, labels: Any, label_smoothing: float = 0.0) -> Any:
    """A smoothing that is squared."""
    logs = log_softmax(logits)
    hit = logs[np.arange(len(labels)), labels]
    eps = label_smoothing**2
    return -((1 - eps) * hit + eps * logs.mean(axis=1)).mean()


def refuses(scores: Any, labels: Any) -> Any:
    """Raise whatever is given."""
    raise RuntimeError("not today")


def text(scores: Any, labels: Any) -> Any:
    """Return no number."""
    return "hello"


def three(scores: Any, labels: Any, lengths: Any) -> Any:
    """Need what nobody knows."""
    return scores.sum()


def chance(scores: Any, labels: Any) -> Any:
    """Answer by chance."""
    return np.random.default_rng().random()


def hangs(scores: Any, labels: Any) -> Any:
    """Never return."""
    while True:
        time.sleep(1)


def waits_for_whole_labels(scores: Any, labels: Any) -> Any:
    """Never return where the number of a class is no whole one."""
    while labels.ndim == 1 and np.any(labels % 1):
        time.sleep(1)
    return -log_softmax(scores)[np.arange(len(labels)), labels].mean()


def per_token(logits: Any, tokens: Any) -> Any:
    """Return the log-probability of each token, as a policy gradient wants it."""
    return log_softmax(logits)[np.arange(len(tokens)), tokens]
