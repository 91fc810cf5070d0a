"""Law 12: what may be nan or infinite on finite scores."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.values import finite
from xentcheck.targets.outcome import Outcome


class AlwaysNan:
    """A host that answers nan."""

    def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
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
    assert not broken(8e153, z_loss=z_loss)
    assert broken(5e153, z_loss=z_loss)  # more than a third of the root of the largest number, less than half
    assert not broken(5e153, z_loss=z_loss, temperature=2.0)  # a fourth is left where a quotient may be squared
    assert broken(1e200)


@pytest.mark.parametrize("form", ["sparse", "soft"])
def test_a_given_probability_that_counts_may_be_flushed(form):
    """The logarithm of a subnormal probability may be infinite, but for one that does not count or has a constant."""

    class Infinite:
        def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
            return Outcome(loss=np.float64(np.inf))

    def found(p, at=0, **contract):
        labels = np.array([at]) if form == "sparse" else np.array([[1.0 - at, float(at)]])
        keys = Contract.from_mapping({"input": "probabilities", "labels": [form], **contract})
        batch = Batch(np.array([[p, 1.0]]), labels, label_form=form)
        return bool(list(finite.judge(Case(keys, Capabilities(), Infinite(), batch))))

    assert not found(5e-324)
    assert not found(2.2e-308)
    assert found(2.3e-308)
    assert found(5e-324, at=1)
    assert found(5e-324, at=0, boundary={"add": 1e-300})
    assert found(5e-324, at=1) != found(5e-324, at=1, label_smoothing=0.1)


def test_a_sum_of_exponentials_that_is_rounded_to_float16_may_leave_the_range():
    """65,520 equal logits: a finding where the sum is one of float32, and none where it is promised in float16."""
    batch = Batch(np.zeros((1, 65_520), np.float16), np.array([0]))
    for compute, found in (({}, True), ({"compute": "same"}, False), ({"compute": "float16"}, False)):
        contract = Contract.from_mapping({"dtypes": ["float16"], **compute})
        assert bool(list(finite.judge(Case(contract, Capabilities(), AlwaysNan(), batch)))) == found


@pytest.mark.parametrize(
    ("reduction", "loss", "part"),
    [("mean", np.float64("nan"), "loss"), ("none", np.array([0.5, np.inf, np.nan]), "loss[1]")],
)
def test_the_first_element_that_is_not_finite_is_named(reduction, loss, part):
    """What was returned and what is certified are those of the element."""

    class Given:
        def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
            return Outcome(loss=loss)

    batch = Batch(np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 0.0]]), np.zeros(3, np.int64))
    (found,) = finite.judge(Case(Contract(reduction=reduction), Capabilities(), Given(), batch))
    assert found.part == part
    assert np.array_equal(found.got, loss if reduction == "mean" else np.inf, equal_nan=True)
    if reduction == "none":
        assert found.certified[0] <= np.log1p(np.exp(-3.0)) * (1 + 1e-15)
        assert found.certified[1] >= np.log1p(np.exp(-3.0)) * (1 - 1e-15)


@pytest.mark.parametrize(("share", "found"), [(0.9, True), (0.975, True), (0.99, False)])
@pytest.mark.parametrize("rows", [1, 2])
def test_how_near_to_the_largest_number_a_loss_may_be_lost(rows, share, found):
    """As many rows share the range, and of a share one part in 64 is left, since sums may overflow on their way."""

    class Given:
        def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
            return Outcome(loss=np.full(rows, np.nan))

    largest = float(np.finfo(np.float64).max)
    top = share * largest / 2.0 / 2.0  # a quarter of the range is as far as scores may go
    batch = Batch(np.tile([top, -top], (rows, 1)), np.ones(rows, np.int64))
    case = Case(Contract(reduction="none"), Capabilities(), Given(), batch)
    assert bool(list(finite.judge(case))) == (found or rows == 1)
