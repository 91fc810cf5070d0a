"""Bad input about which the contract says nothing, tried when no valid batch is asked about any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xentcheck.diagnosis import SecondHost
from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.economy import ALL, Economy
from xentcheck.engine.memory import Memory
from xentcheck.properties.left_open import SELDOM, LeftOpen, seen
from xentcheck.targets import Host
from xentcheck.targets.outcome import hung

LEFT_OPEN = "left open"
"""The name of the unit."""


class Beside:
    """Asks what is left open last of all, so that a target whose memory it spoils is wrong on no valid batch.

    Where a law is broken, the process of the run's diagnosis is asked, which is needed for nothing else by then, and
    the first one is left as it is. Where none is, nothing is asked of the first one afterwards: another import of the
    target is spared.

    Parameters
    ----------
    host : Host
    second : SecondHost
    memory : Memory
    economy : Economy
        Where something is saved, a kind is tried as often in all cells together as in one elsewhere.
    """

    def __init__(self, host: Host, second: SecondHost, memory: Memory, economy: Economy = ALL) -> None:
        self._host = host
        self._second = second
        self._memory = memory
        self._saves = economy.saves

    def begin(self, results: Sequence[CellResult]) -> None:
        """Start the second process if a law is broken: it imports the target while other things are done."""
        if any(map(_broken, results)) and LEFT_OPEN not in self._memory.records and _any_left(results):
            self._second.begin()

    def observe(self, results: Sequence[CellResult]) -> None:
        """Add to the observations what the target makes of it."""
        if not _any_left(results):
            return
        if LEFT_OPEN not in self._memory.records:
            try:
                host = self._asked(results)
                observed = [dict(seen(tried, host)) for tried in self._tried(results)]
            except Exception as error:  # it is an extra, and must not cost what was found
                results[0].observations[f"bad input that is not declared could not be tried: {error!r}"] += 1
                return
            self._memory.keep(LEFT_OPEN, {"seen": observed})
        for result, found in zip(results, self._memory.records[LEFT_OPEN]["seen"], strict=True):
            result.observations.update(found)

    def _asked(self, results: Sequence[CellResult]) -> Host:
        """Return the host that is asked."""
        if not any(map(_broken, results)):
            self._host.hurry()  # whatever it compiles is compiled: what takes longer than valid batches hangs
            return self._host
        host = self._second.host()
        if any(map(_has_hung, results)):
            host.hurry()
        return host

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


def _broken(result: CellResult) -> bool:
    return result.deaths > 0 or any(tally.falls for tally in result.tallies.values())


def _has_hung(result: CellResult) -> bool:
    return any(hung(fall.violation.got) for tally in result.tallies.values() for fall in tally.falls)


def _any_left(results: Sequence[CellResult]) -> bool:
    """Whether there is bad input to try; what it does to a target that has answered nothing says nothing."""
    return any(result.answered for result in results) and any(result.left_open for result in results)
