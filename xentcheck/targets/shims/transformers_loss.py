"""Losses of transformers, of labels that are shifted already."""

from __future__ import annotations

from typing import Any

from transformers.loss.loss_utils import ForCausalLMLoss
from transformers.trainer_pt_utils import LabelSmoother


def causal(logits: Any, labels: Any, num_items_in_batch: Any = None, ignore_index: int = -100) -> Any:
    """Return the sum over the labels that are not ignored, divided by the number of items."""
    return ForCausalLMLoss(
        logits,
        None,
        logits.shape[-1],
        num_items_in_batch=num_items_in_batch,
        ignore_index=ignore_index,
        shift_labels=labels,
    )


def smoothed(logits: Any, labels: Any, epsilon: float = 0.1, ignore_index: int = -100) -> Any:
    """Return the mean over the labels that are not ignored, as the Trainer's label smoother has it."""
    return LabelSmoother(epsilon, ignore_index)((logits,), labels)
