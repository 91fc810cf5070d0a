"""Bad input about which a contract says nothing: seen in a process of its own, and blamed on no valid batch."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis import SecondHost
from xentcheck.engine.beside import Beside
from xentcheck.engine.cell_result import CellResult, Fall, Tally
from xentcheck.engine.memory import Memory
from xentcheck.engine.plan import Cell
from xentcheck.engine.run import check_target
from xentcheck.engine.search import CellSearch
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.properties.left_open import LeftOpen, seen
from xentcheck.properties.registry import choose
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.targets.outcome import Outcome

LOSSES = Path(__file__).with_name("losses.py")
VALID = Batch(np.zeros((2, 3)), np.array([0, 1]))
OPEN = [
    LeftOpen("label_out_of_range", VALID.replace(labels=np.array([0, 3])), "a label of 3"),
    LeftOpen("nan", VALID.replace(scores=np.full((2, 3), np.nan)), "nan"),
]
LAWS = ["answers", "value", "bad-input", "determinism"]


def judged(name, **changes):
    """Return the report on a function of losses.py in a worker."""
    specification = TargetSpecification(loss=f"{LOSSES}:{name}", changes=changes)
    return check_target(specification, properties=LAWS, dtypes=["float64"])


def what_is_seen(name, left_open=OPEN):
    """Return what is seen of a function of losses.py."""
    with open_host(TargetSpecification(loss=f"{LOSSES}:{name}")) as host:
        return seen(left_open, host), host


@pytest.mark.slow
def test_what_bad_input_spoils_is_blamed_on_no_law():
    """The target is right on every valid batch, and what it makes of the others is said."""
    report = judged("spoiled_by_bad_labels")
    assert report.verdict == "conforms"
    assert any(line.startswith("a label equal to the number of classes: not declared") for line in report.observations)


@pytest.mark.slow
def test_what_bad_input_kills_is_judged_to_the_end():
    """A death on bad input that is not declared is seen; no batch is left out for it, and no finding made of it."""
    report = judged("aborting_on_bad_labels")
    assert report.verdict == "conforms"
    assert report.counts.skipped == 0
    said = (
        "a label equal to the number of classes: not declared; ends the target's process: killed by signal 6 (SIGABRT)"
    )
    assert said in report.observations
    assert not any("was started again" in line for line in report.observations)


@pytest.mark.slow
def test_a_target_has_to_work_after_a_refusal_that_it_promises():
    """Declared bad input is tried among valid batches, so that what it spoils is found."""
    report = judged("spoiled_by_bad_labels", invalid=["label_out_of_range"])
    assert {"bad-input", "value"} <= {found.property for found in report.findings}


@pytest.mark.slow
def test_a_callable_is_spoiled_after_all_else():
    """Where there is no process of its own bad input comes last."""
    spoiled = []

    def loss(z, y):
        if y.size and y.max() >= z.shape[1]:
            spoiled.append(y)
            return np.float64(0)
        d = z - z.max(axis=1, keepdims=True)
        rows = np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(z)), y.reshape(-1).astype(int)]
        return rows.sum() + len(spoiled)

    with np.errstate(all="ignore"):
        contract = {"reduction": "sum", "dtypes": ["float64", "float32"]}
        report = xentcheck.check(loss, contract=contract, properties=LAWS)
    assert report.verdict == "conforms"
    assert spoiled


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "aborting_on_bad_labels",
            "a label of 3: not declared; ends the target's process: killed by signal 6 (SIGABRT)",
        ),
        # The second is innocent: alone, in a new process, it is answered.
        (
            "aborting_when_spoiled",
            "nan: not declared; ends the target's process: killed by signal 6 (SIGABRT), after others",
        ),
    ],
)
def test_who_ended_the_process(name, told):
    """What ends it is tried again in a new one, and each kind but once."""
    found, host = what_is_seen(name, [*OPEN, OPEN[0]] if name == "aborting_on_bad_labels" else OPEN)
    assert found[told] == 1
    assert sum(found.values()) == 2
    assert host.restarts == 1 + (name == "aborting_on_bad_labels")


def test_three_deaths_are_enough():
    """Of a target that dies of everything no more than three kinds are tried."""
    kinds = [LeftOpen(str(kind), OPEN[0].batch, f"kind {kind}") for kind in range(5)]
    found, host = what_is_seen("aborting_on_bad_labels", kinds)
    assert len(found) == 4
    assert any("no more bad input was tried" in line for line in found)
    assert host.restarts == 6


class Opened:
    """An order that counts the hosts opened, which answer 1; the first `failing` ones cannot be opened."""

    def __init__(self, failing: int = 0) -> None:
        self.opened = self.closed = 0
        self.failing = failing
        self.hurried = False

    def host(self) -> Any:
        self.opened += 1
        if self.opened <= self.failing:
            raise OSError("no more processes")
        return self

    def evaluate(self, batch: Batch, want: tuple[str, ...]) -> Outcome:
        return Outcome(loss=np.float64(1.0))

    def hurry(self) -> None:
        self.hurried = True

    def close(self) -> None:
        self.closed += 1


def broken() -> CellResult:
    """Return what came of a cell in which a law has fallen and there is bad input to try."""
    (law,) = choose(["value"])
    left = CellResult(Cell("float64", "sparse"), answered=1)
    left.left_open += OPEN
    left.tallies["value"] = Tally(law, falls=[Fall(law, Violation("is wrong", VALID, "loss", got=2.0), VALID)])
    return left


def test_where_no_law_is_broken_the_process_is_asked_that_there_is() -> None:
    """No other one imports the target then; and what takes much longer than valid batches took is not waited for."""
    order, first, left = Opened(), Opened(), CellResult(Cell("float64", "sparse"), answered=1)
    left.left_open += OPEN
    with closing(SecondHost(cast("Any", order).host)) as second:
        beside = Beside(cast("Any", first), second, Memory())
        beside.begin([left])
        beside.observe([left])
    assert order.opened == 0
    assert first.hurried
    assert set(left.observations) == {f"{one.what}: not declared; the target returns a finite number" for one in OPEN}


@pytest.mark.parametrize(("failing", "opened"), [(0, 1), (1, 2)])
def test_the_process_for_it_is_started_early_and_once(failing: int, opened: int) -> None:
    """Before it is asked, so that it imports meanwhile; one that could not be started is tried again."""
    order, empty, left = Opened(failing), CellResult(Cell("float64", "sparse")), broken()
    with closing(SecondHost(cast("Any", order).host)) as second:
        beside = Beside(cast("Any", None), second, Memory())
        beside.begin([empty])
        assert order.opened == 0
        beside.begin([empty, left])
        assert order.opened == 1
        beside.observe([empty, left])
    assert order.opened == opened
    assert order.closed == 1
    assert not empty.observations
    assert set(left.observations) == {f"{one.what}: not declared; the target returns a finite number" for one in OPEN}


def test_a_process_that_cannot_be_started_costs_nothing_else() -> None:
    order, left = Opened(failing=2), broken()
    with closing(SecondHost(cast("Any", order).host)) as second:
        beside = Beside(cast("Any", None), second, Memory())
        beside.begin([left])
        beside.observe([left])
    assert list(left.observations) == [
        "bad input that is not declared could not be tried: OSError('no more processes')"
    ]


def test_a_target_without_one_answer_is_asked_nothing_more() -> None:
    """What it makes of bad input says nothing, and each call may cost the whole time limit."""
    order, left = Opened(), CellResult(Cell("float64", "sparse"), deaths=3)
    left.left_open += OPEN
    with closing(SecondHost(cast("Any", order).host)) as second:
        beside = Beside(cast("Any", None), second, Memory())
        beside.begin([left])
        beside.observe([left])
    assert (order.opened, left.observations) == (0, Counter())


@pytest.mark.parametrize(("how", "hurried"), [("no answer within 120 s", True), ("SIGSEGV", False), ("", False)])
def test_only_a_target_that_has_hung_is_not_waited_for_long(how: str, hurried: bool) -> None:
    """One that has crashed may have to compile before it answers."""
    (law,) = choose(["answers"])
    order, left = Opened(), CellResult(Cell("float64", "sparse"), deaths=bool(how), answered=1)
    left.left_open += OPEN
    left.tallies["answers"] = Tally(law)
    if how:
        violation = Violation(f"the process running the target ended: {how}", OPEN[0].batch, got=how)
        left.tallies["answers"].falls.append(Fall(law, violation, OPEN[0].batch))
    with closing(SecondHost(cast("Any", order).host)) as second:
        Beside(cast("Any", Opened()), second, Memory()).observe([left])
    assert order.hurried == hurried


def test_what_cannot_be_started_early_is_not_tried_for_each_batch() -> None:
    order, left = Opened(failing=9), broken()
    with closing(SecondHost(cast("Any", order).host)) as second:
        beside = Beside(cast("Any", None), second, Memory())
        for _ in range(5):
            beside.begin([left])
    assert order.opened == 1


class Written(Memory):
    """Notes what would outlive the process."""

    def write(self, unit: str, record: Any) -> None:
        self.noted[unit] = record


def test_what_has_been_seen_is_written_and_not_asked_again() -> None:
    """As where a run goes on: no process is started for it, and the same is said."""
    memory = Written()
    said = []
    for place in range(2):
        order, left = Opened(), broken()
        with closing(SecondHost(cast("Any", order).host)) as second:
            beside = Beside(cast("Any", None), second, memory)
            beside.begin([left])
            beside.observe([left])
        said.append(left.observations)
        assert order.opened == (place == 0)
    assert said[0] == said[1] != Counter()
    assert memory.noted == memory.records
    assert len(memory.noted) == 1


def test_where_shapes_are_compiled_all_is_of_one():
    """With plain numbers and labels, since what is bad about it does not depend on these."""
    contract = Contract(label_smoothing={"argument": "eps"}, ignore_index={"argument": "ignored"})
    search = CellSearch(contract, Capabilities(expensive_shapes=True), None, (), Cell("float64", "sparse"))
    options = {"label_smoothing": 0.5, "ignore_index": 7}
    for shape in ((2, 3), (3, 5), (4, 8)):
        bad = Batch(np.zeros(shape), np.full(shape[0], 9, np.uint8), "sparse", options)
        search._leave_open(LeftOpen("label_out_of_range", bad, "a label of 9"))
        search._leave_open(LeftOpen("label_fractional", bad.replace(labels=np.full(shape[0], 0.5)), "a label of 0.5"))
    found = {one.kind: one.batch for one in search.result.left_open}
    assert len(search.result.left_open) == 2
    assert {batch.scores.shape for batch in found.values()} == {(3, 5)}
    assert all(batch.options == {"label_smoothing": 0.0, "ignore_index": 7} for batch in found.values())
    assert (found["label_out_of_range"].labels == np.full(3, 9, np.int64)).all()
    assert found["label_out_of_range"].labels.dtype == np.int64
    assert (found["label_fractional"].labels == 0.5).all()
