"""Batches in words, for evidence that a reader can repeat by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.targets import Outcome

_LETTERS = {"logits": "z", "probabilities": "p", "log_probabilities": "log p"}
_IDLE = {"label_smoothing": 0.0, "z_loss": 0.0, "ignore_index": -100, "temperature": 1.0, "divisor": 1.0}
_MESSAGE = 100
_OPTIONS = {"class_weights": "w", "row_weights": "v"}


def shown(batch: Batch) -> str:
    """Return scores, labels and options of a small batch as a line of text."""
    parts = [f"scores {_numbers(batch.scores)}", f"labels {_numbers(batch.labels)}"]
    for key, value in batch.options.items():
        if not idle(key, value):
            parts.append(f"{_OPTIONS.get(key, key)} {_numbers(value)}")
    return ", ".join(parts)


def shown_scores(batch: Batch) -> str:
    """Return the scores of a small batch as a line of text, where nothing else is given."""
    return f"scores {_numbers(batch.scores)}"


def said(outcome: Outcome, part: str = "") -> str:
    """Return what came of a call in words: a part of it, or the loss where there is one."""
    if outcome.died:
        return f"its process ended ({outcome.died})"
    if outcome.raised is not None:
        if outcome.raised.call == "convert":
            return outcome.raised.message
        return f"{outcome.raised.kind}: {_shortened(outcome.raised.message)}".removesuffix(": ")
    value = getattr(outcome, part) if part else outcome.loss if outcome.loss is not None else outcome.gradient
    return "nothing" if value is None else _numbers(value)


def _shortened(message: str) -> str:
    """Return the beginning of what an exception says, on one line, without half a word and the full stop."""
    line = " ".join(message.split())
    return line.rstrip(".") if len(line) <= _MESSAGE else f"{line[:_MESSAGE].rpartition(' ')[0] or line[:_MESSAGE]} ..."


def _numbers(values: Any) -> str:
    array = np.asarray(values)
    if array.size == 0:
        return f"of shape {array.shape}"
    if array.dtype.kind == "b":
        return str(array.astype(int).tolist())
    if array.dtype.kind in "iu":
        return str(array.tolist())
    with np.errstate(all="ignore"):
        return _brackets(array.astype(np.float64).tolist())


def _brackets(values: Any) -> str:
    return f"[{', '.join(map(_brackets, values))}]" if isinstance(values, list) else f"{values:.6g}"


def idle(key: str, value: Any) -> bool:
    """Return whether an option's value is the one with which it does nothing."""
    if key in ("class_weights", "row_weights"):
        return bool(np.all(np.asarray(value).astype(np.float64) == 1))
    if key == "soft_cap":
        return bool(value >= 2.0**10)
    return bool(_IDLE[key] == value)
