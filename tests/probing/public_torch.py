"""Losses as public code over torch has them: test_public.py had what they do before they were probed."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)


def causal_lm_loss(logits: Any, labels: Any, num_items_in_batch: Any = None, ignore_index: int = -100) -> Any:
    """As fixed_cross_entropy of transformers: a mean over the rows kept, or a sum over what the caller counted."""
    reduction = "sum" if num_items_in_batch is not None else "mean"
    loss = F.cross_entropy(logits, labels, ignore_index=ignore_index, reduction=reduction)
    if reduction == "sum":
        loss = loss / num_items_in_batch
    return loss


def label_smoothed_nll_loss(lprobs: Any, target: Any, epsilon: float, ignore_index: Any = None) -> Any:
    """As of fairseq: log-probabilities, the share goes to the others, a sum."""
    if target.dim() == lprobs.dim() - 1:
        target = target.unsqueeze(-1)
    nll_loss = -lprobs.gather(dim=-1, index=target)
    smooth_loss = -lprobs.sum(dim=-1, keepdim=True)
    if ignore_index is not None:
        pad_mask = target.eq(ignore_index)
        nll_loss.masked_fill_(pad_mask, 0.0)
        smooth_loss.masked_fill_(pad_mask, 0.0)
    nll_loss, smooth_loss = nll_loss.sum(), smooth_loss.sum()
    eps_i = epsilon / (lprobs.size(-1) - 1)
    return (1.0 - epsilon - eps_i) * nll_loss + eps_i * smooth_loss


def weighted_loss(pred: Any, target: Any, weight: Any = None, avg_factor: Any = None) -> Any:
    """As cross_entropy of mmdet with reduction="mean": a weight for each row, and a divisor in place of the count."""
    loss = F.cross_entropy(pred, target, reduction="none")
    if weight is not None:
        loss = loss * weight
    return loss.mean() if avg_factor is None else loss.sum() / avg_factor


def label_smoothing_timm(x: Any, target: Any, smoothing: float = 0.1) -> Any:
    """As LabelSmoothingCrossEntropy of timm."""
    logprobs = F.log_softmax(x, dim=-1)
    nll_loss = -logprobs.gather(dim=-1, index=target.unsqueeze(1)).squeeze(1)
    return ((1.0 - smoothing) * nll_loss + smoothing * -logprobs.mean(dim=-1)).mean()


def soft_target_timm(x: Any, target: Any) -> Any:
    """As SoftTargetCrossEntropy of timm."""
    return torch.sum(-target * F.log_softmax(x, dim=-1), dim=-1).mean()


def one_hot_pixels(probs: Any, target: Any) -> Any:
    """As segmentation code has it for one-hot masks: (n, c, h, w), probabilities, a constant in the logarithm."""
    return -(target * torch.log(probs + 1e-6)).sum(1).mean()


def cross_entropy2d(logits: Any, target: Any) -> Any:
    """As of old segmentation code: (n, c, h, w), the labels of 250 left out, averaged over the pixels kept."""
    _, c, _, _ = logits.size()
    flat = logits.transpose(1, 2).transpose(2, 3).contiguous().view(-1, c)
    return F.cross_entropy(flat, target.view(-1), ignore_index=250, reduction="mean")
