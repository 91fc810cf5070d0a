"""Units of work on an executor of `concurrent.futures`, of which a process may be lost.

A process can be lost to the memory's end, to a colleague's kill, or to a target that reached for its judge. What it was
doing is done again. A local pool breaks as a whole, so that of all that was under way any may be to blame; what was so
twice is done again with nothing beside it, and only if that process is lost, too, is the unit given up.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any

from xentcheck.contract import ContractError
from xentcheck.contract.harmless import harmless
from xentcheck.processes.pool import process_pool
from xentcheck.targets import TargetError

LOSSES = 3  # lost so often, a unit is given up

Task = tuple[Callable[..., Any], tuple[Any, ...]]


class LostError(RuntimeError):
    """A unit was given up; the message says why."""


class Begun:
    """A pool of this machine's processes.

    Parameters
    ----------
    jobs : int
    """

    def __init__(self, jobs: int) -> None:
        self._others: set[BaseProcess] = set(multiprocessing.active_children())  # that are none of the pool's
        self.executor = process_pool(jobs)

    def kill(self) -> None:
        """Kill the processes: what they are doing is not waited for, nor what they would do next."""
        for child in set(multiprocessing.active_children()) - self._others:
            child.kill()


class Spread:
    """Units that are done by an executor, in any order.

    Parameters
    ----------
    executor : Executor or None
        Somebody else's, which is not shut down; a pool of this machine's processes by default.
    jobs : int
        The processes of that pool.
    told : callable
        Told of each unit that is done and of what came of it, in the order in which they are.
    queued : int
        Units submitted to that pool beyond those that are worked on; what is submitted cannot be taken back.
    begun : Begun, optional
        That pool, where it has been begun before.
    """

    def __init__(
        self,
        executor: Executor | None,
        jobs: int,
        told: Callable[[str, Any], None] = lambda unit, result: None,
        queued: int = 1,
        begun: Begun | None = None,
    ) -> None:
        self.done: dict[str, Any] = {}
        self._given = executor is not None
        self._pool = begun if executor is None else None
        self._executor: Executor | None = executor if self._pool is None else self._pool.executor
        self._most = jobs + queued
        self._jobs = jobs
        self._told = told
        self._waiting: dict[str, Task] = {}
        self._running: dict[Future[Any], tuple[str, Task]] = {}
        self._ended: SimpleQueue[Future[Any]] = SimpleQueue()
        self._losses: Counter[str] = Counter()
        self._why: dict[str, str] = {}

    def add(self, unit: str, function: Callable[..., Any], *given: Any) -> None:
        """Have a unit done."""
        self._waiting[unit] = (function, given)
        self.fill()

    def take_back(self, unit: str) -> bool:
        """Return whether a unit is not begun yet; then it is left to the caller."""
        return not self._losses[unit] and self._waiting.pop(unit, None) is not None

    def drop(self, start: str) -> None:
        """Leave out units for which nobody waits any more, by the start of their names, where they are not begun."""
        self._waiting = {unit: task for unit, task in self._waiting.items() if not unit.startswith(start)}
        for future, (unit, _) in list(self._running.items()):
            if unit.startswith(start) and future.cancel():
                self._running.pop(future, None)

    def result(self, unit: str) -> Any:
        """Wait for a unit and return what came of it.

        Raises
        ------
        LostError
            If it was given up.
        TargetError, ContractError
            If a process of the executor cannot use the target.
        """
        while unit not in self.done:
            self.fill()
            if unit in self._waiting and self._losses[unit] >= LOSSES - 1 and not self._running:
                self._do_alone(unit)
            elif self._losses[unit] >= LOSSES:
                break
            else:
                self._take(self._ended.get())
        if unit in self._why and unit not in self.done:
            raise LostError(self._why[unit])
        return self.done[unit]

    def forget(self, unit: str) -> None:
        """Drop what came of a unit, which stays done: nobody asks for it again."""
        if unit in self.done:
            self.done[unit] = None

    def close(self, interrupted: bool = False) -> None:
        """End the processes; those of somebody else's executor are let be."""
        for future in self._running:
            future.cancel()
        if self._given or self._executor is None:
            return
        if interrupted and self._pool is not None:
            self._pool.kill()
        self._executor.shutdown(wait=not interrupted, cancel_futures=True)

    def fill(self) -> None:
        """Submit what waits: to a pool of our own little more than it can work on, so that few units are suspected.

        Who does other things between `add` and `result` calls it now and then.
        """
        most = float("inf") if self._given else self._most
        for unit in list(self._waiting):
            if sum(not future.done() for future in self._running) >= most:
                return None
            if self._losses[unit] >= LOSSES - 1:
                continue  # alone, when it is asked for
            function, given = task = self._waiting.pop(unit)
            try:
                future = self._opened().submit(function, *given)
            except (RuntimeError, OSError) as error:  # a broken pool refuses; so does a scheduler that is gone
                self._waiting[unit] = task
                self._replace(error)
                return self.fill()
            self._running[future] = (unit, task)
            future.add_done_callback(self._ended.put)
        return None

    def _opened(self) -> Executor:
        if self._executor is None:
            self._pool = Begun(self._jobs)
            self._executor = self._pool.executor
        return self._executor

    def _take(self, future: Future[Any]) -> None:
        """Note what came of a unit, or that its process was lost."""
        unit, task = self._running.pop(future, (None, None))
        if unit is None or task is None or future.cancelled():
            if unit is not None and task is not None:  # a scheduler cancels what it lost
                self._lost(unit, task, "it was cancelled")
            return
        error = future.exception()
        if error is None:
            self.done[unit] = future.result()
            self._told(unit, self.done[unit])
            return
        if isinstance(error, (TargetError, ContractError)):
            raise error
        self._lost(unit, task, f"{type(error).__name__}: {error}")
        if isinstance(error, BrokenExecutor):
            self._replace(error)

    def _lost(self, unit: str, task: Task, why: str) -> None:
        self._losses[unit] += 1
        self._why[unit] = harmless(why, 300)
        self._waiting[unit] = task

    def _replace(self, error: BaseException) -> None:
        """Go on with a new pool of this machine's, after all that the broken one was doing is noted as lost."""
        broken, self._executor = self._executor, None
        if not self._given and broken is not None:
            broken.shutdown(wait=False, cancel_futures=True)
        self._given = False
        left, self._running = self._running, {}
        for future, (unit, task) in left.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self.done[unit] = future.result()
                self._told(unit, self.done[unit])
            else:
                self._lost(unit, task, f"{type(error).__name__}: {error}")

    def _do_alone(self, unit: str) -> None:
        function, given = self._waiting.pop(unit)
        alone = Begun(1)
        with alone.executor as pool:
            try:
                self.done[unit] = pool.submit(function, *given).result()
            except (TargetError, ContractError):
                raise
            except KeyboardInterrupt:
                alone.kill()
                raise
            except Exception as error:
                self._losses[unit] += 1
                self._why[unit] = harmless(f"{type(error).__name__}: {error}", 300)
                return
        self._told(unit, self.done[unit])
