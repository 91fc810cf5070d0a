"""Laws under a soft cap: which of them apply, that right code keeps them, and what the one of the cap itself finds."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.option_effects import soft_cap
from xentcheck.properties.registry import LAWS
from xentcheck.targets.outcome import Outcome

WITNESSES = True

FALSE_UNDER_A_CAP = {"shift", "softmax-consistency", "gradient-row-sum", "minus-infinity"}
NO_BOUND_UNDER_A_CAP = {"own-gradient", "second-order"}
OFFERED = Capabilities(gradient=True, hessian_vector=True)


def losses(logits, labels, cap):
    """Return the loss of each row."""
    s = cap * np.tanh(logits / cap)
    d = s - s.max(axis=1, keepdims=True)
    return np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), labels.reshape(-1).astype(np.int64)]


def slopes(logits, labels, cap):
    """Return the gradient of each row's loss."""
    t = np.tanh(logits / cap)
    e = np.exp(cap * t - (cap * t).max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), labels.reshape(-1).astype(np.int64)] -= 1
    return p * (1 - t * t)


def test_laws_that_are_false_under_a_cap_do_not_apply():
    """Each says why; all others apply as they do without a cap."""
    plain, capped = Contract(nonfinite=["-inf"]), Contract(nonfinite=["-inf"], soft_cap=30.0)
    for law in LAWS:
        without, under = law.applies(plain, OFFERED), law.applies(capped, OFFERED)
        if law.name in FALSE_UNDER_A_CAP | NO_BOUND_UNDER_A_CAP:
            assert not without
            assert under
        elif law.name == "soft-cap":
            assert without
            assert not under
        else:
            assert without == under


@pytest.mark.slow
def test_right_code_keeps_every_law():
    """A cap that is an argument, with -inf and inf as the logits -c and c."""
    contract = {"soft_cap": {"argument": "cap"}, "reduction": "none", "nonfinite": ["-inf", "+inf", "nan"]}
    report = xentcheck.check(losses, gradient=slopes, contract={**contract, "dtypes": ["float32"]})
    assert report.findings == ()
    assert report.verdict == "conforms"
    assert all("without their soft cap" in witness.note for witness in report.witnesses)


def without_cap_when_large(logits, labels):
    """Is right until the cap is far below the logits."""
    return losses(logits, labels, 30.0) if np.abs(logits).max(initial=0.0) < 900 else losses(logits, labels, 1e9)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_constant_cap_is_asked_with_logits_of_other_sizes():
    """The law spreads the logits to 32 caps, where the loss must stay bounded."""
    contract = {"soft_cap": 30.0, "reduction": "none", "dtypes": ["float64"]}
    report = xentcheck.check(without_cap_when_large, contract=contract, properties=["soft-cap"], fail_fast=True)
    assert [found.property for found in report.findings] == ["soft-cap"]
    assert "soft cap" in report.findings[0].title


@pytest.mark.parametrize("largest", [1.0, 2.0**70, 2.0**-70, 2.0**127])
def test_caps_are_tried_that_are_normal_numbers_as_their_reciprocals_are(largest):
    """Far from 1, too; but beyond logits of 2^127 there is none in float32."""
    seen = []

    class Host:
        def evaluate(self, batch, *given, **others):
            seen.append(batch.options["soft_cap"])
            return Outcome(loss=np.float32(0.0))

    contract = Contract.from_mapping({"soft_cap": {"argument": "cap"}})
    for number in range(20):
        scores = np.array([[largest, -largest * number / 20]], np.float32)
        batch = Batch(scores, np.array([0]), options={"soft_cap": 30.0})
        list(soft_cap.judge(Case(contract, Capabilities(), Host(), batch)))
    assert set(seen) - {30.0}
    assert all(2.0**-126 <= cap <= 2.0**126 for cap in seen)
