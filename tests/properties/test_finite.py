"""Law 12: what may be nan or infinite on finite scores."""

from __future__ import annotations

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.values import finite
from xentcheck.targets.outcome import Outcome


class AlwaysNan:
    """A host that answers nan."""

    def evaluate(self, batch, want=(), upstream=None, vector=None):
        return Outcome(loss=np.float64("nan"))


def broken(logit, **contract):
    """Return whether nan breaks the law for one row with a logit and its label beside it."""
    keys = Contract.from_mapping(contract)
    options = {"z_loss": 0.0} if keys.arguments else {}
    batch = Batch(np.array([[logit, 0.0]]), np.array([0]), options=options)
    case = Case(keys, Capabilities(), AlwaysNan(), batch)
    return bool(list(finite.judge(case)))


def test_the_square_of_a_z_loss_may_leave_the_range():
    """With a z-loss, drawn as 0 too, nan is no finding where lse^2 is beyond the largest number, and one below it."""
    z_loss = {"argument": "z_loss"}
    assert not broken(1e200, z_loss=z_loss)
    assert broken(1e100, z_loss=z_loss)
    assert broken(1e200)
