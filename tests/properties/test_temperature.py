"""Laws under a temperature: right code keeps all of them, second derivatives included, and the law of its own falls."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.option_effects import temperature
from xentcheck.properties.registry import LAWS
from xentcheck.targets.outcome import Outcome
from xentcheck.zoo import right_temperature

WITNESSES = True

OFFERED = Capabilities(gradient=True, hessian_vector=True)


def test_which_laws_apply():
    """All but the differences of the target's own loss, whose bound is one for plain losses."""
    plain, tempered = Contract(), Contract(temperature=2.0)
    for law in LAWS:
        without, under = law.applies(plain, OFFERED), law.applies(tempered, OFFERED)
        if law.name == "own-gradient":
            assert "plain losses" in under
        elif law.name == "temperature":
            assert without
            assert not under
        else:
            assert without == under


@pytest.mark.slow
def test_right_code_keeps_every_law():
    """Loss, gradient and Hessian-vector product at temperatures that are an argument."""
    specimen = right_temperature.temperature_as_written
    report = xentcheck.check(
        specimen.loss,
        gradient=specimen.gradient,
        hessian_vector=specimen.hessian_vector,
        contract={**specimen.contract, "dtypes": ["float32"]},
    )
    assert report.findings == ()
    assert report.verdict == "conforms"
    assert all("without their temperature" in witness.note for witness in report.witnesses)
    held = {law.name for law in report.properties if law.status == "passed"}
    assert {"temperature", "second-order", "gradient", "shift"} <= held


def constant_unless_large(logits, labels):
    """Divide by 3, as is declared, while the logits are below 12."""
    z = logits / logits.dtype.type(3) if np.abs(logits).max(initial=0.0) < 12 else logits
    d = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), labels.reshape(-1).astype(np.int64)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_constant_temperature_is_asked_with_logits_of_other_sizes():
    """The law spreads the logits to 16 temperatures."""
    contract = {"temperature": 3.0, "reduction": "none", "dtypes": ["float64"]}
    report = xentcheck.check(constant_unless_large, contract=contract, properties=["temperature"], fail_fast=True)
    assert [found.property for found in report.findings] == ["temperature"]


def test_logits_that_would_leave_the_format_are_not_asked_for():
    """Up to an eighth of the largest number, with a temperature that is given."""
    asked: list[np.ndarray] = []

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            asked.append(batch.scores.astype(np.float64))
            return Outcome(loss=np.float64(0.0))

    contract = Contract(temperature={"argument": "t"}, dtypes=["float16"])
    for logit in range(3000, 8000, 250):
        batch = Batch(np.array([[logit, 0.0]], np.float16), np.array([0]), options={"temperature": 1.0})
        list(temperature.judge(Case(contract, OFFERED, Host(), batch)))
    assert asked
    assert max(np.abs(scores).max() for scores in asked) < 65504 / 8
