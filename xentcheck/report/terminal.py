"""The report as a person reads it, on a terminal or in a pipe.

Everything is plain ASCII laid out by columns, so that it survives a log file, a code page of another century
and a width of 80. Colour is added where the stream takes it and never carries a meaning of its own.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import IO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from xentcheck.report import findings, inferred, known, tables
from xentcheck.report.finding import Finding
from xentcheck.report.results import CONFORMS, INTERRUPTED, NOTHING_JUDGED, VIOLATES, ReportData

WIDTH = 100
DEFAULTS_SHOWN = ("input", "labels", "reduction")


def console(stream: IO[str], width: int | None = None) -> Console:
    """Return a console on `stream`: coloured and as wide as the terminal there, plain and 100 wide in a pipe.

    In a notebook, too, it writes there, and not to the cell, as rich does by default. A text that is made in memory is
    never coloured, whatever FORCE_COLOR says, which notebooks set.
    """
    piped = not stream.isatty()
    if width is None and piped:
        width = int(os.environ.get("COLUMNS", WIDTH)) if os.environ.get("COLUMNS", "").isdigit() else WIDTH
    return Console(
        file=stream,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        force_jupyter=False,
        force_terminal=False if isinstance(stream, io.StringIO) and piped else None,
    )


def show(report: ReportData, out: Console, scripts: Mapping[str, str] | None = None) -> None:
    """Print a report.

    Parameters
    ----------
    report : ReportData
    out : Console
        Where to; see `console`.
    scripts : mapping, optional
        Paths of reproducers that were written, by the identifier of their finding.
    """
    _header(report, out)
    findings.show(report, out, scripts or {})
    known.show(report, out)
    tables.laws(report, out)
    tables.grades(report, out)
    _remarks(report, out)
    out.print()
    style = {CONFORMS: "bold green", VIOLATES: "bold red"}.get(report.verdict, "bold yellow")
    out.print(Text(verdict_line(report), style), soft_wrap=True)


def write(report: ReportData, stream: IO[str], scripts: Mapping[str, str] | None = None) -> None:
    """Write a report to a stream: as `show` does on a terminal, as `render` does in a pipe."""
    out = console(stream)
    if out.is_terminal:
        show(report, out, scripts)
    else:
        stream.write(render(report, out.width, scripts))
    stream.flush()


def render(report: ReportData, width: int = WIDTH, scripts: Mapping[str, str] | None = None) -> str:
    """Return what `show` prints without colour."""
    stream = io.StringIO()
    show(report, console(stream, width), scripts)
    return _stripped(stream.getvalue())


def findings_text(report: ReportData, width: int = WIDTH) -> str:
    """Return the findings and the verdict without colour: the message of FindingsError."""
    stream = io.StringIO()
    findings.show(report, console(stream, width), {})
    return _stripped(f"{verdict_line(report)}\n{stream.getvalue()}")


def finding_text(report: ReportData, finding: Finding, width: int = WIDTH) -> str:
    """Return one finding in full, without colour."""
    stream = io.StringIO()
    findings.show_one(report, finding, "1 of 1", console(stream, width), "")
    return _stripped(stream.getvalue())


def contract_line(report: ReportData) -> str:
    """Return the contract in a line: input, labels, reduction, each key that is not at its default, and whose it is."""
    from xentcheck.contract import Contract

    usual = Contract().as_mapping()
    stated = {**usual, **report.target.contract}
    shown = [key for key in DEFAULTS_SHOWN if key != "labels" or stated["output"] != "entropy"]
    keys = [*shown, *(key for key in stated if key not in DEFAULTS_SHOWN and stated[key] != usual.get(key))]
    source = report.target.contract_source
    who = "the defaults" if source == "declared" and stated == usual else source
    return ", ".join(f"{key} {_value(stated[key])}" for key in keys) + f" ({who})"


def verdict_line(report: ReportData) -> str:
    """Return the verdict in one line, with the counts that it stands on."""
    counts = report.counts
    passed = {law.number for law in report.properties if law.status == "passed"}
    failed = {law.number for law in report.properties if law.status == "failed"}
    accepted = {law.number for law in report.properties if law.status == "waived"}
    kept = passed - failed - accepted
    held = f"{_count(len(kept), 'law')} held"
    waived = [f"{_count(counts.waived, 'finding')} waived"] if counts.waived else []
    done = "tried" if report.verdict == NOTHING_JUDGED else "judged"
    batches = f"{counts.run:,} of {_count(counts.planned, 'batch', 'batches')} {done}"
    left = [
        f"{number:,} {word}" for word, number in (("filtered", counts.filtered), ("skipped", counts.skipped)) if number
    ]
    tail = ", ".join([batches, *left, f"{report.seconds:.1f} s"])
    cut = ", interrupted" if report.interrupted else ""
    name = report.target.name
    if report.verdict == CONFORMS:
        return f"CONFORMS: {name}: {', '.join([held, *waived])}, {tail}{cut}."
    if report.verdict == VIOLATES:
        found = [f"{_count(len(failed), 'law')} broken", _count(counts.findings, "finding"), *waived]
        return f"VIOLATES: {name}: {', '.join(found)}; {f'{held}, ' if kept else ''}{tail}{cut}."
    if report.verdict == INTERRUPTED:
        return f"INTERRUPTED: {name}: nothing found so far; {held}, {tail}."
    return f"NOTHING JUDGED: {name}: {tail}{cut}. This says nothing about the target."


def _header(report: ReportData, out: Console) -> None:
    target = report.target
    location = "" if target.location == target.name else target.location
    out.print(
        Text.assemble((f"xentcheck {report.xentcheck}".rstrip(), "dim"), "  ", (target.name, "bold")), soft_wrap=True
    )
    rows = [
        ("from", ", ".join(part for part in (location, target.version) if part)),
        ("in", str(report.environment.target or "")),
        ("contract", contract_line(report)),
        *inferred.rows(report),
        ("run", f"profile {report.profile}, seed {report.seed}"),
    ]
    for name, text in rows:
        if text:
            tables.hanging(out, f"  {name:<10}", text)


def _remarks(report: ReportData, out: Console) -> None:
    if report.witnesses:
        tables.title(out, "Witnesses", "uncertified calculations held against the same certified values")
    for witness in report.witnesses:
        tables.hanging(out, "  ", tables.witness_line(witness))
    if report.observations:
        tables.title(out, "Seen, not judged")
    for line in tables.gathered(report.observations):
        out.print(Padding(Text(f"- {line}"), (0, 0, 0, 2)))


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_value(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, (int, float)) for item in value):
            return f"[{', '.join(str(item) for item in value)}]"
        if value and all(isinstance(item, (list, tuple)) for item in value):
            return "; ".join(" with ".join(map(str, item)) for item in value)
        return "+".join(str(item) for item in value) or "none"
    return str(value)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _stripped(text: str) -> str:
    """Return `text` without the blanks with which rich fills a line."""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
