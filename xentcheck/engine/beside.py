"""Bad input about which the contract says nothing, tried in a process beside the one that valid batches use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xentcheck.diagnosis import SecondHost
from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.economy import ALL, Economy
from xentcheck.engine.memory import Memory
from xentcheck.properties.left_open import SELDOM, LeftOpen, seen
from xentcheck.targets.outcome import hung

LEFT_OPEN = "left open"
"""The name of the unit."""


class Beside:
    """A process of its own for what is left open, so that a target whose memory it spoils is wrong on no valid batch.

    That of the run's diagnosis is taken, which is needed for nothing else by then. A target that exists in this process
    only is asked here, last of all.

    Parameters
    ----------
    second : SecondHost
    memory : Memory
    economy : Economy
        Where something is saved, a kind is tried as often in all cells together as in one elsewhere.
    """

    def __init__(self, second: SecondHost, memory: Memory, economy: Economy = ALL) -> None:
        self._second = second
        self._memory = memory
        self._saves = economy.saves

    def begin(self, results: Sequence[CellResult]) -> None:
        """Start the process if there is something to ask it: it imports the target while other things are done."""
        if LEFT_OPEN not in self._memory.records and _any_left(results):
            self._second.begin()

    def observe(self, results: Sequence[CellResult]) -> None:
        """Add to the observations what the target makes of it."""
        if not _any_left(results):
            return
        if LEFT_OPEN not in self._memory.records:
            try:
                host = self._second.host()
                if any(map(_has_hung, results)):
                    host.hurry()
                observed = [dict(seen(tried, host)) for tried in self._tried(results)]
            except Exception as error:  # it is an extra, and must not cost what was found
                results[0].observations[f"bad input that is not declared could not be tried: {error!r}"] += 1
                return
            self._memory.keep(LEFT_OPEN, {"seen": observed})
        for result, found in zip(results, self._memory.records[LEFT_OPEN]["seen"], strict=True):
            result.observations.update(found)

    def _tried(self, results: Sequence[CellResult]) -> list[list[LeftOpen]]:
        """Return what is tried, by cell."""
        if not self._saves:
            return [result.left_open for result in results]
        count: Counter[str] = Counter()
        found: list[list[LeftOpen]] = []
        for result in results:
            found.append([one for one in result.left_open if count[one.kind] < SELDOM])
            count.update(one.kind for one in result.left_open)
        return found


def _has_hung(result: CellResult) -> bool:
    return any(hung(fall.violation.got) for tally in result.tallies.values() for fall in tally.falls)


def _any_left(results: Sequence[CellResult]) -> bool:
    """Whether there is bad input to try; what it does to a target that has answered nothing says nothing."""
    return any(result.answered for result in results) and any(result.left_open for result in results)
