"""The search of one cell: what is tried, in which order, and when it stops."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import digest
from xentcheck.contract import Contract
from xentcheck.engine.cell_result import FATAL_LIMIT
from xentcheck.engine.plan import PROFILES, Cell, cells, drawn_in_each
from xentcheck.engine.search import CellSearch, Enough
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import choose
from xentcheck.targets.outcome import Outcome, Raised


class Recording:
    """A host that notes what it is asked, and answers as it is told."""

    def __init__(self, outcome=None):
        self.outcome = outcome or Outcome(loss=np.float64(0.0))
        self.asked = []

    def evaluate(self, batch, want=(), upstream=None, **others):
        self.asked.append(digest(batch))
        return self.outcome


def search(host, laws=("answers",), **options):
    """Return the search of the float64 cell of a default contract."""
    return CellSearch(Contract(), Capabilities(), host, choose(laws), Cell("float64", "sparse"), **options)


def drawn(seed):
    """Return the digests of the batches of one search."""
    host = Recording()
    search(host).run("quick", 20, seed, swept=5)
    return host.asked


def test_same_seed_same_batches():
    """The batches of a search depend on nothing but its seed."""
    assert drawn(1) == drawn(1)


def test_sweep_first_then_other_batches_for_another_seed():
    """The sweep comes first whatever the seed; what is drawn depends on it."""
    one, other = drawn(1), drawn(2)
    assert one[:5] == other[:5]
    assert one[5:] != other[5:]


def test_counts():
    """As many batches are judged as were planned."""
    result = search(Recording()).run("quick", 20, 1, swept=5)
    assert result.planned == 25
    assert result.run == 25
    assert result.tallies["answers"].examples == 25


def test_a_broken_law_is_not_asked_again():
    """Once a law is broken in a cell, it is left alone, and told of once."""
    told = []
    host = Recording(Outcome(raised=Raised("ValueError", "no", "loss")))
    result = search(host, on_violation=lambda _, tally: told.append(tally.law.name)).run("quick", 20, 1, swept=5)
    assert result.tallies["answers"].examples == 1
    assert told == ["answers"]
    assert result.run + result.skipped == 25


def test_deaths_end_a_search():
    """A target that dies again and again is not started for ever."""
    result = search(Recording(Outcome(died="killed by signal 9 (SIGKILL)"))).run("quick", 20, 1, swept=30)
    assert result.deaths == FATAL_LIMIT
    assert result.run == FATAL_LIMIT


def test_refused_label_dtypes_are_judged_with_int64():
    """An integer dtype other than int64 may be refused: that is observed, and the same batch judged with int64."""

    class Strict(Recording):
        def evaluate(self, batch, want=(), upstream=None, **others):
            judged.append(batch)
            refused = Outcome(raised=Raised("TypeError", "int64 only", "loss"))
            return self.outcome if batch.labels.dtype == np.int64 else refused

    judged = []
    result = search(Strict()).run("quick", 40, 1, swept=40)
    assert not result.tallies["answers"].falls
    assert result.run == result.planned == result.tallies["answers"].examples
    refused = next(place for place, batch in enumerate(judged) if batch.labels.dtype != np.int64)
    again = judged[refused + 1]
    assert again.labels.dtype == np.int64
    assert np.array_equal(again.labels, judged[refused].labels)
    assert np.array_equal(again.scores, judged[refused].scores, equal_nan=True)
    assert any("are refused" in sentence for sentence in result.observations)


@pytest.mark.parametrize("signal", [Enough, KeyboardInterrupt])
def test_ending_early_keeps_the_result(signal):
    """Whether the engine has had enough or the user has, what was found so far is returned."""

    def stop(result):
        if result.run == 7:
            raise signal

    result = search(Recording(), on_batch=stop).run("quick", 20, 1, swept=5)
    assert (result.run, result.skipped) == (7, 18)
    assert result.interrupted == (signal is KeyboardInterrupt)


def test_cells_in_the_order_of_telling():
    """float64 first, every label form of a dtype together; dtypes that were not promised are refused elsewhere."""
    contract = Contract(labels=("sparse", "onehot"), dtypes=("float16", "float32", "float64"))
    assert [str(cell) for cell in cells(contract)][:3] == ["float64 sparse", "float64 onehot", "float32 sparse"]
    assert [str(cell) for cell in cells(contract, ["float16"])] == ["float16 sparse", "float16 onehot"]


def test_cells_share_the_profile():
    """Many cells get fewer batches each, but never fewer than the least."""
    quick = PROFILES["quick"]
    assert drawn_in_each(quick, 1) == quick.examples
    assert drawn_in_each(quick, 1000) == quick.least


@pytest.mark.parametrize(("keep", "expected"), [(2, [0, 3]), (10, [0, 3, 6])])
def test_every_third_batch_is_kept_for_the_witnesses_from_the_first_on(keep, expected):
    """The first is among them, so that witnesses look at a run of one batch too, and no more than are asked for."""
    host = Recording(Outcome(loss=np.float64(0.0)))
    noted = []

    class Noting(CellSearch):
        def _note(self, case):
            noted.append(case.batch)
            super()._note(case)

    laws = choose(("answers",))
    search = Noting(Contract(), Capabilities(), host, laws, Cell("float64", "sparse"), witnessed=keep)
    kept = search.run("quick", 2, 1, swept=5).witnessed
    assert [noted.index(batch) for batch in kept] == expected


@pytest.mark.parametrize("refused", ["int32", "int64"])
def test_a_refused_label_dtype_is_observed_and_an_exception_on_the_plain_one_is_not(refused):
    """Only where the labels' dtype is another than the plain one may it be the reason."""

    class Refusing(Recording):
        def evaluate(self, batch, want=(), upstream=None, **others):
            raised = Raised("TypeError", "no", "loss") if batch.labels.dtype.name == refused else None
            return Outcome(raised=raised) if raised else Outcome(loss=np.float64(0.0))

    started = search(Refusing(), laws=("value",))
    batch = Batch(np.array([[0.5, 0.0]]), np.array([0], refused))
    started.judge(batch)
    observed = list(started.result.observations)
    told = ["labels of dtype int32 are refused (TypeError)"] if refused == "int32" else []
    assert [said for said in observed if "are refused" in said] == told
    assert any("a valid batch raises TypeError" in said for said in observed) == (refused == "int64")
    assert started.result.answered == (refused == "int32")


@pytest.mark.parametrize("outcome", [Outcome(raised=Raised("ValueError", "no", "loss")), Outcome(died="SIGABRT")])
def test_what_was_not_answered_is_kept_for_no_witness(outcome):
    """Grades and witnesses are about answers."""
    started = search(Recording(outcome), witnessed=5)
    started.judge(Batch(np.array([[0.5, 0.0]]), np.array([0])))
    assert started.result.witnessed == []
    assert started.result.grades == {}
