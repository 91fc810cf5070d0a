"""Units on an executor, of which processes are lost: nothing is passed over in silence."""

from __future__ import annotations

import operator
import os
import signal
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from xentcheck.engine.memory import Memory
from xentcheck.engine.spread import LOSSES, LostError, Spread
from xentcheck.engine.working import Working
from xentcheck.targets import TargetError


def test_each_unit_is_done_and_told_once() -> None:
    """In whatever order they are asked for."""
    told: list[str] = []
    spread = Spread(None, 2, lambda unit, result: told.append(unit))
    for number in range(6):
        spread.add(f"{number}", operator.mul, number, 10)
    assert [spread.result(f"{number}") for number in (5, 0, 3, 1, 2, 4)] == [50, 0, 30, 10, 20, 40]
    spread.close()
    assert sorted(told) == list("012345")


def test_a_unit_that_ends_its_process_is_given_up_and_no_other() -> None:
    """However often the pool breaks, each of the others is done."""
    spread = Spread(None, 2)
    spread.add("0", operator.mul, 0, 10)
    spread.add("deadly", os._exit, 3)
    for number in range(1, 5):
        spread.add(f"{number}", operator.mul, number, 10)
    assert [spread.result(f"{number}") for number in range(5)] == [0, 10, 20, 30, 40]
    with pytest.raises(LostError, match="BrokenProcessPool"):
        spread.result("deadly")
    spread.close()


class Losing(Executor):
    """Loses what it is given a number of times, as a cluster does whose workers are killed."""

    def __init__(self, times: int, error: type[Exception] = RuntimeError) -> None:
        self.times, self.error = times, error
        self.asked: Counter[Any] = Counter()

    def submit(self, function: Any, /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.asked[given] += 1
        if self.asked[given] <= self.times:
            future.set_exception(self.error("worker killed"))
        else:
            future.set_result(function(*given))
        return future


def test_what_a_cluster_has_lost_is_done_again() -> None:
    """Once by the cluster, then on this machine."""
    once, always = Losing(1), Losing(10)
    for executor in (once, always):
        spread = Spread(executor, 1)
        spread.add("0", operator.mul, 3, 4)
        assert spread.result("0") == 12
        spread.close()
    assert once.asked[3, 4] == 2
    assert always.asked[3, 4] == LOSSES - 1


class Breaking(Executor):
    """Breaks as a whole, as a pool does of which one process is killed, and says so of the last unit alone."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, function: Any, /, *given: Any, **named: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def test_what_was_under_way_when_a_pool_broke_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others, too, of which it says nothing; what came of one that was done just before counts."""
    monkeypatch.setattr("xentcheck.engine.spread.process_pool", ThreadPoolExecutor)
    told: list[tuple[str, Any]] = []
    executor = Breaking()
    spread = Spread(executor, 1, lambda unit, result: told.append((unit, result)))
    for number in range(3):
        spread.add(f"{number}", operator.mul, number, 10)
    executor.futures[2].set_exception(BrokenExecutor("a process was killed"))
    executor.futures[1].set_result(-1)
    asking = Thread(target=lambda: [spread.result(f"{number}") for number in range(3)], daemon=True)
    asking.start()
    asking.join(20.0)
    assert sorted(told) == [("0", 0), ("1", -1), ("2", 20)]
    spread.close()


def test_a_target_that_cannot_be_used_elsewhere_is_said_at_once() -> None:
    """It is no loss: doing it again would not help."""
    spread = Spread(Losing(1, TargetError), 1)
    spread.add("0", operator.mul, 3, 4)
    with pytest.raises(TargetError, match="worker killed"):
        spread.result("0")
    spread.close()


def test_somebody_elses_executor_is_not_shut_down() -> None:
    """It goes on working for them; what nobody waits for is not begun."""
    with ThreadPoolExecutor(1) as pool:
        spread = Spread(pool, 1)
        spread.add("0/0", operator.mul, 3, 4)
        assert spread.result("0/0") == 12
        spread.close()
        assert pool.submit(operator.mul, 2, 2).result() == 4


def test_a_process_that_is_killed_from_outside_is_replaced() -> None:
    """As by the operating system when memory is short."""
    spread = Spread(None, 1)
    spread.add("pid", os.getpid)
    os.kill(spread.result("pid"), signal.SIGKILL)
    spread.add("0", operator.mul, 3, 4)
    assert spread.result("0") == 12
    spread.close()


UNDER_WAY = """
import pathlib, time
pathlib.Path(begun).touch()
time.sleep(15)
pathlib.Path(done).touch()
"""


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_is_under_way_is_not_waited_for_after_ctrl_c(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor after an error of ours: the processes are killed; and after Ctrl-C there is a report."""
    begun, done = tmp_path / "begun", tmp_path / "done"

    def search(spread: Spread, results: Any) -> None:
        spread.add("0", exec, UNDER_WAY, {"begun": str(begun), "done": str(done)})
        while not begun.exists():
            time.sleep(0.01)
        raise error

    working = Working([], None, Memory(), None)  # type: ignore[arg-type]
    monkeypatch.setattr(working, "_search", search)
    with nullcontext() if error is KeyboardInterrupt else pytest.raises(error):
        assert list(working.spread(None, 1)) == []
    assert not done.exists()
