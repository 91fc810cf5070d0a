"""Values that run on from call to call: which rule the answers follow, on one batch and on the next."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.diagnosis.running import ADDED_UP, AVERAGE, AVERAGE_OF_ALL, follows, rule_of
from xentcheck.zoo.parts import mean_gradient, mean_loss

RIGHT, ALLOWED = np.array(0.75), np.array(1e-15)
COUNT = np.arange(8)
ANSWERS = {
    "average": 0.75 + 3 * 0.9**COUNT,
    "average of all": (50 + 0.75 * COUNT) / (20 + COUNT),
    "added up": 2 + 0.75 * (COUNT + 1),
    "chance": 0.75 + np.array([1, -2, 3, 1, 5, -4, 2, 1]) / 10,
    "steady": np.full(8, 0.75),
    "few": 0.75 + 3 * 0.9 ** np.arange(4),
}


@pytest.mark.parametrize(
    ("name", "cause", "after"),
    [
        ("average", AVERAGE, 0.9 * (0.75 + 3 * 0.9**7) + 0.1 * 2),
        ("average of all", AVERAGE_OF_ALL, (50 + 0.75 * 7 + 2) / 28),
        ("added up", ADDED_UP, 8 + 2),
        ("chance", None, None),
        ("steady", None, None),
        ("few", None, None),
    ],
)
def test_rules(name, cause, after):
    """The rule of the answers to one batch foretells that to another one, and no other answer."""
    rule = rule_of(ANSWERS[name], RIGHT, ALLOWED)
    assert (None if rule is None else rule[0]) == cause
    if rule is not None:
        last = ANSWERS[name][-1]
        assert follows(rule, last, np.array(after), np.array(2.0), ALLOWED)
        assert not follows(rule, last, np.array(after + 1e-3), np.array(2.0), ALLOWED)


class Average:
    """A running average of the losses of all calls."""

    def __init__(self, share):
        self.share, self.last = share, None

    def loss(self, scores, labels):
        own = float(mean_loss(scores, labels)) if np.abs(scores).max(initial=0) < 100 else 0.0
        self.last = own if self.last is None else (1 - self.share) * self.last + self.share * own
        return self.last


class WearsOff:
    """A smoothing that is halved with each call: on one batch as a running average."""

    def __init__(self):
        self.share = 1.0

    def loss(self, scores, labels):
        self.share /= 2
        return (1 - self.share) * float(mean_loss(scores, labels)) + self.share * float(np.abs(scores).mean())


class Adds:
    """A gradient that is added to that of the calls before, in one shape."""

    def __init__(self):
        self.sums = {}

    def loss(self, scores, labels):
        return mean_loss(scores, labels)

    def gradient(self, scores, labels):
        g = mean_gradient(scores, labels)
        self.sums[g.shape, g.dtype] = self.sums.get((g.shape, g.dtype), 0) + g
        return self.sums[g.shape, g.dtype].copy()


CONTRACT = {
    "reduction": "mean",
    "dtypes": ["float64"],
    "domain": {"magnitude": 50.0, "rows": [1, 8], "classes": [2, 9]},
}


def causes(target, **more):
    report = xentcheck.check(target.loss, contract=CONTRACT, properties=["value", "gradient", "determinism"], **more)
    return {found.cause for found in report.findings}


def test_a_running_average_is_told():
    """It is told by its own rule, and not as chance."""
    assert AVERAGE.sentence in causes(Average(0.25))


def test_what_wears_off_is_no_running_average():
    """On the next batch it does not go on as one."""
    assert AVERAGE.sentence not in causes(WearsOff())


def test_gradients_that_add_up_are_told():
    """As torch's do, where nobody sets them to 0."""
    adds = Adds()
    assert ADDED_UP.sentence in causes(adds, gradient=adds.gradient)
