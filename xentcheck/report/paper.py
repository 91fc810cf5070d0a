"""A table for a paper: grades and worst errors of targets, in LaTeX (booktabs) or in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xentcheck.report import markdown
from xentcheck.report.citation import citation
from xentcheck.report.results import Grade, ReportData

HEADS = ("target", "dtype", "of", "grade", "ulp", "absolute", "share")
_NOTE = (
    "Largest errors known, lower bounds of the true largest: in units in the last place, absolute (of the loss in "
    "nats), and as a share of what any good algorithm may be off (above 1 a law is broken)."
)
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def in_markdown(reports: Sequence[ReportData]) -> str:
    """Return the table in Markdown."""
    lines: list[tuple[str, ...]] = [HEADS, ("---", "---", "---", "---", "---:", "---:", "---:")]
    lines += [(markdown.plain(target), *others) for target, *others in _rows(reports)]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", f"{_NOTE} {_made(reports)}"]) + "\n"


def in_latex(reports: Sequence[ReportData]) -> str:
    """Return the table in LaTeX; it takes the package booktabs."""
    rows = [" & ".join(map(_latex, row)) + r" \\" for row in _rows(reports)]
    head = " & ".join(HEADS) + r" \\"
    return (
        "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{_latex(_NOTE)} {_latex(_made(reports))}}}",
                r"\begin{tabular}{llllrrr}",
                r"\toprule",
                head,
                r"\midrule",
                *rows,
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
            ]
        )
        + "\n"
    )


def _rows(reports: Sequence[ReportData]) -> list[tuple[str, ...]]:
    return [
        (f"{report.target.name} {report.target.version}".strip(), dtype, part, *_figures(grade))
        for report in reports
        for dtype, parts in report.grades.items()
        for part, grade in parts.items()
    ]


def _figures(grade: Grade) -> tuple[str, ...]:
    largest = [None if one is None else one.value for one in (grade.max_error, grade.max_share)]
    return (grade.grade, *(_figure(value) for value in (grade.max_ulp, *largest)))


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    if not math.isfinite(value):
        return str(value)
    return f"{value:.2f}" if 0.01 <= abs(value) < 1000 or not value else f"{value:.1e}"


def _made(reports: Sequence[ReportData]) -> str:
    how = sorted({f"profile {one.profile}, seed {one.seed}" for one in reports})
    cited = sorted({citation(one.xentcheck) for one in reports})
    return f"Made with {'; '.join(how)} by: {' '.join(cited)}"


def _latex(words: str) -> str:
    line = " ".join(words.split())
    return "".join(_SPECIAL.get(letter, letter) for letter in line)
