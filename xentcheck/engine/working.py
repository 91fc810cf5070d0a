"""The cells of a run, in turn in this process, or units on an executor, too: what comes of it is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace

from xentcheck.diagnosis import SecondHost
from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.conclusion import CellRun, conclude, concluded
from xentcheck.engine.memory import CONCLUSION, Memory, conclusion_name, shard_name
from xentcheck.engine.merging import Merging, found_in, merged, missing
from xentcheck.engine.minimise import finding
from xentcheck.engine.order import Order
from xentcheck.engine.progress import ProgressLike
from xentcheck.engine.shard_record import Record, from_record
from xentcheck.engine.spread import LOSSES, Begun, LostError, Spread
from xentcheck.engine.units import conclude_alone, inapplicable, judge_shard, judge_shard_alone
from xentcheck.report.finding import Finding
from xentcheck.targets import Host


def in_order(orders: Sequence[Order]) -> list[tuple[int, int]]:
    """Return all shards of a run, by cell and number, in the order in which they are best judged."""
    every = [(cell, number) for cell, order in enumerate(orders) for number in range(order.shards)]
    return sorted(every, key=lambda one: one[1] >= orders[one[0]].replays)


def _replays(orders: Sequence[Order]) -> list[tuple[int, int]]:
    """Return the shards that judge batches of a corpus: before all others, whatever their cell."""
    return [(cell, number) for cell, order in enumerate(orders) for number in range(order.replays)]


def _stops(order: Order, result: CellResult) -> bool:
    """Return whether nothing is to be judged after a shard."""
    return result.interrupted or bool(result.fault) or (order.fail_fast and bool(found_in(result)))


class Working:
    """Does the units of a run that are not done yet, and gives what came of the cells in their order.

    Parameters
    ----------
    orders : sequence of Order
    host : Host
    memory : Memory
    progress : ProgressLike
    second : SecondHost, optional
        That of the run.
    on_batch : callable
        Given what came of a shard so far, after each batch that is judged in this process.
    """

    def __init__(
        self,
        orders: Sequence[Order],
        host: Host,
        memory: Memory,
        progress: ProgressLike,
        second: SecondHost | None = None,
        on_batch: Callable[[CellResult], None] = lambda result: None,
    ) -> None:
        self._orders = orders
        self._host = host
        self._memory = memory
        self._progress = progress
        self._second = second
        self._on_batch = on_batch
        self._judged = 0
        self._told: set[tuple[int, str]] = set()
        self._own: dict[int, dict[int, CellResult]] = {}  # what came of shards that are judged here beside an executor
        self._minimal: Record | None = None  # of the first cell that has findings

    def in_turn(self) -> Iterator[CellRun]:
        """Do one unit after the other in this process; after one that is interrupted or broken off none follows."""
        replayed: dict[tuple[int, int], CellResult] = {}
        for cell, number in _replays(self._orders):
            order, result = self._orders[cell], self._read(cell, number, self._judged_here(cell, number))
            replayed[cell, number] = result
            if _stops(order, result):
                yield self._run(cell, merged(order, {number: result}))
                return
        for cell, order in enumerate(self._orders):
            merging = Merging(order)
            for number in range(order.shards):
                if not merging.over:
                    known = replayed.pop((cell, number), None)
                    merging.add(known or self._read(cell, number, self._judged_here(cell, number)))
                    self._memory.forget(shard_name(cell, number))
            result = merging.result()
            yield self._run(cell, result)
            if result.interrupted or result.fault:
                return

    def judge(self, shards: Sequence[tuple[int, int]], executor: Executor | None, jobs: int) -> list[str]:
        """Judge some shards and nothing else; return what went wrong with those that are not done for it."""
        left = [one for one in shards if shard_name(*one) not in self._memory.records]
        faults: list[str] = []

        def over(cell: int, number: int, result: CellResult) -> None:
            faults.extend(said for said in (result.fault, *result.lost) if said)
            self._memory.forget(shard_name(cell, number))

        if jobs == 1 and executor is None:
            for one in left:
                over(*one, from_record(self._judged_here(*one, alone=True)))
        else:
            spread = Spread(executor, jobs, self._came)
            try:
                for cell, number in left:
                    spread.add(shard_name(cell, number), judge_shard_alone, self._orders[cell], number)
                for one in left:
                    over(*one, self._searched(spread, *one))
                    spread.forget(shard_name(*one))
            finally:
                spread.close(interrupted=len(spread.done) < len(left))
        return faults

    def _judged_here(self, cell: int, number: int, alone: bool = False) -> Record:
        order, name, before = self._orders[cell], shard_name(cell, number), self._judged
        record = self._memory.records.get(name)

        def on_batch(result: CellResult) -> None:
            self._on_batch(result)
            self._progress.advance(str(order.cell), before + result.run)

        if record is None:
            record = judge_shard(
                order,
                number,
                self._host,
                on_batch,
                lambda found: self._found(cell, found),
                lambda partial: self._memory.write_note(name, partial),
            )
            self._memory.keep(name, record)
        if alone and record["interrupted"]:
            raise KeyboardInterrupt
        self._judged = before + record["run"]
        return record

    def spread(
        self,
        executor: Executor | None,
        jobs: int,
        here: bool = False,
        begun: Begun | None = None,
    ) -> Iterator[CellRun]:
        """Do the units on an executor, by default on a pool of `jobs` processes, and `here`, too, if that is said.

        The pool may have been `begun` before.
        """
        spread = Spread(executor, jobs, self._came, queued=int(not here), begun=begun)
        done: dict[int, dict[int, CellResult]] = {}
        given = 0
        try:
            self._give_out(spread, last_first=here)
            if here:
                self._judge_beside(spread)
            self._search(spread, done)
            away = self._conclude_away(spread, done)
            for cell, results in done.items():
                yield self._run(cell, merged(self._orders[cell], results), spread if cell in away else None)
                given += 1
            spread.close()
        except KeyboardInterrupt:
            spread.close(interrupted=True)
            yield from self._cut_off(given)
        except BaseException:
            spread.close(interrupted=True)
            raise

    def _give_out(self, spread: Spread, last_first: bool) -> None:
        """Have all shards judged that are not judged yet."""
        every = in_order(self._orders)
        for cell, number in reversed(every) if last_first else every:
            if shard_name(cell, number) not in self._memory.records:
                spread.add(shard_name(cell, number), judge_shard_alone, self._orders[cell], number)

    def _judge_beside(self, spread: Spread) -> None:
        """Judge shards here from the first one on, until all are begun: what was compiled for one serves the next."""
        outer = self._on_batch

        def on_batch(result: CellResult) -> None:
            outer(result)
            spread.fill()

        self._on_batch = on_batch
        for cell, number in in_order(self._orders):
            if spread.take_back(shard_name(cell, number)):
                result = self._read(cell, number, self._judged_here(cell, number))
                self._own.setdefault(cell, {})[number] = result
                if result.interrupted:
                    raise KeyboardInterrupt
                if result.fault:
                    break
        self._on_batch = outer

    def _search(self, spread: Spread, done: dict[int, dict[int, CellResult]]) -> None:
        """Search the cells; if it is to fail fast, none after the first that has falls."""
        for cell, number in _replays(self._orders):
            result = self._searched(spread, cell, number)
            if _stops(self._orders[cell], result):
                done[cell] = {number: result}
                spread.drop("")
                return
        for cell, order in enumerate(self._orders):
            results = done[cell] = dict(self._own.get(cell, {}))
            while (wanted := missing(order, results)) is not None:
                results[wanted] = self._searched(spread, cell, wanted)
            spread.drop(f"{cell}/")
            found = bool(found_in(merged(order, results)))
            if any(result.fault or result.interrupted for result in results.values()) or (order.fail_fast and found):
                spread.drop("")
                return

    def _conclude_away(self, spread: Spread, done: dict[int, dict[int, CellResult]]) -> set[int]:
        """Have the cells concluded that have falls, the first of them before the others; return which."""
        away = set()
        for cell, results in done.items():
            order, records = self._orders[cell], {}
            if not found_in(merged(order, results)):
                continue
            for number in results:
                if record := self._memory.records.get(shard_name(cell, number)):
                    records[number] = record
            name = conclusion_name(cell)
            if name not in self._memory.records:
                if len(records) < len(results):  # what was cut short is concluded here
                    continue
                if 2 * len(self._own.get(cell, {})) > len(results):  # so is what was compiled for here
                    if self._minimal is None:
                        self._run(cell, merged(order, results))
                    continue
                spread.add(name, conclude_alone, order, records, self._minimal or {})
                away.add(cell)
            if self._minimal is None:
                with suppress(LostError):
                    self._minimal = (self._memory.records.get(name) or spread.result(name))["minimal"]
        return away

    def _searched(self, spread: Spread, cell: int, number: int) -> CellResult:
        """Return the result of a shard, when it is there; of one that was lost, why."""
        name, order = shard_name(cell, number), self._orders[cell]
        try:
            return self._read(cell, number, self._memory.records.get(name) or spread.result(name))
        except LostError as error:
            count = order.shard(number).planned
            why = f"the process that judged {count} batches of {order.cell} ended {LOSSES} times ({error})"
            return CellResult(order.cell, planned=count, skipped=count, lost=[why])

    def _cut_off(self, first: int) -> Iterator[CellRun]:
        """Give what there is of the cells, from one on, after an interruption."""
        for cell in range(first, len(self._orders)):
            names = {number: shard_name(cell, number) for number in range(self._orders[cell].shards)}
            known = self._memory.records
            done = {number: self._read(cell, number, known[name]) for number, name in names.items() if name in known}
            done = {**self._own.get(cell, {}), **done}
            if done:
                yield self._run(cell, merged(self._orders[cell], done), cut=True)

    def _run(self, cell: int, result: CellResult, spread: Spread | None = None, cut: bool = False) -> CellRun:
        """Return what came of a cell, concluded here or elsewhere; what is `cut` short is not reduced."""
        order, name = self._orders[cell], conclusion_name(cell)
        result.interrupted |= cut
        record: Record = {"findings": [], "minimal": {}, "observations": {}, "deaths": 0}
        if found_in(result):
            record = self._memory.records.get(name) or self._concluded(cell, result, spread)
            if self._minimal is None:
                self._minimal = record["minimal"]
            if not (result.interrupted or result.fault or result.lost):
                self._memory.keep(name, record)
        run = concluded(result, record)
        run.inapplicable = inapplicable(order, self._host)
        return run

    def _concluded(self, cell: int, result: CellResult, spread: Spread | None) -> Record:
        order, lost = self._orders[cell], ""
        if spread is not None:
            try:
                record: Record = spread.result(conclusion_name(cell))
                return record
            except LostError as error:
                lost = f"the findings of {order.cell} are not reduced: the process that did so was lost ({error})"
        own = replace(result, observations=Counter(result.observations), interrupted=result.interrupted or bool(lost))
        record = conclude(order, own, self._minimal or {}, self._host, self._second)
        if lost:
            record["observations"][lost] = 1
        return record

    def _read(self, cell: int, number: int, record: Record) -> CellResult:
        """Return the result of a shard, with what an earlier run found that was ended before the shard was done.

        A target whose answers depend on the batch alone breaks the same laws again; what another one did is kept.
        """
        result = from_record(record)
        noted = self._memory.noted.get(shard_name(cell, number))
        for name, tally in from_record(noted).tallies.items() if noted is not None else ():
            if tally.falls and not (name in result.tallies and result.tallies[name].falls):
                result.tallies[name] = tally
                law = f"law {tally.law.number} ({tally.law.name})"
                result.observations[f"{law} was broken when the run was begun, and not when it was resumed"] += 1
        return result

    def _came(self, name: str, record: Record) -> None:
        """Keep what came of a unit, and tell of it."""
        cell, _, rest = name.partition("/")
        self._memory.keep(name, record)
        if rest == CONCLUSION or record["interrupted"]:
            return
        self._judged += record["run"]
        order = self._orders[int(cell)]
        for fall in found_in(from_record(record)):
            self._found(int(cell), finding(fall.law, order.cell, fall.violation, self._host.description.contract))
        self._progress.advance(str(order.cell), self._judged)

    def _found(self, cell: int, found: Finding) -> None:
        """Tell that a law is broken, once for each cell."""
        if (cell, found.property) not in self._told:
            self._told.add((cell, found.property))
            self._progress.found(found)
