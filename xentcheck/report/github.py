"""Annotations of GitHub Actions: lines on standard output that it shows beside the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xentcheck.report.findings import telling
from xentcheck.report.headline import headline
from xentcheck.report.known import lines_of
from xentcheck.report.results import CONFORMS, VIOLATES, ReportData
from xentcheck.report.source import place_of
from xentcheck.report.terminal import verdict_line


def text(reports: Sequence[ReportData], errors: Mapping[str, str]) -> str:
    """Return a line for each finding, for waivers that are stale, and for each target that could not be judged."""
    lines = []
    for report in reports:
        place = place_of(report.target.location)
        where = {} if place is None else {"file": place.file, "line": str(place.line)}
        for finding in telling(report.findings):
            said = [
                f"{report.target.name}, {finding.dtype}, {finding.labels} labels: {headline(finding)}",
                finding.cause,
            ]
            title = f"xentcheck: law {finding.number}, {finding.property}"
            lines.append(_command({**where, "title": title}, "\n".join(filter(None, said))))
        for finding in report.waived:
            title = f"xentcheck: waived: law {finding.number}, {finding.property}"
            lines.append(_command({**where, "title": title}, f"{headline(finding)}: {finding.waived}", "notice"))
        for line in lines_of(report.stale):
            told = {**where, "title": "xentcheck: stale waivers"}
            lines.append(_command(told, f"{report.target.name}: {line}", "warning"))
        if report.verdict not in (CONFORMS, VIOLATES):
            lines.append(_command({**where, "title": f"xentcheck: {report.verdict}"}, verdict_line(report)))
    lines += [_command({"title": "xentcheck: not judged"}, f"{name}: {why}") for name, why in errors.items()]
    return "".join(f"{line}\n" for line in lines)


def _command(properties: Mapping[str, str], message: str, level: str = "error") -> str:
    """Return a workflow command; what would end a line, a property or the list of them is percent-encoded."""
    stated = ",".join(f"{key}={_data(value, ':,')}" for key, value in properties.items())
    return f"::{level} {stated}::{_data(message)}"


def _data(value: str, further: str = "") -> str:
    for letter in "%\r\n" + further:
        value = value.replace(letter, f"%{ord(letter):02X}")
    return value
