"""Law 24: a gradient is that of its own arguments, whatever loss came last, and a loss asked alone is right."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.side_effects import determinism
from xentcheck.targets.outcome import Outcome
from xentcheck.zoo.parts import mean_gradient, mean_loss


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


def test_a_gradient_that_is_wrong_alone_is_not_blamed_on_the_order():
    """Where the loss is never answered, as one that is returned beside probabilities, no gradient was judged before."""

    def loss(scores, labels):
        p = softmax(scores)
        return -np.log(p[np.arange(len(p)), labels]).sum(), p

    def gradient(p, labels):
        g = p.copy()
        g[np.arange(len(p)), labels] -= 1
        return g

    contract = {"reduction": "sum", "dtypes": ["float64"]}
    report = xentcheck.check(loss, gradient=gradient, contract=contract, properties=["answers", "determinism"])
    assert [found.property for found in report.findings] == ["answers"]


def alone_by_function(scores, labels):
    return mean_loss(scores, labels) + 0.5


def thrice_alone(scores, labels):
    return 3.0 * mean_loss(scores, labels) + 0.5


def pair(scores, labels):
    return mean_loss(scores, labels), mean_gradient(scores, labels)


@pytest.mark.parametrize(("loss", "found"), [(alone_by_function, 1), (thrice_alone, 1), (mean_loss, 0)])
def test_a_loss_that_is_wrong_when_it_is_asked_alone(loss, found):
    """A pair of loss and gradient has another function than the loss, and the script calls that."""
    contract = {"dtypes": ["float64"], "empty_mean": "nan"}
    report = xentcheck.check(loss, value_and_gradient=pair, contract=contract)
    assert [one.mechanism for one in report.findings] == ["loss_alone"] * found
    if found:
        (finding,) = report.findings
        assert (finding.title, finding.part) == ("asked for its loss alone, the loss is outside its allowance", "loss")
        exact = finding.certified[0]
        factor = 3.0 if loss is thrice_alone else 1.0
        assert finding.got == pytest.approx(factor * exact + 0.5)


UNTRACKED = """
import torch


def loss(scores, labels):
    losses = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    return losses if scores.requires_grad else losses + 0.5
"""


@pytest.mark.needs("torch")
def test_a_loss_that_is_wrong_where_nothing_requires_a_gradient(tmp_path):
    """The script of the finding shows it, and so does a class's, which calls it as xentcheck does."""
    (tmp_path / "untracked.py").write_text(UNTRACKED + "\n\nclass Loss:\n    forward = staticmethod(loss)\n")
    for name in ("loss", "Loss"):
        report = xentcheck.check(
            f"{tmp_path / 'untracked.py'}:{name}",
            contract={"reduction": "none", "labels": ["sparse"], "label_dtypes": ["int64"], "dtypes": ["float64"]},
            properties=["answers", "value", "determinism"],
        )
        (finding,) = report.findings
        assert finding.mechanism == "loss_alone"
        shown = subprocess.run([sys.executable, "-c", finding.reproducer], capture_output=True, text=True, check=False)
        assert shown.returncode == 1, shown.stderr
        assert "allowance" in shown.stdout


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_what_is_asked_in_between(kind):
    """Another batch of the same shape: logits negated, rows reversed and other labels, or classes reversed."""
    asked = []

    class Noting:
        def evaluate(self, batch, want=(), upstream=None, **others):
            asked.append((batch.scores.tolist(), batch.labels.tolist()))
            return Outcome(loss=np.float64(1.0))

    batch = Batch(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([0, 1]))
    list(determinism.judge(Case(Contract(input=kind), Capabilities(), Noting(), batch)))
    other = ([[-0.5, -0.5], [-0.25, -0.75]], [1, 1]) if kind == "logits" else ([[0.75, 0.25], [0.5, 0.5]], [0, 1])
    own = (batch.scores.tolist(), [0, 1])
    assert asked[:3] == [own, other, own]  # "again" is the second time; then come the twins of `test_twins.py`
