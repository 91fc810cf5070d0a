"""Where each new shape is compiled, a run has a second process by itself, and reports what one alone reports."""

from __future__ import annotations

import multiprocessing
import operator
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xentcheck.engine import run, units, working
from xentcheck.engine.plan import Cell
from xentcheck.engine.progress import Silent
from xentcheck.engine.run import check_target
from xentcheck.engine.spread import Spread
from xentcheck.targets import TargetError, TargetSpecification

LOSSES = Path(__file__).with_name("losses.py")
SUMMED = TargetSpecification(loss=f"{LOSSES}:summed")
SMALL: dict[str, Any] = {"properties": ["value", "answers"], "dtypes": ["float64", "float32"]}


@pytest.fixture(autouse=True)
def compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each new shape measured to cost something, on two processors."""
    monkeypatch.setattr("xentcheck.engine.run_plan.seconds_of_new_shapes", lambda *given, **named: [0.5] * 3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)


@pytest.fixture
def judged_here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the numbers of the shards that this process judges."""
    numbers: list[int] = []
    judge_shard = units.judge_shard

    def noting(order: Any, number: int, *given: Any) -> Any:
        numbers.append(number)
        return judge_shard(order, number, *given)

    monkeypatch.setattr(working, "judge_shard", noting)
    return numbers


def without_times(stated: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what differs from run to run."""
    stated.pop("seconds")
    for result in stated["properties"]:
        result.pop("seconds")
    return stated


def test_two_processes_report_what_one_reports(judged_here: list[int]) -> None:
    """Both judge some of the shards; one is asked for with `jobs`."""
    alone = without_times(check_target(SUMMED, **SMALL, jobs=1).as_mapping())
    every = list(judged_here)
    judged_here.clear()
    assert without_times(check_target(SUMMED, **SMALL).as_mapping()) == alone
    assert 0 < len(judged_here) < len(every)
    assert alone["verdict"] == "violates"


@pytest.mark.parametrize("shapes", ["few", "measured"])
def test_the_second_process_is_begun_at_once_where_few_shapes_are_declared(
    shapes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is measured, and used; with one process alone it is not begun."""
    seen: list[list[int]] = []
    plan = run.planned

    def planned(*given: Any) -> Any:
        seen.append([child.pid for child in multiprocessing.active_children()])
        return plan(*given)

    monkeypatch.setattr(run, "planned", planned)
    before = len(multiprocessing.active_children())
    target = TargetSpecification(loss=f"{LOSSES}:summed", changes={"shapes": shapes})
    told = [without_times(check_target(target, **SMALL, jobs=jobs).as_mapping()) for jobs in (None, 1)]
    assert told[0] == told[1]
    assert [len(one) - before for one in seen] == [int(shapes == "few"), 0]


def test_the_second_process_asks_its_first_batch_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the last cell, which it searches first, so that what that compiles is there."""
    submitted: list[tuple[Any, ...]] = []
    asked: list[Any] = []

    class Pool:
        def submit(self, function: Any, *given: Any) -> None:
            submitted.append((function, *given))

        def shutdown(self, **how: Any) -> None:
            pass

    monkeypatch.setattr(run, "Begun", lambda jobs: SimpleNamespace(executor=Pool(), kill=list))
    monkeypatch.setattr(run, "planned", None)  # by then it is submitted
    target = TargetSpecification(loss=f"{LOSSES}:summed", changes={"shapes": "few"})
    with pytest.raises(TypeError):
        check_target(target, **SMALL)
    ((function, cell, *opening),) = submitted
    assert (function, cell) == (units.open_alone, Cell("float32", "sparse"))
    monkeypatch.setattr(units, "first_outcome", lambda host, cell: asked.append((host.description.location, cell)))
    function(cell, *opening)
    assert asked == [(target.loss, cell)]


def test_a_second_process_that_is_not_wanted_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the target turns out not to be callable while the other one imports it."""
    children: list[Any] = []

    def refusing(*given: Any) -> Any:
        children.extend(multiprocessing.active_children())
        raise TargetError("It cannot be called.")

    before = multiprocessing.active_children()
    monkeypatch.setattr(run, "planned", refusing)
    with pytest.raises(TargetError, match="cannot be called"):
        check_target(TargetSpecification(loss=f"{LOSSES}:summed", changes={"shapes": "few"}), **SMALL)
    ended = [child for child in children if child not in before]
    assert ended
    for child in ended:
        child.join()
        assert child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("why", ["one processor", "one cell", "fail fast", "a callable"])
def test_there_is_one_process_where_a_second_is_no_use(
    why: str, judged_here: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where a target exists in this process only."""
    given, target = dict(SMALL), SUMMED
    if why == "one processor":
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    elif why == "one cell":
        given["dtypes"] = ["float64"]
    elif why == "fail fast":
        given["fail_fast"] = True
    else:
        target = TargetSpecification(loss=lambda z, y: 0.0)
    monkeypatch.setattr(working.Working, "spread", None)
    check_target(target, **given)
    assert judged_here


def test_ctrl_c_keeps_what_was_found_here() -> None:
    """In a shard that is not done, too."""

    class Impatient(Silent):
        def advance(self, cell_name: str, done: int) -> None:
            if done == 20:
                raise KeyboardInterrupt

    report = check_target(SUMMED, **SMALL, progress=Impatient())
    assert report.interrupted
    assert ("value", "float64") in {(found.property, found.dtype) for found in report.findings}
    assert report.counts.run >= 20


def test_what_is_begun_is_not_taken_back() -> None:
    """What is not is left to who takes it, once; nothing waits in the queue of a pool that has none."""
    spread = Spread(None, 1, queued=0)
    for number in range(4):
        spread.add(f"{number}", operator.mul, number, 10)
    assert not spread.take_back("0")
    assert spread.take_back("2")
    assert not spread.take_back("2")
    assert [spread.result(name) for name in "013"] == [0, 10, 30]
    spread.close()
