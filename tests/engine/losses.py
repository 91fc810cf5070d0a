"""Targets in a file, as a user has them: right, wrong, crashing, hanging."""

from __future__ import annotations

import os
import signal

import numpy as np


def loss(logits, labels):
    """A right mean cross-entropy."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(logits)), labels.reshape(-1).astype(int)]
    return losses.mean() if len(losses) else np.nan


def gradient(logits, labels):
    """Its gradient."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), labels.reshape(-1).astype(int)] -= 1
    return p / max(len(p), 1)


def summed(logits, labels):
    """A sum where the default contract says mean."""
    return loss(logits, labels) * len(logits) if len(logits) else 0.0


def crashing(logits, labels):
    """Dies of a segmentation fault on batches of three rows."""
    if len(logits) == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return loss(logits, labels)


def hanging(logits, labels):
    """Never answers on batches of three rows."""
    while len(logits) == 3:
        pass
    return loss(logits, labels)


def one_argument(logits):
    """Has another signature."""
    return logits.sum()


def nothing(logits, labels):
    """Forgets to return."""


def in_float32(logits, labels):
    """Narrows."""
    return np.float32(loss(logits, labels))


def raising(logits, labels):
    """Raises on every batch."""
    raise ValueError("not today")


def importing(logits, labels):
    """Lacks something that it imports when it is called."""
    import no_such_module  # noqa: F401


def text(logits, labels):
    """Returns text."""
    return "0.5"


def complex_loss(logits, labels):
    """Returns a complex number."""
    return complex(loss(logits, labels))


def a_row(logits, labels):
    """Returns another shape."""
    return np.zeros(len(logits) + 1)


def of_bool(logits, labels):
    """Returns a truth value."""
    return np.bool_(True)


CALLS = [0]


def aborting(logits, labels):
    """Aborts in every third call of a process."""
    CALLS[0] += 1
    if CALLS[0] % 3 == 0:
        os.abort()
    return loss(logits, labels)


_spoiled = []


def spoiled_by_bad_labels(logits, labels):
    """Right until a label is out of range; then its memory is spoiled, and every later answer wrong."""
    if labels.size and labels.max() >= logits.shape[1]:
        _spoiled.append(labels)
        return np.float64(0)
    return loss(logits, labels) + len(_spoiled)


def aborting_on_bad_labels(logits, labels):
    """Ends its process at a label out of range, as an index without a check may."""
    if labels.size and labels.max() >= logits.shape[1]:
        os.abort()
    return loss(logits, labels)


def aborting_when_spoiled(logits, labels):
    """Ends its process in the call after a label out of range."""
    if _spoiled:
        os.abort()
    return spoiled_by_bad_labels(logits, labels)
