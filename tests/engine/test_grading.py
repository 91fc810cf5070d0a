"""How accurate an answer is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.engine.grading import grade_answer
from xentcheck.properties.answer import Answer, Truth
from xentcheck.targets.outcome import Outcome


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(("returned", "ulps"), [(1.0, 0.0), (1.0 + 2.0**-50, 4.0)])
def test_errors_of_huge_losses_are_counted_in_their_own_ulp(reduction, returned, ulps):
    """A mean beyond 2**996 has no enclosure in double-double arithmetic: python-flint tells how far off it is."""
    gap = 2.0**1020
    contract, batch = Contract(reduction=reduction), Batch(np.array([[gap, 0.0]]), np.array([1]), "sparse")
    loss = np.array([gap * returned]) if reduction == "none" else np.array(gap * returned)
    answer = Answer(contract, batch, Outcome(loss=loss), Truth(contract, batch, None, False))
    assert grade_answer(answer, "loss").grade.max_ulp == pytest.approx(ulps, abs=1e-10)
