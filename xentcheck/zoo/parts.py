"""Right parts from which the specimens are put together; each specimen then does one thing otherwise.

Scores have the shape (n, m), sparse labels (n,) or (n, 1), dense targets (n, m). 16-bit scores are calculated in
float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

WEIGHTED = {"class_weights": {"argument": "weights"}}
ROW_WEIGHTED = {"row_weights": {"argument": "sample_weight"}}
MASKED = {"row_weights": {"argument": "mask"}, "row_weights_as": "bool"}
SMOOTHED = {"label_smoothing": {"argument": "smoothing"}}
IGNORING = {"ignore_index": {"argument": "ignore_index"}, "mean_over": "kept"}
CAPPED = {"soft_cap": {"argument": "softcap"}}
TEMPERED = {"temperature": {"argument": "temperature"}}
COUNTED = {"divisor": {"argument": "num_items_in_batch"}, "reduction": "sum"}
LOG_PROBABILITIES = {"output": "log_probability", "reduction": "none"}
ENTROPY = {"output": "entropy", "reduction": "none"}
P_MINUS_T = {"labels": ["onehot", "soft"], "soft_rows": "any", "gradient_of": "p - t"}
HALVES = {"dtypes": ["float16", "bfloat16"]}
EVERY_DTYPE = {"dtypes": ["float64", "float32", "float16", "bfloat16"]}


def widened(scores: Array) -> Array:
    """Return scores of 16 bits as float32, others as they are."""
    return scores.astype(np.float32) if scores.dtype.itemsize == 2 else scores


def integers(labels: Array) -> Array:
    """Return sparse labels as a flat int64 array."""
    return np.asarray(labels).reshape(-1).astype(np.int64)


def each(rows: Array) -> Array:
    """Return the row numbers."""
    return np.arange(len(rows))


def at(values: Array, labels: Array) -> Array:
    """Return the entry of each row at its label."""
    chosen: Array = values[each(values), integers(labels)]
    return chosen


def one_hot(labels: Array, like: Array) -> Array:
    """Return rows of 0 with a 1 at each label, in the shape and dtype of the scores."""
    rows = np.zeros(like.shape, like.dtype)
    rows[each(like), integers(labels)] = 1
    return rows


def shifted(scores: Array) -> Array:
    """Return the scores less their row's maximum."""
    wide = widened(scores)
    less: Array = wide - wide.max(axis=1, keepdims=True)
    return less


def log_softmax(scores: Array) -> Array:
    """Return z - max - log(sum exp(z - max))."""
    d = shifted(scores)
    logs: Array = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
    return logs


def softmax(scores: Array) -> Array:
    """Return exp(z - max) divided by its sum."""
    e = np.exp(shifted(scores))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def soft_capped(scores: Array, softcap: float) -> tuple[Array, Array]:
    """Return c tanh(z / c) and tanh(z / c)."""
    wide = widened(scores)
    cap = wide.dtype.type(softcap)
    t = np.tanh(wide / cap)
    return cap * t, t


def tempered(scores: Array, temperature: float) -> Array:
    """Return z / T."""
    wide = widened(scores)
    quotients: Array = wide / wide.dtype.type(temperature)
    return quotients


def row_losses(scores: Array, labels: Array) -> Array:
    """Return log(sum exp(z - max)) - (z_y - max) of each row."""
    d = shifted(scores)
    losses: Array = np.log(np.exp(d).sum(axis=1)) - at(d, labels)
    return losses


def row_entropies(scores: Array) -> Array:
    """Return -sum p log p of each row."""
    logs = log_softmax(scores)
    entropies: Array = -(np.exp(logs) * logs).sum(axis=1)
    return entropies


def row_gradients(scores: Array, labels: Array) -> Array:
    """Return p - t of each row."""
    g = softmax(scores)
    g[each(g), integers(labels)] -= 1
    return g


def one_by_one(terms: Array) -> Any:
    """Return the sum of all terms, in the order in which they lie in memory, each added to those before it."""
    return np.cumsum(terms)[-1] if terms.size else terms.dtype.type(0)


def mean(losses: Array) -> Any:
    """Return the mean of the row losses; nan of none."""
    return losses.sum() / losses.dtype.type(len(losses)) if len(losses) else losses.dtype.type("nan")


def mean_loss(scores: Array, labels: Array) -> Any:
    """Return the mean of the row losses."""
    return mean(row_losses(scores, labels))


def mean_gradient(scores: Array, labels: Array) -> Any:
    """Return the gradient of the mean."""
    return row_gradients(scores, labels) / max(len(scores), 1)


def sum_loss(scores: Array, labels: Array) -> Any:
    """Return the sum of the row losses."""
    return row_losses(scores, labels).sum()


def row_vjp(scores: Array, labels: Array, upstream: Array) -> Any:
    """Return the gradient of each row times the row's upstream gradient."""
    return row_gradients(scores, labels) * upstream.astype(widened(scores).dtype)[:, None]


def dense_losses(scores: Array, targets: Array) -> Array:
    """Return -sum t log p of each row, where a target of 0 counts for nothing."""
    t = targets.astype(widened(scores).dtype)
    losses: Array = -np.where(t == 0, 0, t * log_softmax(scores)).sum(axis=1)
    return losses


def dense_gradients(scores: Array, targets: Array) -> Array:
    """Return (sum t) p - t of each row."""
    t = targets.astype(widened(scores).dtype)
    rows: Array = t.sum(axis=1, keepdims=True) * softmax(scores) - t
    return rows


def dense_mean_loss(scores: Array, targets: Array) -> Any:
    """Return the mean of the row losses of dense targets."""
    return mean(dense_losses(scores, targets))


def dense_mean_gradient(scores: Array, targets: Array) -> Any:
    """Return its gradient."""
    return dense_gradients(scores, targets) / max(len(scores), 1)


def kept_rows(labels: Array, ignore_index: int) -> tuple[Array, Array]:
    """Return which rows are kept, and labels that are 0 in the others."""
    flat = integers(labels)
    kept = flat != ignore_index
    return kept, np.where(kept, flat, 0)


def smoothed(targets: Array, smoothing: float) -> Array:
    """Return (1 - eps) t + eps / m."""
    eps = targets.dtype.type(smoothing)
    rows: Array = (1 - eps) * targets + eps / targets.dtype.type(targets.shape[1])
    return rows


def smoothed_over_others(targets: Array, smoothing: float) -> Array:
    """Return (1 - eps) t + eps / (m - 1) (1 - t)."""
    eps, others = targets.dtype.type(smoothing), targets.dtype.type(max(targets.shape[1] - 1, 1))
    rows: Array = (1 - eps) * targets + (1 - targets) * (eps / others)
    return rows
