"""The loss of causal language models in transformers, of labels that are shifted already."""

from __future__ import annotations

from typing import Any

from transformers.loss.loss_utils import ForCausalLMLoss


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
