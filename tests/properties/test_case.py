"""What a case counts while laws ask a target."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.targets.outcome import Outcome, Raised


def test_deaths_are_counted_and_told_of_one_by_one():
    """Of all calls, the batch's own and those of laws, as many as the process died in."""
    told = []
    ends = iter(["", "no answer within 1 s", "", "no answer within 1 s"])

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            died = next(ends)
            return Outcome(died=died) if died else Outcome(loss=np.float64(0.5))

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    case = Case(Contract(), Capabilities(), Host(), batch, on_death=told.append)
    counts = [(case.ask(batch), case.deaths)[1] for _ in range(4)]
    assert counts == [0, 1, 1, 2]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("outcome", "usable"),
    [
        (Outcome(loss=np.float64(0.5)), True),
        (Outcome(loss=np.zeros(7)), False),
        (Outcome(raised=Raised("ValueError", "no", "loss")), False),
        (Outcome(died="SIGABRT"), False),
    ],
)
def test_only_numbers_of_the_right_shape_can_be_used(outcome, usable):
    """What a law that looks at a call alone may count as an example."""

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            return outcome

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    assert Case(Contract(), Capabilities(), Host(), batch).usable is usable


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("wrong", [False, True])
def test_the_number_of_a_mean_is_judged_whatever_axes_of_1_it_has(shape, wrong):
    """That it has any is law 22's alone."""

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            return Outcome(loss=np.full(shape, np.log(2.0) * (1.5 if wrong else 1.0)))

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    answer = Case(Contract(), Capabilities(), Host(), batch).answer
    assert bool(answer.malformed("loss")) is (shape != ())
    assert (answer.violation("loss") is not None) is wrong


@pytest.mark.parametrize("lost", ["loss", "gradient"])
def test_an_answer_without_a_part_that_came_before_is_judged(lost):
    """A part may be missing the second time only: nothing is compared with it, and the judge goes on."""
    parts = {"loss": np.float64(np.log(2.0)), "gradient": np.array([[-0.5, 0.5]])}
    answers = iter([Outcome(**parts), Outcome(**{**parts, lost: None})])

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            return next(answers)

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    case = Case(Contract(), Capabilities(gradient=True), Host(), batch)
    assert case.answer.violation("loss") is None
    assert [found.part for found in case.judge(case.ask(batch), "again") if found.part != lost] == []
