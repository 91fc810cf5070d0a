"""kornia's focal loss, which with gamma = 0 is the cross-entropy, spread over the classes."""

from __future__ import annotations

from typing import Any

from kornia.losses import focal_loss


def focal(logits: Any, labels: Any) -> Any:
    """Return the loss of each row."""
    return focal_loss(logits, labels, alpha=None, gamma=0.0, reduction="none").sum(1)
