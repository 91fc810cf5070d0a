"""Six mistakes that real losses have had. How long it takes to find each is a benchmark."""

from __future__ import annotations

import numpy as np


def _probabilities(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _chosen(values, labels):
    return values[np.arange(len(values)), labels]


def no_maximum(logits, labels):
    """Overflow: the maximum is not subtracted."""
    return (np.log(np.exp(logits).sum(axis=1)) - _chosen(logits, labels)).mean()


def guarded(logits, labels):
    """A guard inside the logarithm that nobody declared."""
    return -np.log(_chosen(_probabilities(logits), labels) + logits.dtype.type(1e-7)).mean()


def sum_for_mean(logits, labels):
    """The wrong reduction."""
    return -np.log(_chosen(_probabilities(logits), labels)).sum()


def classes_for_rows(logits, labels):
    """A mean over classes instead of rows."""
    return -np.log(_chosen(_probabilities(logits), labels)).sum() / logits.shape[1]


def last_row_lost(logits, labels):
    """An off-by-one: the last row of several does not count."""
    losses = -np.log(_chosen(_probabilities(logits), labels))
    return losses[: max(len(losses) - 1, 1)].mean()


def overwrites(logits, labels):
    """An input that is overwritten."""
    logits -= logits.max(axis=1, keepdims=True)
    return (np.log(np.exp(logits).sum(axis=1)) - _chosen(logits, labels)).mean()


PLANTED = {
    function.__name__: function
    for function in (no_maximum, guarded, sum_for_mean, classes_for_rows, last_row_lost, overwrites)
}
