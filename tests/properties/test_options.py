"""Laws of options by themselves: which values they ask for."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.option_effects import smoothing
from xentcheck.targets.outcome import Outcome


def test_smoothings_of_none_and_of_all_are_among_those_tried():
    """A batch chooses one of four, always the same; many batches choose each."""
    asked = []

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            asked.append(batch.options["label_smoothing"])
            return Outcome(loss=np.float64(0.0))

    contract = Contract.from_mapping({"label_smoothing": {"argument": "smoothing"}})
    for number in range(40):
        batch = Batch(np.array([[float(number), 0.0]]), np.array([0]), options={"label_smoothing": 0.3})
        list(smoothing.judge(Case(contract, Capabilities(), Host(), batch)))
    assert set(asked) - {0.3} == {0.0, 1.0, 0.5, 0.1}


@pytest.mark.parametrize(("over", "m", "tried"), [("others", 1, False), ("others", 2, True), ("all", 1, True)])
def test_a_single_class_has_no_others_to_be_smoothed_over(over, m, tried):
    """eps/(m - 1) is no number there; over all classes a single one has a loss of 0 whatever the smoothing is."""
    asked = []

    class Host:
        def evaluate(self, batch, *given, **others):
            asked.append(batch)
            return Outcome(loss=np.float64(0.0))

    contract = Contract.from_mapping({"label_smoothing": {"argument": "smoothing"}, "smoothing_over": over})
    batch = Batch(np.zeros((1, m)), np.array([0]), options={"label_smoothing": 0.3})
    list(smoothing.judge(Case(contract, Capabilities(), Host(), batch)))
    assert bool(asked) == tried
