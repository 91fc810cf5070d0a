"""How findings are shown: the law, the batch, what was got against what is certified, why, and how to see it again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from xentcheck.contract.harmless import BRIEF, harmless
from xentcheck.report import arrays, tables
from xentcheck.report.finding import Finding, identifier, summary, times
from xentcheck.report.results import ReportData

IN_FULL = 4
_MARGIN = 14


def show(report: ReportData, out: Console, scripts: Mapping[str, str]) -> None:
    """Print the findings: the most telling in full, the others one line each."""
    ordered = telling(report.findings)
    full = ordered[:IN_FULL]
    for position, finding in enumerate(full, 1):
        out.print()
        out.rule(characters="-", style="dim red")
        try:
            show_one(report, finding, f"{position} of {len(ordered)}", out, scripts.get(identifier(finding), ""))
        except Exception as error:  # what cannot be shown in full must not cost the others, nor itself
            out.print(Padding(Text(summary(finding), "bold"), (0, 0, 0, 2)))
            out.print(Padding(Text(f"a fault of xentcheck in showing the rest of it: {error!r}"), (0, 0, 0, 2)))
    rest = ordered[IN_FULL:]
    if rest:
        tables.title(
            out, f"{len(rest)} more", "each in full, with its batch and script, in the JSON report (--json FILE)"
        )
    for finding in rest:
        out.print(Padding(Text(summary(finding)), (0, 0, 0, 2)))
    if full and not scripts and report.command:
        out.print()
        out.print(Padding(Text("--reproducers DIR writes a Python script for each finding.", "dim"), (0, 0, 0, 2)))
    if full:
        out.rule(characters="-", style="dim red")


def telling(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the most telling first: a known cause, a small batch, the more basic law."""

    def rank(finding: Finding) -> tuple[object, ...]:
        elements = arrays.size(finding.batch)
        return not finding.mechanism, elements > 16, finding.number, elements, not finding.minimal

    return sorted(findings, key=rank)


def show_one(report: ReportData, finding: Finding, position: str, out: Console, script: str) -> None:
    """Print a finding in full."""
    head = f"FINDING {position}"
    out.print(
        Text.assemble(
            (head, "bold red"),
            f"  law {finding.number}, {finding.property} ({finding.dtype}, {finding.labels}): ",
            (finding.law, "italic"),
        )
    )
    out.print(Padding(Text(finding.title, "bold"), (0, 0, 0, 2)))
    out.print()
    if finding.batch:
        noun = str(report.target.contract.get("input", "logits"))
        first, *others = arrays.batch_lines(finding.batch, noun)
        _row(out, "batch", first)
        for line in others:
            _row(out, "", line)
        if told := arrays.along_axes(finding.batch, report.target.contract, noun):
            _row(out, "", told)
        if not finding.minimal:
            _row(out, "", "(a smaller batch may show it too)")
    for name, value in figures(finding):
        _row(out, name, value)
    for line in finding.detail:
        _row(out, "", line)
    if finding.cause:
        _row(out, "likely cause", finding.cause, "bold")
    for number, line in enumerate(beneath(finding)):
        _row(out, "" if number else "breaks also", line)
    if untold := whether_one(finding):
        _row(out, "", f"({untold})")
    _again(report, finding, out, script)


def beneath(finding: Finding) -> list[str]:
    """Return a line for each law that is broken by the same mistake, with the dtypes and label forms where it is."""
    where: dict[tuple[int, str], dict[str, None]] = {}
    for one in (finding, *finding.also):
        where.setdefault((one.number, one.property), {})[f"{one.dtype} {one.labels}"] = None
    own = where[(finding.number, finding.property)]
    own.pop(f"{finding.dtype} {finding.labels}")
    lines = [f"this law in {', '.join(sorted(own))}"] if own else []
    lines += [
        f"law {number}, {name} ({', '.join(sorted(cells))})"
        for (number, name), cells in sorted(where.items())
        if (number, name) != (finding.number, finding.property)
    ]
    return lines


def whether_one(finding: Finding) -> str:
    """Return what is said of the laws beneath a finding of which no mechanism is known, else ""."""
    untold = beneath(finding) and not finding.mechanism
    return "nothing tells these apart from it: one mistake or several" if untold else ""


def figures(finding: Finding) -> list[tuple[str, str]]:
    """Return the numbers of a finding, each with its name."""
    rows: list[tuple[str, str]] = []
    element = f"   ({finding.part})" if finding.part else ""
    if finding.got is not None:
        got = harmless(finding.got, BRIEF) if isinstance(finding.got, str) else arrays.decimal(finding.got)
        rows.append(("got", f"{got}{element}"))
    if finding.certified is not None:
        rows.append(("certified", interval(*finding.certified)))
    if finding.allowance is not None and not (finding.certified and math.isinf(finding.certified[0])):
        rows.append(("allowance", _allowance(finding.allowance)))
    if finding.times is not None and math.isfinite(finding.times):
        rows.append(("exceeded", times(finding.times)))
    return rows


def interval(low: float, high: float) -> str:
    """Return a certified interval; its ends are float64 numbers rounded outward."""
    if math.isnan(low) or math.isnan(high):
        return "nan"
    return f"{low + 0.0!r}, exactly" if low == high else f"[{low!r}, {high!r}]"  # -0 + 0 is 0


def _allowance(allowance: float) -> str:
    return f"{allowance:.3g} from the certified value, for any good algorithm on this input"


def _again(report: ReportData, finding: Finding, out: Console, script: str) -> None:
    command = f"python {script}" if script else narrowed(report, finding)
    if command:  # in one line whatever its length, to be copied whole
        out.print(Text.assemble(("  run it again".ljust(_MARGIN + 2), "dim"), command), soft_wrap=True)
    else:
        script = f"the `reproducer` of this finding, a script that shows it on its own: {identifier(finding)}.py"
        _row(out, "run it again", script)


def narrowed(report: ReportData, finding: Finding) -> str:
    """Return the run's command line, narrowed to the law and the dtype of a finding; "" if it began in Python."""
    if not report.command:
        return ""
    words = [report.command]
    words += [] if "--properties" in report.command else [f"--properties {finding.property}"]
    words += [] if "--dtypes" in report.command else [f"--dtypes {finding.dtype}"]
    return " ".join([*words, f"--seed {report.seed}"])


def _row(out: Console, name: str, text: str, style: str = "") -> None:
    tables.hanging(out, f"  {name}".ljust(_MARGIN + 2), text, style)
