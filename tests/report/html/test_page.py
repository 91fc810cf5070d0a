"""The page as a document: well-formed, whole in itself, alike each time, and saying what the report says."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

import xentcheck
from xentcheck.report.html import page as html
from xentcheck.report.report import Report
from xentcheck.report.results import TargetSummary

Apart = Callable[[str], Any]
KINDS = ("conforming", "violating", "nothing", "complete")


@pytest.fixture(params=KINDS)
def report(request: pytest.FixtureRequest) -> Report:
    """A report of each kind."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Report)
    return found


def test_every_page_is_a_document_whole_in_itself(report: Report, taken_apart: Apart) -> None:
    """Nested as it must be, one of each id, headings without gaps, no script, nothing that is fetched."""
    source = report.to_html()
    page = taken_apart(source)
    assert source.startswith("<!doctype html>\n")
    assert page.all("html", lang="en")
    assert [level for level, _ in page.headings][:1] == [1]
    levels = [level for level, _ in page.headings]
    assert all(after <= before + 1 for before, after in pairwise(levels)), page.headings
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    assert not {"script", "link", "img", "iframe", "object", "base"} & {name for name, _ in page.elements}
    assert not re.search(r"(?i)https?:|@import|\burl\((?!#)", source)
    for name, attributes in page.elements:
        assert not any(key.startswith("on") for key in attributes), name
        for key in ("href", "aria-labelledby"):
            assert key not in attributes or str(attributes[key]).lstrip("#") in ids, attributes
    referred = re.findall(r'(?:href="|url\()#([^")]+)', source)
    assert set(referred) <= set(ids)


def test_every_picture_is_told_in_words(complete: Report, taken_apart: Apart) -> None:
    """Plots and number lines are images with a name; what they are made of is hidden from a screen reader."""
    page = taken_apart(complete.to_html())
    images = [attributes for _, attributes in page.elements if attributes.get("role") == "img"]
    pictures = page.all("svg")
    assert len(pictures) == 2 * 3 + 2
    assert all(attributes["aria-hidden"] == "true" for attributes in pictures)
    assert len(images) == len(pictures) + 2
    assert all(len(str(attributes["aria-label"])) > 40 for attributes in images)
    words = " ".join(str(attributes["aria-label"]) for attributes in images)
    assert "any number of ulp where the offset is 1e+08; 1 of them failed" in words
    assert "outside the allowance at 20 of 41 points, with t from 1.1 to 3" in words


def test_the_text_of_a_page(violating: Report, taken_apart: Apart, snapshot: SnapshotAssertion) -> None:
    """What a reader finds, from the verdict to the laws."""
    assert taken_apart(violating.to_html()).text == snapshot


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("conforming", "CONFORMS"),
        ("violating", "VIOLATES"),
        ("nothing", "NOTHING JUDGED"),
    ],
)
def test_the_verdict_is_on_top(kind: str, words: str, request: pytest.FixtureRequest, taken_apart: Apart) -> None:
    """It is in the title and in the third line."""
    page = taken_apart(request.getfixturevalue(kind).to_html())
    assert page.words[0] == f"{words}: mine.py:loss - xentcheck"
    assert page.words[3] == words


def test_an_interrupted_run_says_so(conforming: Report, taken_apart: Apart) -> None:
    """And does not say that no law was broken."""
    report = dataclasses.replace(conforming, verdict="interrupted", interrupted=True)
    page = taken_apart(report.to_html())
    assert "INTERRUPTED" in page.words
    assert "No law was broken." not in page.words
    assert "No law was broken." in taken_apart(conforming.to_html()).words


def test_a_report_of_nothing_but_a_name_has_a_page(taken_apart: Apart) -> None:
    """Everything else may be missing."""
    page = taken_apart(Report(TargetSummary("x")).to_html())
    assert (1, "x") in page.headings


@pytest.mark.slow
def test_the_page_is_made_from_the_json_alone(complete: Report) -> None:
    """The report as it is read back gives the same bytes, and so it does the second time."""
    source = complete.to_html()
    assert Report.from_json(complete.to_json()).to_html() == source
    assert complete.to_html() == source


@pytest.mark.slow
def test_the_page_is_the_same_in_another_process(complete: Report, tmp_path: Path) -> None:
    """Neither the hash seed, the date nor the user's settings of matplotlib change it."""
    complete.save(tmp_path / "r.json")
    (tmp_path / "matplotlibrc").write_text(
        "axes.linewidth: 7\nxtick.major.size: 20\nlegend.frameon: True\n", encoding="utf-8"
    )
    code = "import sys; from xentcheck import Report; Report.from_json(open('r.json').read()).save(sys.argv[1])"
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "SOURCE_DATE_EPOCH": seed,
            "PYTHONPATH": str(Path(xentcheck.__file__).parent.parent),
        }
        subprocess.run([sys.executable, "-c", code, f"{seed}.html"], cwd=tmp_path, env=environment, check=True)
    source = complete.to_html()
    assert (tmp_path / "1.html").read_text(encoding="utf-8") == source
    assert (tmp_path / "2.html").read_text(encoding="utf-8") == source


def test_many_findings_are_listed_and_folded(violating: Report, taken_apart: Apart) -> None:
    """The first ones are open, the others behind a line each; the list on top leads to all of them."""
    one = violating.findings[-1]
    many = tuple(dataclasses.replace(one, place=place, title=f"wrong {place}") for place in range(1, 31))
    page = taken_apart(dataclasses.replace(violating, findings=many).to_html())
    assert len(page.all("section", class_="finding")) == html.OPEN
    assert len(page.all("details", class_="finding")) == 30 - html.OPEN
    assert sorted(attributes["href"] for attributes in page.all("a")) == sorted(f"#t1-{n}" for n in range(1, 31))
    assert page.words.count("Got against certified") == 30


def test_several_targets_are_on_one_page(conforming: Report, complete: Report, taken_apart: Apart) -> None:
    """Each leads on, and what could not be judged is told."""
    sections = [html.section(report, place) for place, report in enumerate((conforming, complete, complete), 1)]
    source = html.document(sections, {"no.py:loss": "The file <no.py> does not exist."})
    page = taken_apart(source)
    assert page.words[0] == "3 targets - xentcheck"
    assert [attributes["href"] for attributes in page.all("a")][:3] == ["#t1", "#t2", "#t3"]
    assert "The file <no.py> does not exist." in page.words
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert max(ids.values()) == 1


def test_the_formula_of_the_law_is_there(violating: Report, taken_apart: Apart) -> None:
    """With its indices set low."""
    source = violating.to_html()
    assert '<p class="formula">|loss − L(z, y)| ≤ allowance, where L = log Σ<sub>j</sub> exp(z<sub>j</sub>)' in source


def test_every_formula_is_of_a_law() -> None:
    """All laws about numbers have one; words are all there is to calls, dtypes and side effects."""
    from xentcheck.properties.registry import LAWS

    without = {law.name for law in LAWS if not law.formula}
    assert without == {"answers", "bad-input", "layout", "purity", "determinism"}
