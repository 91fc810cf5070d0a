"""FairScale's cross-entropy of a vocabulary that is split over processes, of which there is one."""

from __future__ import annotations

from typing import Any

import torch
from fairscale.nn.model_parallel.cross_entropy import vocab_parallel_cross_entropy
from fairscale.nn.model_parallel.initialize import initialize_model_parallel

torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
initialize_model_parallel(1)


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the loss of each row, of a copy of the logits, which are overwritten."""
    return vocab_parallel_cross_entropy(logits.clone(), labels)
