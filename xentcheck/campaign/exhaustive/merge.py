"""The results of all units of work, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xentcheck.campaign.exhaustive.pairs import PATTERNS
from xentcheck.campaign.exhaustive.tally import COUNTS, SHOWN, SIDE


def firsts(settings: Mapping[str, Any]) -> range:
    """Return where the units that are planned begin: all, or one of every so many, zero among them."""
    step = settings.get("every", 1) * SIDE
    return range(PATTERNS // 2 % step, PATTERNS, step)


def merged(settings: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return counts, the worst pairs, the first violations and the map of the plane.

    Returns
    -------
    dict
        "counts" as in `Tally`, "pairs" that are planned, "missing" (those of units without a result), "worst",
        "examples", "trouble"; "map": for each cell the largest share of the allowance, None where nothing is judged;
        "verdict" as in a report.
    """
    by_unit = {(result["first"], result["rows"]): result for result in results}
    units = [by_unit[key] for key in sorted(by_unit)]
    counts = {name: [sum(unit["counts"][name][label] for unit in units) for label in (0, 1)] for name in COUNTS}
    troubles = [unit["trouble"] for unit in units if unit["trouble"] is not None]
    planned = len(firsts(settings)) * SIDE * PATTERNS
    covered = sum(unit["rows"] for unit in units) * PATTERNS
    rows: list[Any] = [None] * (PATTERNS // SIDE)
    for unit in units:
        rows[unit["first"] // SIDE] = unit["shares"]
    return {
        "format": settings["format"],
        "part": settings["part"],
        "every": settings.get("every", 1),
        "pairs": planned,
        "missing": planned - covered,
        "counts": counts,
        "worst": {
            kind: max(found, key=_size(kind))
            for kind in ("ulps", "share")
            if (found := [unit["worst"][kind] for unit in units if kind in unit["worst"]])
        },
        "examples": [example for unit in units for example in unit["examples"]][:SHOWN],
        "trouble": troubles[0] if troubles else None,
        "map": rows,
        "versions": sorted({unit["version"] for unit in units}),
        "verdict": _verdict(counts, planned - covered),
    }


def _size(kind: str) -> Any:
    # Of equal ones the first in the order of units, which max() returns.
    return lambda found: float(found[kind])


def _verdict(counts: Mapping[str, Sequence[int]], missing: int) -> str:
    if sum(counts["violations"]) or sum(counts["unanswered"]):
        return "violates"
    if missing:
        return "interrupted"
    return "conforms" if sum(counts["judged"]) else "nothing-judged"
