"""A pair of loss and gradient is judged as the pair that it is, whatever else is wrong with the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.engine.order import capabilities_of
from xentcheck.properties.case import Case
from xentcheck.properties.derivative import own_gradient
from xentcheck.report.report import Report
from xentcheck.targets import TargetSpecification, open_host


def _loss(z: Any, y: Any) -> Any:
    d = z - z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), y])


def _gradient(z: Any, y: Any) -> Any:
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), y] -= 1.0
    return p / len(p)


def _judged(times: float, of_the_gradient: float) -> Report:
    return check(
        lambda z, y: times * _loss(z, y),
        lambda z, y: of_the_gradient * _gradient(z, y),
        properties=["own-gradient"],
        dtypes=["float64"],
        contract={"domain": {"rows": [1, 2], "classes": [2, 3]}},
    )


@pytest.mark.parametrize("times", [255.0, 3e5])
def test_a_wrong_loss_with_its_own_gradient_is_a_pair(times: float) -> None:
    """What is too large has rounding errors that are too large as well: no difference of it shows another gradient."""
    report = _judged(times, times)
    assert report.verdict == "conforms"
    assert report.properties[0].examples > 0


def test_a_wrong_loss_with_another_gradient_is_none() -> None:
    """The bound that grows with the loss still tells the two apart."""
    assert _judged(255.0, 254.999).verdict == "violates"


def test_digits_lost_to_an_offset_are_the_loss_s_own_mistake() -> None:
    """As in dezero: logsumexp(z) - z_y breaks the law of values where all logits are large; its gradient is right."""

    def loss(z: Any, y: Any) -> Any:
        highest = z.max(axis=1)
        summed = highest + np.log(np.exp(z - highest[:, None]).sum(axis=1))
        return np.mean(summed - z[np.arange(len(z)), y])

    report = check(loss, _gradient, properties=["value", "own-gradient"], dtypes=["float64"])
    assert [finding.property for finding in report.findings] == ["value"]
    assert all(finding.also == () for finding in report.findings)


@pytest.mark.parametrize(("weights", "held"), [([1.0, 1.0], True), ([0.5, 0.25], False), ([2.0, 1.0], False)])
def test_weights_of_the_contract_are_left_to_other_laws(weights: list[float], held: bool) -> None:
    """The bound is one for plain losses: where constant weights make it another, nothing is held."""
    contract = Contract(class_weights=weights)
    batch = Batch(np.array([[500.0, 501.0], [0.25, 0.0]]), np.array([0, 1]))
    with open_host(TargetSpecification(loss=_loss, gradient=_gradient, contract=contract)) as host:
        case = Case(contract, capabilities_of(host), host, batch)
        assert list(own_gradient.judge(case)) == []
    assert bool(case.looks) is held
