"""The logarithm of torcheval's perplexity, which is a mean cross-entropy; a metric, of which no gradient is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torcheval.metrics.functional.text import perplexity


def log_perplexity(logits: Any, labels: Any, ignore_index: int | None = None) -> Any:
    """Return the mean loss over the rows that are not ignored."""
    scores, classes = torch.from_numpy(np.array(logits)), torch.from_numpy(np.array(labels))
    return perplexity(scores[None], classes[None], ignore_index=ignore_index).log().numpy()
