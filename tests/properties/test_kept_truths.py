"""Truths of batches derived from one are kept while they are small; of a large one, its own and the last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties import case as cases
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.targets.outcome import Outcome


class Mute:
    """A host that answers nothing."""

    def evaluate(self, *given: Any, **further: Any) -> Outcome:
        return Outcome()


@pytest.mark.parametrize(("largest", "kept"), [(6, 4), (5, 2)])
def test_how_many_are_kept(monkeypatch: pytest.MonkeyPatch, largest: int, kept: int) -> None:
    monkeypatch.setattr(cases, "LARGEST_SHARED", largest)
    batch = Batch(np.zeros((2, 3)), np.array([0, 1]))
    case = Case(Contract(), Capabilities(True, True, False, False, False), Mute(), batch)
    own = case.answer.truth
    for number in (1.0, 2.0, 3.0):
        last = case.ask(batch.replace(scores=batch.scores + number)).truth
    assert len(case._truths) == kept
    assert case.ask(batch.replace(scores=batch.scores + 3.0)).truth is last
    assert case.ask(batch).truth is own
