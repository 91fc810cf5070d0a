"""Liger's cross-entropy, a kernel of triton, whose interpreter runs it on the CPU."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TRITON_INTERPRET", "1")

from liger_kernel.transformers.functional import liger_cross_entropy


def cross_entropy(
    logits: Any,
    labels: Any,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    lse_square_scale: float = 0.0,
) -> Any:
    """Return the mean loss of a copy of the logits, since the kernel leaves its gradient where these were.

    Class weights and a soft cap are left out: the interpreter cannot convert the numbers that they bring.
    """
    return liger_cross_entropy(
        logits.clone(),
        labels,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        lse_square_scale=lse_square_scale,
    )
