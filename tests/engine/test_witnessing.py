"""What the witnesses say of themselves."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.engine.witnessing import Witnessing
from xentcheck.truth.problem import pose


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        ({}, ""),
        ({"soft_cap": 5.0}, "of the logits without their soft cap"),
        ({"soft_cap": 5.0, "temperature": 2.0}, "of the logits without their soft cap and temperature"),
    ],
)
def test_logits_without_their_soft_cap_are_said_to_be(keys, note):
    """The witnesses look at the numbers as plain logits; only where something is left out do they say so."""
    with Witnessing(0) as witnessing:
        witnessing.add([pose(Contract(**keys), np.zeros((1, 2)), np.zeros(1, np.int64), "sparse")])
        results = witnessing.results()
    assert {result.note for result in results} == {note}
    assert {result.compared for result in results} == {0}
