"""Bugs: entropies in another unit, of a guarded or an averaged probability, and gradients without their coupling."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import ENTROPY, Array, log_softmax, row_entropies, softmax
from xentcheck.zoo.specimen import bug


@bug("entropy_in_bits", "value", contract=ENTROPY, thread="entropies by log2 beside losses in nats")
def entropy_in_bits(scores: Array) -> Any:
    """Take log2 of the probabilities."""
    logs = log_softmax(scores)
    return -(np.exp(logs) * (logs * logs.dtype.type(1.4426950408889634))).sum(axis=1)


@bug("wrong_sign", "value", "gibbs", contract=ENTROPY, thread="entropy bonuses that are penalties")
def entropy_without_its_minus(scores: Array) -> Any:
    """Return sum p log p."""
    return -row_entropies(scores)


@bug("log_of_softmax", "value", "finite", akin=("zero_times_inf",), contract=ENTROPY, thread="pytorch 40553; trl 7251")
def zero_times_log_of_zero(scores: Array) -> Any:
    """Multiply p by log(p) where p has underflowed, too: 0 times -inf."""
    p = softmax(scores)
    with np.errstate(all="ignore"):
        return -(p * np.log(p)).sum(axis=1)


@bug("eps_added", "value", contract=ENTROPY, thread="-(p * log(p + 1e-8)).sum(-1) in policy gradients")
def entropy_with_eps_in_the_logarithm(scores: Array) -> Any:
    """Take the logarithm of softmax + 1e-6."""
    p = softmax(scores)
    return -(p * np.log(p + p.dtype.type(1e-6))).sum(axis=1)


@bug("clip", "value", contract={**ENTROPY, "dtypes": ["float64"]}, thread="probabilities clamped to [1e-5, 1]")
def logarithm_clamped(scores: Array) -> Any:
    """Clamp the probability before its logarithm."""
    p = softmax(scores)
    return -(p * np.log(np.clip(p, 1e-5, 1.0))).sum(axis=1)


@bug(
    "entropy_of_the_mean",
    "value",
    "reductions",
    "row-independence",
    contract={"output": "entropy"},
    thread="entropy of the batch's average policy",
)
def entropy_of_the_mean(scores: Array) -> Any:
    """Average the probabilities of the rows first, and take the entropy of that."""
    if not len(scores):
        return scores.dtype.type("nan")
    p = softmax(scores).mean(axis=0)
    return -(p * np.log(np.where(p > 0, p, 1))).sum()


@bug("sum_for_mean", "value", "reductions", contract={"output": "entropy"}, thread="bonuses that grow with the batch")
def sum_of_entropies(scores: Array) -> Any:
    """Add the rows up where a mean is promised."""
    return row_entropies(scores).sum()


@bug("entropy_normalised", "value", "uniform", contract=ENTROPY, thread="entropies divided by that of equal classes")
def share_of_the_largest(scores: Array) -> Any:
    """Divide by log m."""
    m = scores.shape[1]
    return row_entropies(scores) / np.log(max(m, 2)).astype(scores.dtype)


@bug(
    "entropy_gradient",
    "gradient",
    "gradient-row-sum",
    role="gradient",
    loss=row_entropies,
    contract=ENTROPY,
    thread="tensorflow 6717 [the gradient of Categorical.entropy was lost on its way]",
)
def gradient_without_entropy(scores: Array) -> Any:
    """Return -p log p, without the term of H."""
    logs = log_softmax(scores)
    return -np.exp(logs) * logs


@bug(
    "entropy_gradient",
    "gradient",
    "gradient-row-sum",
    role="gradient",
    loss=row_entropies,
    contract=ENTROPY,
    thread="hand-written gradients: -(log p + 1) through the softmax's diagonal",
)
def gradient_of_each_class_alone(scores: Array) -> Any:
    """Return -p (log p + 1): nothing couples the classes."""
    logs = log_softmax(scores)
    return -np.exp(logs) * (logs + 1)


@bug(
    "logits_not_shifted",
    "value",
    "shift",
    contract=ENTROPY,
    thread="logsumexp(z) - sum p z: both are as large as the logits",
)
def entropy_from_raw_logits(scores: Array) -> Any:
    """Subtract the mean logit from the log-sum-exp, which cancel where the logits are large."""
    wide = scores.astype(np.float32) if scores.dtype.itemsize == 2 else scores
    top = wide.max(axis=1)
    lse = top + np.log(np.exp(wide - top[:, None]).sum(axis=1))
    return lse - (softmax(scores) * wide).sum(axis=1)
