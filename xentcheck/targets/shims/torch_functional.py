"""Losses of torch that are called with more than scores and labels."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


def linear(
    logits: Any, labels: Any, weight: Any = None, label_smoothing: float = 0.0, ignore_index: int = -100, **options: Any
) -> Any:
    """Return ``linear_cross_entropy`` with the identity as its layer."""
    identity = torch.eye(logits.shape[1], dtype=logits.dtype)
    options.update(weight=weight, label_smoothing=label_smoothing, ignore_index=ignore_index)
    return functional.linear_cross_entropy(logits, identity, labels, **options)
