"""The logarithm of torchmetrics' perplexity, which is a mean cross-entropy."""

from __future__ import annotations

from typing import Any

from torchmetrics.functional.text import perplexity


def log_perplexity(logits: Any, labels: Any, **options: Any) -> Any:
    """Return the mean loss over the rows that are not ignored."""
    return perplexity(logits[None], labels[None], **options).log()
