"""Law 24: a gradient is that of its own arguments, whatever loss was asked for last."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Kept:
    """A loss of probabilities or logits whose backward pass is of the last forward pass, if `stale`."""

    def __init__(self, stale, logits):
        self.stale, self.logits, self.last = stale, logits, None

    def loss(self, scores, labels):
        self.last = scores
        p = softmax(scores) if self.logits else scores
        with np.errstate(divide="ignore"):
            return -np.log(p[np.arange(len(p)), labels]).sum()

    def gradient(self, scores, labels):
        used = self.last if self.stale and np.shape(self.last) == scores.shape else scores
        p = (softmax(used) if self.logits else used).astype(scores.dtype)
        p[np.arange(len(p)), labels] -= 1
        return p


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("stale", [True, False])
def test_gradient_after_the_loss_of_another_batch(kind, stale):
    """One that uses the last forward pass is right as long as its own loss was the last, and is found."""
    kept = Kept(stale, kind == "logits")
    contract = {"input": kind, "reduction": "sum", "dtypes": ["float64"], "domain": {"magnitude": 50.0}}
    report = xentcheck.check(kept.loss, gradient=kept.gradient, contract=contract, properties=["determinism"])
    assert [found.property for found in report.findings] == ["determinism"] * stale
    if stale:
        assert "after the loss of another batch" in report.findings[0].title
