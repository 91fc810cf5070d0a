"""paddle's losses, whose losses of rows have an axis more."""

from __future__ import annotations

from typing import Any

from paddle.nn import functional


def cross_entropy(
    scores: Any,
    labels: Any,
    reduction: str = "mean",
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    **options: Any,
) -> Any:
    """Return the loss, shape () or (n,)."""
    options.update(ignore_index=ignore_index, label_smoothing=label_smoothing)
    if weight is not None:
        options["weight"] = weight.astype(scores.dtype)
    value = functional.cross_entropy(scores, labels, reduction=reduction, **options)
    return value.flatten() if reduction == "none" else value


def softmax_with_cross_entropy(scores: Any, labels: Any, **options: Any) -> Any:
    """Return the loss of each row, shape (n,); class indices have an axis more, too."""
    given = labels if labels.ndim == scores.ndim else labels.unsqueeze(-1)
    return functional.softmax_with_cross_entropy(scores, given, **options).flatten()
