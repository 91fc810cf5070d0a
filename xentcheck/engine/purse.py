"""A host that counts what it is asked, so that findings of a slow target are reduced and explained within bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xentcheck.batches.batch import Batch
from xentcheck.properties.case import Evaluator
from xentcheck.targets.outcome import Outcome

LEAST = 12
"""Questions that the reduction of a finding may take in any case."""


class Purse:
    """Asks another host, and takes each question from those that may be asked.

    Parameters
    ----------
    host : Evaluator
    left : int
        What may be asked. Nothing is refused when it is gone: who asks looks before.
    """

    def __init__(self, host: Evaluator, left: int) -> None:
        self._host = host
        self.left = left

    def evaluate(self, batch: Batch, want: tuple[str, ...], *given: Any, **named: Any) -> Outcome:
        """Return what the target answers."""
        self.left -= 1
        return self._host.evaluate(batch, want, *given, **named)

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0

    @property
    def for_a_reduction(self) -> int:
        """How many questions the next reduction may take: a quarter of what is left."""
        return max(self.left // 4, LEAST)

    def sparing(self, admits: Callable[[Batch], bool] | None) -> Callable[[Batch], bool]:
        """Return what admits a batch if another function does, until the next reduction has taken its questions."""
        least = self.left - self.for_a_reduction
        return lambda batch: self.left > least and (admits is None or admits(batch))
