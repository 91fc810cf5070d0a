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


def stale(number: int) -> str:
    """Return why the status is FINDINGS although the target may conform: waivers are stale, and --strict-waivers."""
    which = "1 waiver is stale and can go" if number == 1 else f"{number:,} waivers are stale and can go"
    return f"xentcheck: {which}; with --strict-waivers that is exit status {FINDINGS}."


def worst(statuses: Iterable[int]) -> int:
    """Return the exit status of a run on several targets; NOTHING_JUDGED for none."""
    found = set(statuses)
    return next((status for status in _WORST_FIRST if status in found), NOTHING_JUDGED)
