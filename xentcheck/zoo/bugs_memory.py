"""Bugs: answers and buffers that are kept, and found again by too little of what they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import HALVES, Array, mean_gradient, mean_loss, row_losses
from xentcheck.zoo.specimen import bug


class _Kept:
    """Answers by what they are looked up by."""

    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}


@bug("state_kept", "determinism", thread="numpy: tobytes() tells neither dtype nor shape")
class RemembersBytes(_Kept):
    """Look the answer up by the bytes of scores and labels, which batches of another dtype or shape may share."""

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return what is kept, or the mean loss."""
        return self.kept.setdefault((scores.tobytes(), labels.tobytes()), mean_loss(scores, labels))


@bug("state_kept", "determinism", contract=HALVES, thread="numpy: tobytes() tells no dtype")
class RemembersBytesOfHalves(_Kept):
    """Look the answer up by shape and bytes, which float16 and bfloat16 may share."""

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return what is kept, or the mean loss."""
        key = scores.shape, scores.tobytes(), labels.tobytes()
        return self.kept.setdefault(key, mean_loss(scores, labels))


@bug("state_kept", "determinism", thread="numpy: tobytes() tells neither dtype nor shape")
class RemembersBytesOfGradient(_Kept):
    """Look the gradient up by the bytes of scores and labels, and give it the shape and dtype of the scores."""

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss."""
        return mean_loss(scores, labels)

    def gradient(self, scores: Array, labels: Array) -> Any:
        """Return what is kept where it has as many numbers, else the gradient."""
        g = mean_gradient(scores, labels)
        found = self.kept.setdefault((scores.tobytes(), labels.tobytes()), g)
        return found.astype(g.dtype).reshape(g.shape) if found.size == g.size else g


@bug("state_kept", "determinism", thread="functools.lru_cache over the logits alone")
class RemembersScores(_Kept):
    """Look the answer up by the scores, whatever the labels are."""

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return what is kept, or the mean loss."""
        key = scores.shape, scores.dtype.name, scores.tobytes()
        return self.kept.setdefault(key, mean_loss(scores, labels))


@bug("state_kept", "determinism", "gradient", thread="functools.lru_cache over str(array)")
class RemembersWhatIsPrinted(_Kept):
    """Look the answer up by what numpy prints: eight digits, and of a long array its ends."""

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return what is kept, or the mean loss."""
        return self.kept.setdefault((repr(scores), repr(labels)), mean_loss(scores, labels))


@bug("earlier-result-changed", "purity", contract={"reduction": "none"}, thread="double and triple buffering")
class RingOfBuffers:
    """Write the losses into one of four buffers in turn: the fourth call after it overwrites a result."""

    def __init__(self) -> None:
        self.ring = [np.empty(0)] * 4
        self.calls = 0

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the row losses, in a buffer."""
        losses, place = row_losses(scores, labels), self.calls % 4
        self.calls += 1
        if self.ring[place].shape != losses.shape or self.ring[place].dtype != losses.dtype:
            self.ring[place] = np.empty_like(losses)
        self.ring[place][...] = losses
        return self.ring[place]
