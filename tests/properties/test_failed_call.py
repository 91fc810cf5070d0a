"""Law 0 by itself: what is said of an exception."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.values import answers
from xentcheck.targets.outcome import Outcome, Raised


@pytest.mark.parametrize("length", [10, 1500])
def test_a_long_message_is_whole_but_in_the_title(length):
    """A title is one line of a report; the whole is told once, as what came back."""

    class Host:
        def evaluate(self, batch, *given, **others):
            return Outcome(raised=Raised("ValueError", "m" * length, "loss"))

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    (violation,) = answers.judge(Case(Contract(), Capabilities(), Host(), batch))
    assert violation.got == f"ValueError: {'m' * length}"
    assert violation.title.count("m") < 500
    assert ("m" * length in violation.title) == (length < 400)
