"""PyTorch Geometric's cross-entropy of sparse labels, each row with one label."""

from __future__ import annotations

from typing import Any

import torch
from torch_geometric.utils.cross_entropy import sparse_cross_entropy


def cross_entropy(logits: Any, labels: Any, edge_label_weight: Any = None) -> Any:
    """Return the mean, of labels as pairs of a row and a class."""
    pairs = torch.stack([torch.arange(len(labels)), labels])
    return sparse_cross_entropy(logits, pairs, edge_label_weight)
