"""What the laws ask about a batch travels together, and is judged as it would be one by one."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.engine.cell_result import FATAL_LIMIT
from xentcheck.engine.plan import Cell
from xentcheck.engine.search import CellSearch, Enough
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import choose
from xentcheck.reference import sparse_loss
from xentcheck.targets.outcome import Outcome

BATCH = Batch(np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.25]]), np.array([0, 1]))


def right(batch):
    """Return the loss, or the refusal, of a right target."""
    if not np.all((batch.labels >= 0) & (batch.labels < batch.m)) or batch.labels.shape != (batch.n,):
        return Outcome(died="refused")
    return Outcome(loss=sparse_loss(batch.scores, batch.labels))


class OneByOne:
    """A host that takes one question at a time; `answer` has the outcome of the k-th."""

    def __init__(self, answer=lambda place, batch: right(batch)):
        self.answer = answer
        self.asked = []

    def evaluate(self, batch, want=(), upstream=None, **others):
        self.asked.append((batch, tuple(want)))
        return self.answer(len(self.asked) - 1, batch)


class Several(OneByOne):
    """A host that takes several at once; `groups` counts those of each message, `given_up` what was not taken."""

    def __init__(self, *answer):
        super().__init__(*answer)
        self.groups = []
        self.given_up = 0

    def evaluate_each(self, questions):
        self.groups.append(len(questions))
        taken = 0
        try:
            for question in questions:
                taken += 1
                yield self.evaluate(question.batch, question.want)
        finally:
            self.given_up += len(questions) - taken


def judged(host, laws=("value", "shift", "class-permutation", "row-independence", "determinism"), **options):
    """Return the search of one batch by some laws."""
    cell = Cell("float64", "sparse")
    search = CellSearch(Contract(), Capabilities(), host, choose(laws), cell, **options)
    search.judge(BATCH)
    return search.result


def told(result):
    """Return what is known of each law."""
    return [
        (tally.law.name, tally.examples, [fall.violation.title for fall in tally.falls])
        for tally in result.tallies.values()
    ]


def test_all_that_the_laws_ask_is_one_message():
    """Shifted, permuted, other rows, a twin and one near it, another batch, the batch again: seven more calls."""
    host = Several()
    judged(host)
    assert host.groups == [7]
    assert host.given_up == 0
    assert len(host.asked) == 8


def test_the_same_is_asked_and_told_as_one_by_one():
    """The same batches in the same order, and the same of each law."""
    several, single = Several(), OneByOne()
    assert told(judged(several)) == told(judged(single))
    assert [one.scores.tolist() for one, _ in several.asked] == [one.scores.tolist() for one, _ in single.asked]


@pytest.mark.parametrize("wrong", [1, 2, 3, 5])
def test_a_wrong_answer_is_blamed_on_the_law_that_asked(wrong):
    """Whichever call it is: what each law says is what it says when the calls are made one by one."""

    def answer(place, batch):
        outcome = right(batch)
        return Outcome(loss=outcome.loss + 1.0) if place == wrong else outcome

    several, single = judged(Several(answer)), judged(OneByOne(answer))
    assert told(several) == told(single)
    assert sum(len(falls) for _, _, falls in told(several)) == 1


def test_what_was_answered_before_the_last_death_is_judged():
    """The search is left at the death that is one too many, and the wrong answer that came before it is a finding."""

    def answer(place, batch):
        outcome = right(batch)
        if place == 1:
            return Outcome(loss=outcome.loss + 1.0)
        return outcome if place == 0 else Outcome(died="exit status 3")

    host = Several(answer)
    cell = Cell("float64", "sparse")
    search = CellSearch(Contract(), Capabilities(), host, choose(["shift", "class-permutation", "determinism"]), cell)
    with pytest.raises(Enough):
        search.judge(BATCH)
    assert search.result.deaths == FATAL_LIMIT
    assert [name for name, _, falls in told(search.result) if falls] == ["shift", "class-permutation", "answers"]
    assert host.given_up == host.groups[0] - 1 - FATAL_LIMIT >= 0


def test_what_nobody_looks_at_is_taken_all_the_same():
    """A law that has found the batch repeated to be wrong looks no further; that no rows end the process is seen."""

    def answer(place, batch):
        return (right(batch), Outcome(loss=np.float64(99.0)), Outcome(died="exit status 3"))[place]

    cell = Cell("float64", "sparse")
    search = CellSearch(Contract(empty_mean="nan"), Capabilities(), Several(answer), choose(["reductions"]), cell)
    search.judge(BATCH)
    assert search.result.deaths == 1
    assert search.result.tallies["reductions"].falls


def test_stopped_at_a_finding_the_rest_is_given_up():
    """No answer of this batch is left for the host to give to the next question."""

    def enough(result, tally):
        raise Enough

    host = Several(lambda place, batch: Outcome(loss=right(batch).loss + (1.0 if place == 1 else 0.0)))
    with pytest.raises(Enough):
        judged(host, ["shift", "class-permutation"], on_violation=enough)
    assert host.groups == [2]
    assert host.given_up == 1
