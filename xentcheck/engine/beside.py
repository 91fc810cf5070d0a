"""Bad input about which the contract says nothing, tried in a process beside the one that valid batches use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from xentcheck.engine.order import Order
from xentcheck.engine.search import CellResult
from xentcheck.engine.working import Memory
from xentcheck.properties.left_open import seen
from xentcheck.targets import Host

LEFT_OPEN = "left open"
"""The name of the unit."""


class Beside:
    """A process of its own for what is left open, so that a target whose memory it spoils is wrong on no valid batch.

    A target that exists in this process only is asked here, last of all.
    """

    def __init__(self, orders: Sequence[Order], memory: Memory) -> None:
        self._orders = orders
        self._memory = memory
        self._host: Host | None = None

    def __enter__(self) -> Beside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._host is not None:
            self._host.close()

    def begin(self, results: list[CellResult]) -> None:
        """Start the process if there is something to ask it: it imports the target while other things are done."""
        if self._host is None and LEFT_OPEN not in self._memory.records and _any_left(results):
            with suppress(Exception):  # `observe` tries again, and says what is the matter
                self._host = self._opened(results)

    def observe(self, results: list[CellResult]) -> None:
        """Add to the observations what the target makes of it."""
        if not _any_left(results):
            return
        if LEFT_OPEN not in self._memory.records:
            try:
                self._host = host = self._host or self._opened(results)
                observed = [dict(seen(result.left_open, host)) for result in results]
            except Exception as error:  # it is an extra, and must not cost what was found
                results[0].observations[f"bad input that is not declared could not be tried: {error!r}"] += 1
                return
            self._memory.keep(LEFT_OPEN, {"seen": observed})
        for result, found in zip(results, self._memory.records[LEFT_OPEN]["seen"], strict=True):
            result.observations.update(found)

    def _opened(self, results: list[CellResult]) -> Host:
        return self._orders[0].host(impatient=any(result.deaths for result in results))


def _any_left(results: list[CellResult]) -> bool:
    """Whether there is bad input to try; what it does to a target that has answered nothing says nothing."""
    return any(result.answered for result in results) and any(result.left_open for result in results)
