"""No law is held that nothing was held against, and no death is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.engine.cell_result import FATAL_LIMIT, CellResult
from xentcheck.engine.plan import Cell
from xentcheck.engine.run import _require_environment, check_target
from xentcheck.engine.search import CellSearch
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import choose
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.targets.outcome import Outcome, Raised

LOSSES = Path(__file__).with_name("losses.py")
FEW = ["answers", "value", "shift", "layout", "purity", "determinism", "precision"]


def judged(name, **options):
    """Return the report on a function of losses.py in float64."""
    return check_target(TargetSpecification(loss=f"{LOSSES}:{name}"), dtypes=["float64"], **options)


@pytest.mark.slow
@pytest.mark.parametrize("fail_fast", [False, True])
def test_a_target_without_one_answer_is_not_judged(fail_fast):
    """Every call raises: no law is held, the verdict is that nothing was judged, and the message is told."""
    report = judged("raising", fail_fast=fail_fast, properties=FEW)
    assert report.verdict == "nothing-judged"
    assert not [result.name for result in report.properties if result.status == "passed"]
    assert {result.why for result in report.properties if result.status == "skipped"} == {"no usable answer"}
    assert "every call raises, the first ValueError: not today" in report.observations[0]
    assert not report.conforms


@pytest.mark.slow
def test_a_target_that_cannot_import_is_unusable():
    """Its environment is at fault: the message says so, and there is no report."""
    with pytest.raises(TargetError, match="does not run here: every call raises ModuleNotFoundError"):
        judged("importing")


@pytest.mark.parametrize(("where", "place"), [("", ""), ("mine.py, line 7", " (mine.py, line 7)")])
def test_where_an_import_failed_is_said(where, place):
    raised = Raised("ImportError", "no libcuda", "loss", where)
    results = [CellResult(Cell("float64", "sparse"), raised=raised)]
    with pytest.raises(TargetError) as told:
        _require_environment("mine.py:loss", results)
    assert str(told.value) == f"mine.py:loss does not run here: every call raises ImportError: no libcuda{place}."
    _require_environment("mine.py:loss", [*results, CellResult(Cell("float32", "sparse"), answered=1)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["text", "complex_loss", "a_row", "of_bool", "nothing"])
def test_malformed_answers_hold_no_law(name):
    """What is no real number of the right shape is a finding, and nothing is held on it."""
    report = judged(name, properties=FEW)
    assert report.verdict == "violates"
    held = {result.name for result in report.properties if result.status == "passed"}
    assert held <= {"answers"}  # the call did return


@pytest.mark.slow
def test_a_death_in_a_call_of_a_law_is_a_finding():
    """Every third call aborts, which no batch shows by itself: law 0 is broken although it was not asked for."""
    report = judged("aborting", properties=["value", "determinism"])
    assert report.verdict == "violates"
    found = next(one for one in report.findings if one.property == "answers")
    assert "SIGABRT" in found.title
    assert found.batch["scores"]["values"] is not None
    assert any("and was started again" in sentence for sentence in report.observations)
    assert any("left after the target's process had ended" in sentence for sentence in report.observations)


class DyingWhenAskedAgain:
    """A host that answers each batch of the search and dies on all that laws derive from it."""

    def __init__(self):
        self.calls = 0

    def evaluate(self, batch, want=(), upstream=None, **others):
        self.calls += 1
        return Outcome(died="no answer within 1 s") if self.calls % 2 == 0 else Outcome(loss=np.float64(0.0))


def test_a_death_after_the_search_is_counted_and_no_finding():
    """As while a finding is reduced."""
    host = DyingWhenAskedAgain()
    search = CellSearch(Contract(), Capabilities(), host, choose(["value"]), Cell("float64", "sparse"))
    result = search.run("quick", 0, 1, swept=1)
    host.calls, deaths = 1, result.deaths
    falls = {name: len(tally.falls) for name, tally in result.tallies.items()}
    batch = next(iter(search.sweep("quick")))
    assert search.case(batch).answer.outcome.died
    assert result.deaths == deaths + 1
    assert {name: len(tally.falls) for name, tally in result.tallies.items()} == falls


def test_deaths_of_derived_batches_count_toward_the_limit():
    """A target that hangs in a law's own calls is left as soon as one that hangs on the batches."""
    host = DyingWhenAskedAgain()
    cell = Cell("float64", "sparse")
    search = CellSearch(Contract(), Capabilities(), host, choose(["determinism"]), cell)
    result = search.run("quick", 5, 1, swept=60)
    assert result.deaths == FATAL_LIMIT
    assert host.calls <= 3 * FATAL_LIMIT
    assert result.tallies["answers"].falls[0].violation.got == "no answer within 1 s"
    assert result.skipped == result.planned - result.run > 0
