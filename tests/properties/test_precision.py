"""Law 25 by itself: of which parts of an answer the dtype is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.values import precision
from xentcheck.targets.outcome import Outcome

BATCH = Batch(np.zeros((2, 3), np.float32), np.array([0, 1]))


@pytest.mark.parametrize("loss", [None, np.zeros(7, np.float32), np.float32(1.0)], ids=["none", "misshapen", "right"])
def test_a_gradient_is_looked_at_whatever_the_loss_is(loss):
    """A loss that is missing, or has another shape, is for other laws."""

    class Host:
        def evaluate(self, batch, *given, **further):
            return Outcome(loss=loss, gradient=np.zeros((2, 3), np.float16))

    found = list(precision.judge(Case(Contract(), Capabilities(gradient=True), Host(), BATCH)))
    assert [(one.part, one.got) for one in found] == [("gradient", "float16")]
