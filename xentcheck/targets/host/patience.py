"""How long a target is waited for."""

from __future__ import annotations

_MARGIN = 3.0


class Patience:
    """How long a call of a target may take before it counts as one that does not end.

    A framework may compile within any call: for a shape, dtype, label form or option that is new, or for a branch that
    the numbers of a batch choose. So no list of what is new decides. Every call may take the first limit; one that
    took longer than the ordinary limit is asked again, and then has to keep that, since what was compiled is there.

    A call that does not end even within the first limit is waited for so long but once: after it, calls may take three
    times as long as the longest that has ended, if that is more than the ordinary limit.

    Parameters
    ----------
    ordinary, first : float
        Seconds; `first` is never less than `ordinary`.
    """

    def __init__(self, ordinary: float, first: float) -> None:
        self.ordinary = ordinary
        self.first = max(ordinary, first)
        self._longest = 0.0
        self._exhausted = False

    @property
    def limit(self) -> float:
        """Seconds that the next call may take."""
        return min(self.first, max(self.ordinary, _MARGIN * self._longest)) if self._exhausted else self.first

    def ended(self, seconds: float) -> bool:
        """Note how long a call took, and return whether it has to be asked again."""
        self._longest = max(self._longest, seconds)
        return seconds > self.ordinary

    def ran_out(self) -> None:
        """Note that a call did not end within its limit."""
        self._exhausted = True
