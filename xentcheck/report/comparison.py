"""Reports side by side: what broke, what was mended, and the grades of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xentcheck.contract.harmless import harmless
from xentcheck.report.results import ReportData
from xentcheck.report.tables import statuses
from xentcheck.truth.grades import GRADES

_BROKEN = ("failed", "waived")


@dataclass(frozen=True)
class Row:
    """One line: what it is about, a cell for each report, and what changed, of two that are successive.

    `change` is "broke", "mended", "worse", "better", or "" where there is no such word for it.
    """

    name: str
    cells: tuple[str, ...]
    change: str = ""

    @property
    def alike(self) -> bool:
        """Whether all cells are the same."""
        return len(set(self.cells)) == 1


@dataclass(frozen=True)
class Comparison:
    """Reports side by side.

    Parameters
    ----------
    names : tuple of str
        What the columns are called.
    rows : tuple of Row
        Verdict, counts, grades and laws.
    remarks : tuple of str
        What keeps the columns from being comparable: other contracts, profiles, seeds, batches.
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there is a word for what changed in any row: never where targets stand beside each other."""
        return any(row.change for row in self.rows)

    @property
    def worse(self) -> bool:
        """Whether the second of two successive ones broke a law that the first kept, or has a worse grade."""
        return any(row.change in ("broke", "worse") for row in self.rows)


def compared(names: Sequence[str], reports: Sequence[ReportData], successive: bool = False) -> Comparison:
    """Return reports side by side, under these names.

    Parameters
    ----------
    names : sequence of str
    reports : sequence of ReportData
    successive : bool
        Whether they are two of the same target, the second after the first, so that something can have changed.
    """
    rows = [
        Row("verdict", tuple(report.verdict for report in reports)),
        Row("version", tuple(harmless(report.target.version or "-") for report in reports)),
        Row("findings", tuple(f"{len(report.findings)}" for report in reports)),
        Row("batches", tuple(f"{report.counts.run:,}" for report in reports)),
    ]
    parts = dict.fromkeys((dtype, part) for one in reports for dtype in one.grades for part in one.grades[dtype])
    for dtype, part in parts:
        graded = [report.grades.get(dtype, {}).get(part) for report in reports]
        cells = tuple("-" if grade is None else grade.grade for grade in graded)
        rows.append(Row(harmless(f"{dtype} {part}"), cells, _grades_change(*cells) if successive else ""))
    laws = sorted({(law.number, law.name, law.dtype) for report in reports for law in report.properties})
    for number, name, dtype in laws:
        groups = [[law for law in one.properties if (law.name, law.dtype) == (name, dtype)] for one in reports]
        cells = tuple(", ".join(words for _, words in statuses(group)) or "-" for group in groups)
        broken = [any(law.status in _BROKEN for law in group) for group in groups]
        held = [any(law.status == "passed" for law in group) for group in groups]
        change = ""
        if successive:
            change = "broke" if broken[1] and not broken[0] else "mended" if broken[0] and held[1] > broken[1] else ""
        rows.append(Row(harmless(f"law {number}, {name} ({dtype})"), cells, change))
    return Comparison(tuple(map(harmless, names)), tuple(rows), tuple(map(harmless, _remarks(reports))))


def _grades_change(first: str, second: str) -> str:
    if first not in GRADES or second not in GRADES:
        return ""
    steps = GRADES.index(second) - GRADES.index(first)
    return "worse" if steps > 0 else "better" if steps < 0 else ""


def _remarks(reports: Sequence[ReportData]) -> list[str]:
    contract = reports[0].target.contract
    how: dict[str, set[object]] = {
        "version of xentcheck": {report.xentcheck for report in reports},
        "profile": {report.profile for report in reports},
        "seed": {report.seed for report in reports},
    }
    found = [
        f"They were judged with another {what}, so that more than the target may differ."
        for what, values in how.items()
        if len(values) > 1
    ]
    keys = {key for report in reports for key in _unlike(contract, report.target.contract)}
    if keys:
        found.append(f"They were held to other contracts: {', '.join(sorted(keys))}.")
    if any(report.interrupted for report in reports):
        found.append("A run was interrupted: laws may be broken that it did not come to.")
    return found


def _unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    return {key for key in {*one, *other} if one.get(key) != other.get(key)}
