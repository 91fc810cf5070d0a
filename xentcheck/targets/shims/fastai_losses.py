"""fastai's losses, which flatten what they are given; classes are in the last axis."""

from __future__ import annotations

from typing import Any

from fastai.losses import CrossEntropyLossFlat, LabelSmoothingCrossEntropyFlat


def cross_entropy(
    logits: Any, labels: Any, reduction: str = "mean", weight: Any = None, ignore_index: int = -100
) -> Any:
    """Return the loss."""
    return CrossEntropyLossFlat(reduction=reduction, weight=weight, ignore_index=ignore_index)(logits, labels)


def smoothed(logits: Any, labels: Any, reduction: str = "mean", eps: float = 0.1) -> Any:
    """Return that with smoothed labels."""
    return LabelSmoothingCrossEntropyFlat(eps=eps, reduction=reduction)(logits, labels)
