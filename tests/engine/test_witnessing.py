"""What the witnesses say of themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.engine.run import check_target
from xentcheck.engine.witnessing import DIFFERENCED, SMALL, Witnessing, _hold
from xentcheck.targets import TargetSpecification
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import pose
from xentcheck.witnesses.report import WitnessTally

LOSSES = Path(__file__).with_name("losses.py")
WITNESSES = True


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


class Absent:
    """A jax that does not answer."""

    def answer(self, questions):
        raise OSError("absent")

    def close(self):
        """End nothing."""


def test_which_batches_are_differenced(monkeypatch):
    """Every second one, the first 24 of them, where it is small; scipy says something of all but the largest."""
    monkeypatch.setattr("xentcheck.engine.witnessing.JaxProcess", Absent)
    plain = Contract()

    def posed(m):
        return pose(plain, np.zeros((1, m)), np.zeros(1, np.int64), "sparse")

    with Witnessing(100) as witnessing:
        witnessing.add([posed(SMALL), posed(2), posed(SMALL + 1), posed(2**16), posed(2**16 + 1)])
        witnessing.add([posed(2) for _ in range(2 * DIFFERENCED)])
        jax, scipy, stepped, complex_ = witnessing.results()
    assert "did not answer" in jax.note
    assert stepped.compared == complex_.compared == DIFFERENCED - 1
    assert stepped.agreed == complex_.agreed == DIFFERENCED - 1
    assert scipy.compared == scipy.agreed == 4 + 2**16 + 2 * SMALL + 1 + 2 + 3 * 2 * DIFFERENCED


@pytest.mark.parametrize(
    ("largest", "compared"), [(2.0**20, 1), (-(2.0**20), 1), (2.0**21, 0), (-np.inf, 0), (np.nan, 0), (np.inf, 0)]
)
def test_neither_large_logits_nor_what_is_no_number_is_differenced(monkeypatch, largest, compared):
    """From 2^20 on little is left of a step in float64, and nothing at all beside an infinity."""
    monkeypatch.setattr("xentcheck.engine.witnessing.JaxProcess", Absent)
    with Witnessing(100) as witnessing:
        witnessing.add([pose(Contract(), np.array([[largest, 0.0]]), np.array([1]), "sparse")])
        _, _, stepped, complex_ = witnessing.results()
    assert (stepped.compared, complex_.compared) == (compared, compared)
    assert (stepped.agreed, complex_.agreed) == (compared, compared)


@pytest.mark.parametrize(("value", "compared", "agreed"), [(0.5, 1, 1), (0.75, 1, 0), (np.nan, 0, 0)])
def test_where_a_witness_has_no_number_nothing_is_said(value, compared, agreed):
    """The gradient by the first of two equal logits is 1/2."""
    problem = pose(Contract(reduction="none"), np.zeros((1, 2)), np.array([1]), "sparse")
    enclosed, allowed = enclose(problem), conformance(problem, conditions(problem))
    tally = WitnessTally("of numbers given")
    values = (np.full(1, np.nan), np.array([[value, np.nan]]))
    _hold(tally, values, (enclosed.loss, enclosed.gradient), allowed, 0)
    assert (tally.compared, tally.agreed) == (compared, agreed)


@pytest.mark.slow
def test_witnesses_report_in_every_run():
    """jax, scipy and differences are held against the enclosures, agree, and say how often and how far."""
    specification = TargetSpecification(loss=f"{LOSSES}:loss", gradient=f"{LOSSES}:gradient")
    report = check_target(specification, dtypes=["float64"], properties=["answers", "value"])
    assert {witness.name for witness in report.witnesses} == {
        "jax autodiff",
        "scipy log_softmax",
        "finite differences",
        "complex step",
    }
    for witness in report.witnesses:
        assert witness.compared == witness.agreed > 10
        assert witness.worst < 1
