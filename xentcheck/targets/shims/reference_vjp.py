"""The reference's gradient, called as a vector-Jacobian product is."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from xentcheck.reference import gradient


def pulled_back(
    logits: NDArray[Any],
    labels: NDArray[Any],
    upstream: NDArray[Any],
    reduction: str = "mean",
    compiled: bool = False,
) -> NDArray[Any]:
    """Return the gradient of the reference's loss times a cotangent of the loss's shape."""
    return gradient(logits, labels, reduction, upstream=upstream, compiled=compiled)
