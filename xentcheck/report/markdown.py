"""Markdown as GitHub and GitLab read it, for a pull request or the summary of a job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from xentcheck.report import inferred
from xentcheck.report.citation import citation
from xentcheck.report.finding import Finding
from xentcheck.report.findings import telling
from xentcheck.report.headline import headline
from xentcheck.report.known import waived_lines, waiver_lines
from xentcheck.report.results import CONFORMS, VIOLATES, ReportData
from xentcheck.report.terminal import finding_text

LONGEST = 60_000  # GitHub takes 65,536 characters in a comment
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#+!|~&@$]|:(?=[/\w])|^-|(?<=^\d)[.)]")
_WORDS = {CONFORMS: "conforms", VIOLATES: "**violates**"}


def text(reports: Sequence[ReportData], errors: Mapping[str, str]) -> str:
    """Return the verdicts as a table, and each finding with its evidence and script folded beneath it."""
    conforming = sum(report.verdict == CONFORMS for report in reports)
    asked = len(reports) + len(set(errors) - {report.target.name for report in reports})
    blocks = [f"### xentcheck: {conforming} of {asked} {'target conforms' if asked == 1 else 'targets conform'}"]
    if reports:
        blocks.append("\n".join(_table(reports)))
    blocks += [f"{code(name)} was not judged to the end: {plain(why)}" for name, why in errors.items()]
    blocks += [block for report in reports for block in (*_inferred(report), *_known(report))]
    every = [(report, finding) for report in reports for finding in telling(report.findings)]
    shown, length = 0, sum(map(len, blocks))
    for report, finding in every:
        block = _finding(report, finding)
        length += len(block)
        if length > LONGEST:
            break
        blocks.append(block)
        shown += 1
    if left := len(every) - shown:
        blocks.append(f"{left:,} more {'finding is' if left == 1 else 'findings are'} in the JSON report.")
    blocks += [f"Cite as: {plain(cited)}" for cited in dict.fromkeys(citation(report.xentcheck) for report in reports)]
    return "\n\n".join(blocks) + "\n"


def _table(reports: Sequence[ReportData]) -> list[str]:
    lines = [
        "| target | verdict | findings | laws held | batches | grades |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for report in reports:
        broken = {law.number for law in report.properties if law.status in ("failed", "waived")}
        held = {law.number for law in report.properties if law.status == "passed"} - broken
        grades = [
            f"{dtype} " + ", ".join(f"{part} {grade.grade}" for part, grade in parts.items())
            for dtype, parts in report.grades.items()
        ]
        verdict = _WORDS.get(report.verdict, f"**{report.verdict}**") + (", interrupted" if report.interrupted else "")
        cells = [
            code(report.target.name).replace("|", "\\|"),
            verdict,
            f"{len(report.findings):,}" + (f", {len(report.waived):,} waived" if report.waived else ""),
            f"{len(held):,}",
            f"{report.counts.run:,}",
            "; ".join(grades),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _inferred(report: ReportData) -> list[str]:
    """Return what was inferred of a contract that nobody declared, as a list."""
    lines = [f"- {name}: {plain(text)}" for name, text in inferred.rows(report)]
    return ["\n".join([f"{code(report.target.name)}, whose contract nobody declared:", "", *lines])] if lines else []


def _known(report: ReportData) -> list[str]:
    """Return what is waived, and the waivers that waive nothing, as lists."""
    lines = [f"- waived: {plain(line)} (because: {plain(reason)})" for line, reason in waived_lines(report)]
    lines += [f"- {plain(line)}" for line in waiver_lines(report)]
    return ["\n".join([f"{code(report.target.name)}, known and accepted:", "", *lines])] if lines else []


def _finding(report: ReportData, finding: Finding) -> str:
    where = f"{code(report.target.name)}, {finding.dtype}, {finding.labels} labels"
    lines = [f"**{code(headline(finding))}** ({where})"]
    lines += ["", plain(finding.cause)] if finding.cause else []
    lines += ["", *_folded("the evidence", finding_text(report, finding), "text")]
    lines += ["", *_folded("a script that shows it", finding.reproducer, "python")] if finding.reproducer else []
    return "\n".join(lines)


def _folded(title: str, content: str, language: str) -> list[str]:
    """Return a folded block of code."""
    return [f"<details><summary>{title}</summary>", "", *block(content, language), "", "</details>"]


def block(content: str, language: str) -> list[str]:
    """Return a block of code; its fence is longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", content.rstrip("\n"), fence]


def code(words: str) -> str:
    """Return a text in one line as code, in which nothing is a mark."""
    line = " ".join(words.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def plain(words: str) -> str:
    """Return a text in one line, in which nothing is a mark: no link, mention, tag, column, heading or list."""
    return _SPECIAL.sub(lambda found: "&#64;" if found[0] == "@" else f"\\{found[0]}", " ".join(words.split()))
