"""An exception of arithmetic is a legitimate answer where the batch's own sum leaves the format, and only there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.failed_call import failed_call, sum_overflows
from xentcheck.properties.law import Capabilities
from xentcheck.targets.outcome import Outcome, Raised


class Summing:
    """A host that adds the losses by math.fsum, and raises what that raises."""

    def evaluate(self, batch, want=(), upstream=None, **others):
        z = batch.scores.astype(np.float64)
        losses = z.max(axis=1) - z[np.arange(batch.n), batch.labels]
        try:
            return Outcome(loss=np.float64(math.fsum(losses) / batch.n))
        except OverflowError as error:
            return Outcome(raised=Raised("OverflowError", str(error), "loss"))


def wide(n, top):
    """Return n rows whose loss is `top` to the last place."""
    return Batch(np.tile([0.0, top], (n, 1)), np.zeros(n, np.int64))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_exact_sum_beyond_the_format_may_raise(reduction):
    """Seven rows of 4e307: their mean is a number of float64, and their sum is not."""
    answer = Case(Contract(reduction=reduction), Capabilities(), Summing(), wide(7, 4e307)).answer
    assert answer.outcome.raised.kind == "OverflowError"
    assert failed_call(answer) is None


@pytest.mark.parametrize("kind", ["OverflowError", "FloatingPointError"])
@pytest.mark.parametrize(
    ("batch", "reduction"), [(wide(4, 4e307), "mean"), (wide(7, 4e307), "none"), (wide(2, 800.0), "mean")]
)
def test_elsewhere_it_is_a_finding(kind, batch, reduction):
    """Four rows of 4e307 have a sum in float64, and a row of its own needs none; exp(800) is not the batch's own."""

    class Raising:
        def evaluate(self, batch, want=(), upstream=None, **others):
            return Outcome(raised=Raised(kind, "too large", "loss"))

    answer = Case(Contract(reduction=reduction), Capabilities(), Raising(), batch).answer
    assert kind in failed_call(answer).title


@pytest.mark.parametrize(("where", "place"), [("", ""), ("mine.py, line 7", " (mine.py, line 7)")])
def test_another_exception_is_a_finding_whatever_the_sum(where, place):
    """A ValueError has nothing to do with the range; where it was raised is said if it is known."""

    class Raising:
        def evaluate(self, batch, want=(), upstream=None, **others):
            return Outcome(raised=Raised("ValueError", "no", "loss", where))

    found = failed_call(Case(Contract(), Capabilities(), Raising(), wide(7, 4e307)).answer)
    assert found.title == f"the target raised from its loss: ValueError: no{place}"
    assert found.event == f"raised ValueError{place}"


@pytest.mark.parametrize("scores", [np.zeros((0, 2)), np.array([[np.inf, 0.0]]), np.array([[np.nan, 0.0]])])
def test_no_rows_and_infinities_are_no_excuse(scores):
    """Nothing finite was summed there, so nothing overflowed."""

    class Raising:
        def evaluate(self, batch, want=(), upstream=None, **others):
            return Outcome(raised=Raised("OverflowError", "too large", "loss"))

    batch = Batch(scores, np.zeros(len(scores), np.int64))
    assert not sum_overflows(Case(Contract(), Capabilities(), Raising(), batch).answer)
