"""Until when an answer is waited for; on a busy machine the other side may not have had a processor all that time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from xentcheck.processes.waiting import kept_away

_TIMES, _MOST = 4.0, 120.0


class Deadline:
    """The end of a wait, put off by what the other side has waited for a processor meanwhile.

    It is put off by four times the limit at most, and by two minutes, so that what hangs is noticed on any machine.

    Parameters
    ----------
    seconds : float or None
        The limit; None for none.
    waits : callable, optional
        Returns the seconds for which each thread of the other side has waited for a processor since it was started.
    """

    def __init__(self, seconds: float | None, waits: Callable[[], Mapping[str, float]] | None = None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._most = 0.0 if seconds is None else min(_TIMES * seconds, _MOST)
        self._waits = waits
        self._before: Mapping[str, float] | None = None

    def left(self) -> float | None:
        """Return the seconds left, none or fewer when it is over; None where there is no limit."""
        if self._until is None:
            return None
        left = self._until - time.monotonic()
        if left <= 0 and self._waits is not None and self._before is not None:
            left += min(kept_away(self._before, self._waits()), self._most)
        return left

    def looked(self) -> None:
        """Note that there was nothing yet: what is excused counts from the first time, since most answers come before.

        To ask costs ten to twenty microseconds a thread.
        """
        if self._before is None and self._waits is not None and self._until is not None:
            self._before = self._waits()
