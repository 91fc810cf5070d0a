"""What a case counts while laws ask a target."""

from __future__ import annotations

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.targets.outcome import Outcome


def test_deaths_are_counted_and_told_of_one_by_one():
    """Of all calls, the batch's own and those of laws, as many as the process died in."""
    told = []
    ends = iter(["", "no answer within 1 s", "", "no answer within 1 s"])

    class Host:
        def evaluate(self, batch, want=(), upstream=None):
            died = next(ends)
            return Outcome(died=died) if died else Outcome(loss=np.float64(0.5))

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    case = Case(Contract(), Capabilities(), Host(), batch, on_death=told.append)
    counts = [(case.ask(batch), case.deaths)[1] for _ in range(4)]
    assert counts == [0, 1, 1, 2]
    assert len(told) == 2
