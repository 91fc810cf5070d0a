"""Apple's cross-entropy fused with a layer, in the form that runs without a GPU; the layer is the identity."""

from __future__ import annotations

from typing import Any

import torch
from cut_cross_entropy import linear_cross_entropy

torch._dynamo.config.recompile_limit = 64  # each dtype and each size of 1 is compiled anew, and eight are the limit


def loss(logits: Any, labels: Any, **options: Any) -> Any:
    """Return the loss of logits that the identity makes of themselves."""
    identity = torch.eye(logits.shape[1], dtype=logits.dtype)
    return linear_cross_entropy(logits, identity, labels, impl="torch_compile", **options)
