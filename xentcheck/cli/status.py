"""Exit statuses. Scripts depend on them."""

from __future__ import annotations

from collections.abc import Iterable

CONFORMS = 0
FINDINGS = 1
UNUSABLE = 2
NOTHING_JUDGED = 3
INTERRUPTED = 130
_WORST_FIRST = (UNUSABLE, FINDINGS, INTERRUPTED, NOTHING_JUDGED, CONFORMS)
_OF_VERDICT = {"conforms": CONFORMS, "violates": FINDINGS, "nothing-judged": NOTHING_JUDGED, "interrupted": INTERRUPTED}


def of_verdict(verdict: str, interrupted: bool = False) -> int:
    """Return the exit status of one report; an interrupted run that found nothing says nothing."""
    return INTERRUPTED if interrupted and verdict != "violates" else _OF_VERDICT[verdict]


def worst(statuses: Iterable[int]) -> int:
    """Return the exit status of a run on several targets; NOTHING_JUDGED for none."""
    found = set(statuses)
    return next((status for status in _WORST_FIRST if status in found), NOTHING_JUDGED)
