"""From what came of the shards of a cell to what came of the cell: the same whoever judged them, and in what order.

Shards count in the order of their numbers. A cell is left where a shard was left (since something was found, and no
more was asked for), where one broke off, and where the target's process has ended `FATAL_LIMIT` times in all; what was
judged of later shards in the meantime is not looked at.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from xentcheck.engine import coverage
from xentcheck.engine.cell_result import FATAL_LIMIT, CellResult, Fall, Tally
from xentcheck.engine.grading import worse
from xentcheck.engine.order import Order
from xentcheck.engine.search import LARGEST_KEPT
from xentcheck.properties.left_open import OFTEN, LeftOpen

AGAIN = 24  # further batches of a cell on which a law that has fallen is broken, looked through for another mistake


def again_in(order: Order) -> int:
    """Return how many of the further batches each shard of a cell may contribute."""
    return 0 if order.fail_fast else max(4, -(-AGAIN // order.shards))


def missing(order: Order, done: Mapping[int, CellResult]) -> int | None:
    """Return the first shard that is not done and has to be, or None."""
    deaths = 0
    for number in range(order.shards):
        if number not in done:
            return number
        deaths += done[number].deaths
        if _ends(done[number], deaths):
            return None
    return None


def _ends(result: CellResult, deaths: int) -> bool:
    return result.ended or deaths >= FATAL_LIMIT


class Merging:
    """The result of a cell, from those of its shards in the order of their numbers, none of which is kept.

    Parameters
    ----------
    order : Order
    """

    def __init__(self, order: Order) -> None:
        self.over = False
        self._order = order
        self._cell = CellResult(order.cell, planned=order.planned)
        self._judged = hashlib.sha256()
        self._left = order.planned

    def add(self, result: CellResult) -> None:
        """Add what came of the next shard; when it is `over`, nothing more is to be added."""
        cell = self._cell
        self._left -= result.planned
        cell.run += result.run
        cell.skipped += result.skipped
        cell.deaths += result.deaths
        cell.answered += result.answered
        cell.raised = cell.raised or result.raised
        cell.observations.update(result.observations)
        coverage.add(cell.coverage, result.coverage)
        cell.interrupted |= result.interrupted
        cell.left |= result.left
        cell.fault, cell.trace = cell.fault or result.fault, cell.trace or result.trace
        cell.lost += result.lost
        cell.witnessed += result.witnessed
        cell.samples.update(result.samples)
        for part, graded in result.grades.items():
            cell.grades[part] = worse(cell.grades.get(part), graded)
        for name, tally in result.tallies.items():
            _add(cell.tallies.setdefault(name, Tally(tally.law)), tally)
        _leave_open(cell.left_open, result.left_open)
        self._judged.update(result.digest.encode())
        del cell.witnessed[self._order.witnessed :]
        self.over = _ends(result, cell.deaths)

    def result(self) -> CellResult:
        """Return the result; what is not done of the cell counts as skipped."""
        cell = replace(self._cell, observations=Counter(self._cell.observations))
        cell.skipped += self._left
        cell.digest = self._judged.hexdigest()
        if cell.deaths >= FATAL_LIMIT:
            cell.observations[f"{cell.cell}: left after the target's process had ended {cell.deaths} times"] += 1
        return cell


def merged(order: Order, done: Mapping[int, CellResult]) -> CellResult:
    """Return the result of a cell.

    Parameters
    ----------
    order : Order
    done : mapping
        The results of its shards, by their number.
    """
    merging = Merging(order)
    for number in sorted(done):
        if not merging.over:
            merging.add(done[number])
    return merging.result()


def _add(sum_: Tally, shard: Tally) -> None:
    """Add what a shard knows of a law: its examples count until it fell, its falls until there are enough."""
    sum_.seconds += shard.seconds
    if not sum_.falls:
        sum_.examples += shard.examples
        sum_.falls += shard.falls
        sum_.again = shard.again
        return
    broken: set[int] = set()
    for fall in shard.falls:
        if fall.batch.scores.size > LARGEST_KEPT:
            continue
        if id(fall.batch) not in broken:
            if sum_.again >= AGAIN:
                return
            broken.add(id(fall.batch))
            sum_.again += 1
        sum_.falls.append(fall)


def _leave_open(kept: list[LeftOpen], found: list[LeftOpen]) -> None:
    """Keep of the bad input of each kind as much as a cell may."""
    for one in found:
        if sum(other.kind == one.kind for other in kept) < OFTEN:
            kept.append(one)


def found_in(result: CellResult) -> list[Fall]:
    """Return how each law was first broken."""
    return [tally.falls[0] for tally in result.tallies.values() if tally.falls]
