"""What a paper takes from a report: the table, the line that cites it, and whether a run was repeated."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from xentcheck.report import markdown, paper
from xentcheck.report.citation import AUTHORS, TITLE, citation
from xentcheck.report.html.page import page
from xentcheck.report.repetition import repetition
from xentcheck.report.report import Report

ROOT = Path(__file__).parents[2]
HOSTILE = "a_b&c%d$e#f{g}h~i^j\\k|l\n<m>"


def test_the_facts_are_those_of_the_citation_file() -> None:
    facts = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert facts["title"] == TITLE
    assert [author["name"] for author in facts["authors"]] == [AUTHORS]


def test_a_report_says_how_it_is_cited(conforming: Report) -> None:
    line = "The xentcheck developers. xentcheck: certified verdicts on cross-entropy losses, version 0.1.0."
    assert citation(conforming.xentcheck) == line
    assert json.loads(conforming.to_json())["citation"] == line
    assert Report.from_json(conforming.to_json()) == conforming
    assert f"Cite as: {line}" in page(conforming)
    assert f"Cite as: {line}" in markdown.text([conforming], {})


def test_the_table_has_each_grade_with_its_errors(conforming: Report, violating: Report) -> None:
    """Of every target, dtype and part; what is not known is a dash."""
    lines = paper.in_latex([conforming, violating]).splitlines()
    rows = [line.removesuffix(r" \\").split(" & ") for line in lines if line.endswith(r"\\")]
    assert rows == [
        ["target", "dtype", "of", "grade", "ulp", "absolute", "share"],
        ["mine.py:loss", "float32", "loss", "A*", "0.50", "3.0e-08", "0.13"],
        ["mine.py:loss", "float32", "gradient", "B+", "1.75", "2.0e-08", "-"],
        ["mine.py:loss", "float64", "loss", "B", "1.2e+04", "-", "-"],
        ["mine.py:loss", "float32", "loss", "fail", "inf", "-", "1.4e+06"],
        ["mine.py:loss", "float32", "gradient", "C", "-", "-", "-"],
    ]
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert any(r"\caption{" in line and "profile quick, seed 7" in line and "version 0.1.0" in line for line in lines)


def test_latex_has_no_letter_of_the_target_that_means_something(conforming: Report) -> None:
    named = replace(conforming, target=replace(conforming.target, name=HOSTILE))
    row = next(line for line in paper.in_latex([named]).splitlines() if line.startswith("a"))
    name = row.partition(" & float32")[0]
    assert name == r"a\_b\&c\%d\$e\#f\{g\}h\textasciitilde{}i\textasciicircum{}j\textbackslash{}k|l <m>"


def test_the_table_in_markdown_is_one(conforming: Report) -> None:
    """As a parser reads it, with the name of the target as it is."""
    named = replace(conforming, target=replace(conforming.target, name=HOSTILE, version="1.0"))
    made = MarkdownIt("commonmark").enable("table").render(paper.in_markdown([named]))
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in made.split("<tr>")[2:]]
    assert [row[1:4] for row in cells] == [
        ["float32", "loss", "A*"],
        ["float32", "gradient", "B+"],
        ["float64", "loss", "B"],
    ]
    assert cells[0][0] == "a_b&amp;c%d$e#f{g}h~i^j\\k|l &lt;m&gt; 1.0"


def test_a_run_that_is_repeated(violating: Report) -> None:
    """Alike, whatever time it took; the verdict, the batches, the findings and the grades are told apart."""
    found = repetition(violating, replace(violating, seconds=99.0))
    assert found.alike
    assert len(found.same) == 4
    for change, said in (
        ({"verdict": "conforms"}, "verdict: was violates, is conforms"),
        ({"digest": "d" * 64}, "batches: was none, is dddddddddddddddd"),
        ({"findings": violating.findings[:1]}, "findings: was "),
        ({"grades": {}}, "grades: was float32 gradient C, float32 loss fail, is none"),
    ):
        (line,) = repetition(violating, replace(violating, **change)).other
        assert line.startswith(said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"python": "3.14.0"}, "Python: was 3.11.7, is 3.14.0"),
        ({"packages": {"numpy": "3.0"}}, "numpy: was 2.4.0, is 3.0"),
        ({"packages": {}}, "numpy: was 2.4.0, is unknown"),
    ],
)
def test_what_else_differs(conforming: Report, change: dict[str, object], said: str) -> None:
    """It is told, and does not count."""
    after = replace(conforming, environment=replace(conforming.environment, **change))
    found = repetition(conforming, after)
    assert (found.alike, found.surroundings) == (True, (said,))
