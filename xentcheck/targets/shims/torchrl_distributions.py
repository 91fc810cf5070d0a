"""TorchRL's distributions of actions, given by their logits."""

from __future__ import annotations

from typing import Any

import torch
from torchrl.modules import MaskedCategorical, OneHotCategorical


def onehot(logits: Any, labels: Any) -> Any:
    """Return the log-probability of each action, given one-hot."""
    return OneHotCategorical(logits=logits).log_prob(labels)


def masked(logits: Any, labels: Any) -> Any:
    """Return that of class indices, where no action is masked."""
    return MaskedCategorical(logits=logits, mask=torch.ones_like(logits, dtype=torch.bool)).log_prob(labels)
