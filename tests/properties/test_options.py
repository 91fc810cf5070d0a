"""Laws of options by themselves: which values they ask for."""

from __future__ import annotations

import numpy as np

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
