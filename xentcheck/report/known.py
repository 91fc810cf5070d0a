"""What is known and accepted, in words: the findings that are waived, and what became of the waivers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console

from xentcheck.report import tables
from xentcheck.report.finding import summary
from xentcheck.report.results import EXPIRED, OTHER_VERSION, STALE, UNMET, UNTRIED, WAIVES, ReportData, WaiverResult

_SAID = {
    STALE: "can go",
    EXPIRED: "has expired",
    OTHER_VERSION: "does not hold here",
    UNMET: "was not needed",
    UNTRIED: "was not tried",
}


def waived_lines(report: ReportData) -> list[tuple[str, str]]:
    """Return a line for each finding that is waived, and why it is."""
    return [(summary(finding) + _further(len(finding.also)), finding.waived) for finding in report.waived]


def waiver_lines(report: ReportData) -> list[str]:
    """Return what became of the waivers that waive nothing; those of which the same is said share a line."""
    return lines_of(waiver for waiver in report.waivers if waiver.status != WAIVES)


def lines_of(waivers: Iterable[WaiverResult]) -> list[str]:
    """Return what became of waivers, none of which waives anything; those of which the same is said share a line."""
    alike: dict[tuple[str, str, str], list[WaiverResult]] = {}
    for waiver in waivers:
        alike.setdefault((waiver.status, waiver.why, waiver.reason), []).append(waiver)
    return [_line(*said, group) for said, group in alike.items()]


def _line(status: str, why: str, reason: str, group: Sequence[WaiverResult]) -> str:
    one = group[0]
    if len(group) == 1:
        name = f"{one.law}, {one.dtype}, {one.labels}" + (f", {one.mechanism}" if one.mechanism else "")
        return f"{status}: the waiver of {name} {_SAID[status]}: {why} ({reason})"
    cells: dict[str, dict[str, None]] = {}  # of each law, in the order in which they come
    for one in group:
        name = f"{one.law}, {one.mechanism}" if one.mechanism else one.law
        cells.setdefault(name, {})[f"{one.dtype} {one.labels}"] = None
    named = "; ".join(f"{name} ({', '.join(found)})" for name, found in cells.items())
    return f"{status}: each of {len(group):,} waivers {_SAID[status]}: {why} ({reason}): {named}"


def beyond(report: ReportData) -> str:
    """Return what to make of the findings of a report that has some waived, too."""
    number = len(report.findings)
    which = (
        "1 finding is not waived: it is new, or was hidden"
        if number == 1
        else (f"{number} findings are not waived: they are new, or were hidden")
    )
    return f"{which} behind these in the report that was waived. Once read, waive this report, too."


def show(report: ReportData, out: Console) -> None:
    """Print what is waived, and the waivers that waive nothing."""
    if report.waived:
        tables.title(out, "Waived", "known and accepted; without a part in the verdict")
    for line, reason in waived_lines(report):
        tables.hanging(out, "  - ", line)
        tables.hanging(out, "    because ", reason)
    if report.waived and report.findings:
        tables.hanging(out, "  ", beyond(report))
    lines = waiver_lines(report)
    if lines:
        tables.title(out, "Waivers without a finding")
    for line in lines:
        tables.hanging(out, "  - ", line)


def _further(number: int) -> str:
    return f" (and {number} beneath it)" if number else ""
