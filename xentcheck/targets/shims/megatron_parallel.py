"""Megatron's cross-entropy of a vocabulary that is split over processes, of which there is one."""

from __future__ import annotations

from typing import Any

import torch
from megatron.core import parallel_state
from megatron.core.tensor_parallel import vocab_parallel_cross_entropy

torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
parallel_state.initialize_model_parallel()


def cross_entropy(logits: Any, labels: Any, label_smoothing: float = 0.0) -> Any:
    """Return the loss of each row, of a copy of the logits, since float32 ones are overwritten."""
    return vocab_parallel_cross_entropy(logits.clone(), labels, label_smoothing)
