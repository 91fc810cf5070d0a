"""What the page says of a report, as plain records: the templates lay it out and decide nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from xentcheck.contract.harmless import harmless
from xentcheck.report import findings, inferred, known, returned, tables, terminal
from xentcheck.report.citation import citation
from xentcheck.report.finding import Finding, identifier
from xentcheck.report.html import plots
from xentcheck.report.html.batch_table import BatchTable, batch_table
from xentcheck.report.html.number_line import NumberLine, number_line
from xentcheck.report.html.svg import Plot
from xentcheck.report.results import CONFORMS, VIOLATES, Grade, PropertyResult, ReportData

CODE = 200_000
"""Characters of a script at most."""


@dataclass(frozen=True)
class FindingView:
    """One finding as the page shows it."""

    finding: Finding
    anchor: str
    place: int
    formula: str
    batch: BatchTable | None
    line: NumberLine | None
    figures: list[tuple[str, str]]
    beneath: list[str]
    whether_one: str
    plots: list[Plot]
    script: str
    command: str
    name: str


@dataclass(frozen=True)
class GradeRow:
    """The grade of a part of the answers in one dtype, and its largest errors, each with where it was met."""

    dtype: str
    part: str
    grade: str
    errors: list[tuple[str, str]]
    note: str


@dataclass(frozen=True)
class LawRow:
    """One law: its statuses by dtype, each a key and its words, and the number of batches it was held on."""

    number: int
    name: str
    sentence: str
    cells: list[list[tuple[str, str]]]
    examples: int


@dataclass(frozen=True)
class ReportView:
    """One report as the page shows it."""

    report: ReportData
    anchor: str
    tone: str
    verdict: str
    sentence: str
    facts: list[tuple[str, str]]
    grades: list[GradeRow]
    findings: list[FindingView]
    dtypes: list[str]
    laws: list[LawRow]
    unjudged: list[tuple[str, str]]
    errors: dict[str, list[Plot]]
    witnesses: list[str]
    observations: list[str]
    waived: list[tuple[str, str]]
    waivers: list[str]
    citation: str


def view(report: ReportData, anchor: str, *, drawing: bool) -> ReportView:
    """Return what the page says of a report.

    Parameters
    ----------
    report : ReportData
    anchor : str
        What its ids begin with, unique within the page.
    drawing : bool
        Whether plots are made, for which matplotlib is needed.
    """
    sentence = terminal.verdict_line(report)
    formulas = _formulas() if report.findings else {}
    return ReportView(
        report=report,
        anchor=anchor,
        tone={CONFORMS: "good", VIOLATES: "bad"}.get(report.verdict, "unsure"),
        verdict=sentence.partition(":")[0],
        sentence=sentence.partition(f": {report.target.name}: ")[2] or sentence,
        facts=_facts(report),
        grades=_grades(report),
        findings=[
            _finding(report, finding, place, f"{anchor}-{place}", formulas, drawing=drawing)
            for place, finding in enumerate(findings.telling(report.findings), 1)
        ],
        dtypes=list(dict.fromkeys(law.dtype for law in report.properties)),
        laws=_laws(report.properties),
        unjudged=[(why, ", ".join(names)) for why, names in tables.unjudged(report.properties).items()],
        errors=_errors(report, anchor) if drawing else {},
        witnesses=[tables.witness_line(witness) for witness in report.witnesses],
        observations=list(tables.gathered(report.observations)),
        waived=known.waived_lines(report),
        waivers=known.waiver_lines(report),
        citation=citation(report.xentcheck),
    )


def _facts(report: ReportData) -> list[tuple[str, str]]:
    target, counts, on = report.target, report.counts, report.environment
    location = "" if target.location == target.name else target.location
    packages = ", ".join(f"{name} {version}" for name, version in on.packages.items())
    batches = f"{counts.run:,} of {counts.planned:,} judged, {counts.filtered:,} filtered, {counts.skipped:,} skipped"
    found = f"; {counts.findings:,} {'finding' if counts.findings == 1 else 'findings'}, {counts.waived:,} waived"
    python = f"Python {on.python}" if on.python else ""
    facts = [
        ("target", ", ".join(part for part in (target.name, location, target.version) if part)),
        ("contract", terminal.contract_line(report)),
        *inferred.rows(report),
        ("run", f"profile {report.profile}, seed {report.seed}, {report.seconds:.1f} s, xentcheck {report.xentcheck}"),
        ("batches", batches + found),
        ("target's interpreter", str(on.target or "")),
        ("environment", "; ".join(part for part in (python, on.platform, on.cpu, packages) if part)),
    ]
    return [(name, text) for name, text in facts if text]


def _grades(report: ReportData) -> list[GradeRow]:
    def row(dtype: str, part: str, grade: Grade) -> GradeRow:
        name = returned.spoken(report.target.contract, part)
        return GradeRow(dtype, name, grade.grade, list(tables.errors(part, grade).items()), grade.note)

    return [row(dtype, part, grade) for dtype, parts in report.grades.items() for part, grade in parts.items()]


def _finding(
    report: ReportData, finding: Finding, place: int, anchor: str, formulas: Mapping[str, str], *, drawing: bool
) -> FindingView:
    noun, name = str(report.target.contract.get("input", "logits")), returned.spoken(report.target.contract, "loss")
    return FindingView(
        finding=finding,
        anchor=anchor,
        place=place,
        formula=formulas.get(finding.property, ""),
        batch=batch_table(finding.batch, finding.part, noun) if finding.batch else None,
        line=number_line(finding),
        figures=findings.figures(finding),
        beneath=findings.beneath(finding),
        whether_one=findings.whether_one(finding),
        plots=plots.line_plots(finding.line, anchor, name) if drawing and finding.line is not None else [],
        script="\n".join(harmless(line, CODE) for line in finding.reproducer[:CODE].splitlines()),
        command=findings.narrowed(report, finding),
        name=identifier(finding),
    )


def _laws(results: tuple[PropertyResult, ...]) -> list[LawRow]:
    dtypes = dict.fromkeys(law.dtype for law in results)
    rows = []
    for group in tables.by_law(results):
        cells = [tables.statuses([law for law in group if law.dtype == dtype]) for dtype in dtypes]
        examples = sum(law.examples for law in group)
        rows.append(LawRow(group[0].number, group[0].name, group[0].law, cells, examples))
    return rows


def _errors(report: ReportData, anchor: str) -> dict[str, list[Plot]]:
    """Return the plots of errors, by the words that stand above them."""
    noun = str(report.target.contract.get("input", "logits"))
    found: dict[str, list[Plot]] = {}
    for dtype, parts in report.samples.items():
        for part, points in parts.items():
            if points.ulp:
                prefix = re.sub(r"\W", "_", f"{anchor}-{dtype}-{part}")
                found[f"{part} in {dtype}"] = [
                    plots.error_plot(points, axis, noun, part, dtype, f"{prefix}-{axis}") for axis in plots.AXES
                ]
    return found


def _formulas() -> dict[str, str]:
    from xentcheck.properties.registry import LAWS

    return {law.name: law.formula for law in LAWS}
