"""Right: the entropy of each row of scores, as a bonus of reinforcement learning, with its own gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import ENTROPY, Array, log_softmax, mean, one_by_one, row_entropies, shifted, softmax, widened
from xentcheck.zoo.specimen import right


def _gradient(scores: Array) -> Any:
    d, p = shifted(scores), softmax(scores)
    return p * ((p * d).sum(axis=1, keepdims=True) - d)


def _with_absent_classes(scores: Array) -> tuple[Array, Array]:
    with np.errstate(all="ignore"):
        logs = log_softmax(scores)
    return np.exp(logs), np.where(np.isneginf(logs), 0, logs)


def _gradient_with_absent_classes(scores: Array) -> Any:
    p, logs = _with_absent_classes(scores)
    return -p * (logs - (p * logs).sum(axis=1, keepdims=True))


def _vjp(scores: Array, upstream: Array) -> Any:
    return _gradient(scores) * upstream.astype(widened(scores).dtype)[:, None]


@right(
    contract={**ENTROPY, "nonfinite": ["-inf"]},
    gradient=_gradient_with_absent_classes,
    thread="pytorch 40553, trl 7251: masked actions add nothing",
)
def entropy_of_masked_actions(scores: Array) -> Any:
    """Multiply p by log p, which stands for 0 where the class is absent."""
    p, logs = _with_absent_classes(scores)
    return -(p * logs).sum(axis=1)


@right(contract={"output": "entropy"}, gradient=lambda scores: _gradient(scores) / max(len(scores), 1))
def mean_entropy(scores: Array) -> Any:
    """Return the mean over the rows; nan of none."""
    return mean(row_entropies(scores))


@right(contract={"output": "entropy", "reduction": "sum"}, gradient=_gradient)
def every_product_in_one_sum(scores: Array) -> Any:
    """Add p log p to one number, class after class and row after row, as a loop in C does: many roundings one way."""
    return -one_by_one(np.exp(log_softmax(scores)) * log_softmax(scores))


@right(contract=ENTROPY, gradient=_gradient, vjp=_vjp, thread="log S + sum p (max z - z)")
def log_sum_and_mean_distance(scores: Array) -> Any:
    """Add the mean distance to the maximum to log S: no term is below 0, so that nothing cancels."""
    d = shifted(scores)
    e = np.exp(d)
    total = e.sum(axis=1)
    return np.log(total) - (e * d).sum(axis=1) / total


@right(contract={**ENTROPY, "accuracy": "B+"}, gradient=_gradient)
def relative_entropy_of_confident_rows(scores: Array) -> Any:
    """Take log1p of the sum without its maximum, so that a small entropy keeps its digits."""
    d = shifted(scores)
    e = np.exp(d)
    others = e.copy()
    others[np.arange(len(e)), d.argmax(axis=1)] = 0
    rest = others.sum(axis=1)
    return np.log1p(rest) + (e * -d).sum(axis=1) / (1 + rest)


@right(contract={**ENTROPY, "accuracy": "C"}, thread="openai baselines: logsumexp - sum p z")
def entropy_by_logsumexp(scores: Array) -> Any:
    """Subtract the mean logit from the log-sum-exp, which costs digits where all logits are large."""
    wide = widened(scores)
    top = wide.max(axis=1)
    lse = top + np.log(np.exp(wide - top[:, None]).sum(axis=1))
    return lse - (softmax(scores) * wide).sum(axis=1)


@right(contract={**ENTROPY, "input": "probabilities"}, thread="scipy.special.entr")
def entropy_of_probabilities(scores: Array) -> Any:
    """Add up -p log p of what is given, 0 where p is 0."""
    p = widened(scores)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)


@right(contract={"output": "entropy", "reduction": "sum", "axis": 0}, gradient=lambda scores: _gradient(scores.T).T)
def sum_of_entropies_by_column(scores: Array) -> Any:
    """Add the entropies of columns up."""
    return row_entropies(scores.T).sum()
