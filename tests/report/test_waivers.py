"""Waivers: which findings they are about, what every format makes of them, and each mistake in their file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from xentcheck.contract.keys_loss import OUTPUTS
from xentcheck.report import github, junit, markdown, sarif, waiver_file
from xentcheck.report.html.page import page
from xentcheck.report.known import waiver_lines
from xentcheck.report.report import Report
from xentcheck.report.results import WaiverResult
from xentcheck.report.terminal import render
from xentcheck.report.waiver_table import WaiverError, waiver
from xentcheck.report.waivers import PASSES, Waiver, applied, not_heeded, same_target

TODAY = date(2026, 11, 28)
REASON = "known; 'quoted' \"twice\" \\ [x](y) <b>&\n::error::\x00\x7f"


@pytest.fixture
def found(violating: Report) -> Report:
    """A report as the engine gives it, whose findings say what happened; two have no mechanism."""
    moved, infinite, lost = violating.findings
    return replace(
        violating,
        interrupted=False,
        findings=(
            replace(moved, event="raised ValueError (mine.py:12)"),
            replace(infinite, event="an infinity for a finite number", digest="d2"),
            replace(lost, event="a wrong number", mechanism="eps_added", cause="eps = 1e-07 is added."),
        ),
    )


def waivers_of(report: Report, folder: Path, *places: int, **changes: Any) -> tuple[Waiver, ...]:
    """Return waivers of findings of a report, by way of a file; their digests are those of the findings."""
    given = {"reason": REASON, "versions": "", "expires": None, **changes}
    waivers: tuple[Waiver, ...] = ()
    for place in places:
        finding = report.findings[place]
        path = folder / f"{place}.toml"
        waiver_file.append(path, waiver_file.of_finding(report.target.name, finding, **given))
        waivers += tuple(replace(waiver, digest=finding.digest) for waiver in waiver_file.read(path))
    return waivers


def statuses(report: Report) -> list[str]:
    """Return the statuses of the waivers."""
    return [waiver.status for waiver in report.waivers]


@pytest.fixture
def partly(found: Report, tmp_path: Path) -> Report:
    """A report with a finding, a waived one, and a waiver that is stale."""
    waivers = waivers_of(found, tmp_path, 0, 2)
    mended = replace(found, findings=found.findings[1:])
    return applied(mended, waivers, {waivers[0]: (PASSES, "")}, TODAY)


def test_what_is_waived_is_apart(found: Report, tmp_path: Path) -> None:
    """The verdict follows from what is left; each is told with its reason, and the report is as whole as any."""
    report = applied(found, waivers_of(found, tmp_path, 2), {}, TODAY)
    assert report.verdict == "violates"
    assert [one.property for one in report.findings] == ["shift", "value"]
    assert [(one.property, one.waived) for one in report.waived] == [("value", REASON)]
    assert (report.counts.findings, report.counts.waived) == (2, 1)
    status = {(law.name, law.dtype, law.labels): law.status for law in report.properties}
    assert status["value", "float32", "sparse"] == "waived"
    assert status["value", "float64", "onehot"] == "failed"
    every = applied(found, waivers_of(found, tmp_path / "..", 0, 1, 2), {}, TODAY)
    assert every.verdict == "conforms"
    assert statuses(every) == ["waives"] * 3
    assert Report.from_json(every.to_json()) == every


CHANGES = {
    "another law": {"property": "gibbs"},
    "another dtype": {"dtype": "float16"},
    "other labels": {"labels": "soft"},
    "another event": {"event": "nan for a finite number"},
    "another part": {"part": "gradient[0, 1]"},
    "another mechanism": {"mechanism": "mean_for_sum"},
    "no mechanism": {"mechanism": "", "cause": ""},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_waiver_hides_nothing_else(found: Report, tmp_path: Path, change: dict[str, Any]) -> None:
    for place in range(3):
        (waiver,) = waivers_of(found, tmp_path, place)
        other = replace(found.findings[place], **change)
        assert waiver.is_of(found.findings[place])
        assert waiver.is_of(other) == (other == found.findings[place])


def test_with_a_mechanism_any_batch_is_it_but_no_other_constant(found: Report, tmp_path: Path) -> None:
    (waiver,) = waivers_of(found, tmp_path, 2)
    lost = found.findings[2]
    assert waiver.is_of(replace(lost, digest="d9", got=3.0))
    assert waiver.is_of(replace(lost, cause="eps = 1.001e-07 is added, and more."))
    assert not waiver.is_of(replace(lost, cause="eps = 1e-06 is added."))


def test_without_a_mechanism_it_is_the_batch_and_the_number(found: Report, tmp_path: Path) -> None:
    """Up to the allowance, which is what roundings may do."""
    lost = replace(found.findings[2], mechanism="", cause="")
    (waiver,) = waivers_of(replace(found, findings=(lost,)), tmp_path, 0)
    allowance = lost.allowance or 0.0
    assert waiver.is_of(lost)
    assert waiver.is_of(replace(lost, got=0.9 * allowance))
    assert not waiver.is_of(replace(lost, got=1.1 * allowance))
    assert not waiver.is_of(replace(lost, digest="d9"))


def test_the_line_that_raises_may_move(found: Report, tmp_path: Path) -> None:
    (waiver,) = waivers_of(found, tmp_path, 0)
    assert waiver.is_of(replace(found.findings[0], event="raised ValueError (mine.py:99)"))
    assert not waiver.is_of(replace(found.findings[0], event="raised ValueError (other.py:12)"))


def test_what_is_beneath_a_finding_is_waived_on_its_own(found: Report, tmp_path: Path) -> None:
    """A waiver of the first alone leaves the others, which are a finding then."""
    first = replace(found.findings[2], also=found.findings[:2])
    report = replace(found, findings=(first,))
    every = waivers_of(report, tmp_path, 0)
    assert len(every) == 3
    left = applied(report, [waiver for waiver in every if waiver.mechanism], {}, TODAY)
    assert [len(one.also) for one in left.findings] == [1]
    assert [(one.property, one.also) for one in left.waived] == [("value", ())]


@pytest.mark.parametrize(
    ("versions", "version", "status"),
    [
        (">=1.2,<2", "1.9.1", "waives"),
        (">=1.2,<2", "2.0", "other-version"),
        ("<2", "2.0rc1", "other-version"),
        ("<2", "1.9+cpu", "waives"),
        ("<2", "", "other-version"),
        ("<2", "of today", "other-version"),
    ],
)
def test_the_range_of_versions(found: Report, tmp_path: Path, versions: str, version: str, status: str) -> None:
    report = replace(found, target=replace(found.target, version=version))
    assert statuses(applied(report, waivers_of(report, tmp_path, 2, versions=versions), {}, TODAY)) == [status]


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_has_waivers(output: str) -> None:
    """What the report calls a part of an answer, by the contract's output, a file of waivers may call it, too."""
    batch = {"scores": {"dtype": "float64", "shape": [1, 1], "layout": "C", "values": [0.0]}, "label_form": "none"}
    table = {"target": "m.py:f", "law": "value", "dtype": "float64", "labels": "sparse", "reason": "known"}
    table |= {"batch": json.dumps(batch), "event": "a wrong number", "part": f"{output}[0]"}
    assert waiver(table, "it").part == f"{output}[0]"


@pytest.mark.parametrize(("day", "status"), [(27, "expired"), (28, "waives")])
def test_the_last_day(found: Report, tmp_path: Path, day: int, status: str) -> None:
    waivers = waivers_of(found, tmp_path, 2, expires=date(2026, 11, day))
    assert statuses(applied(found, waivers, {}, TODAY)) == [status]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mine.py:loss", "mine:loss", True),  # the name of the function itself, as pytest may have been given it
        ("./mine.py:loss", "mine.py:loss", True),
        ("pkg/mine.py:loss", "pkg.mine:loss", True),
        ("mine.py:loss", "mine.py:other", False),
        ("pkg/mine.py:loss", "mine.py:loss", False),
        ("reference", "reference", True),
        ("reference", "reference.compiled", False),
    ],
)
def test_a_target_by_its_file_or_its_module(one: str, other: str, same: bool) -> None:
    """What the command line calls by its file, pytest may call by its module."""
    assert same_target(one, other) is same
    assert same_target(other, one) is same


@pytest.mark.parametrize(
    ("stated", "judged", "said"),
    [
        (["mine.py:los"], ["mine.py:loss"], "the waivers of mine.py:los waive nothing here: judged was mine.py:loss."),
        (["old.py:f"], ["mine.py:loss"], "the waivers of old.py:f waive nothing here: judged was mine.py:loss."),
        (["mine:loss", "mine.py:los"], ["mine.py:loss"], "the waivers of mine.py:los waive"),
        (list("abcde"), ["f", "g"], "the waivers of a, b, c and 2 more waive nothing here: judged was f, g."),
        (["mine:loss", "old.py:f"], ["mine.py:loss"], ""),  # for another run with the same file
        (["mine:loss"], ["mine.py:loss", "other.py:loss"], ""),
        (["mine.py:loss"], [], ""),  # no target could be judged, which has been said
    ],
)
def test_a_waiver_of_another_target_is_told_where_it_looks_like_a_mistake(
    found: Report, tmp_path: Path, stated: list[str], judged: list[str], said: str
) -> None:
    (one,) = waivers_of(found, tmp_path, 2)
    told = not_heeded([replace(one, target=name) for name in stated], judged)
    assert told.startswith(said) if said else told == ""


def test_each_format_tells_of_them(partly: Report) -> None:
    """Terminal, page, JUnit, Markdown, SARIF and annotations; whatever stands in the reason."""
    assert statuses(partly) == ["stale", "waives"]
    shown = render(partly)
    assert "Waived  known and accepted" in shown
    assert " ".join(shown.split()).count("1 finding is not waived: it is new, or was hidden behind these") == 1
    assert "stale: the waiver of shift" in shown
    assert "1 finding, 1 finding waived" in shown
    assert "&lt;b&gt;" in page(partly)
    assert "<b>" not in page(partly)
    cases = ElementTree.fromstring(junit.text([partly], {}).encode()).iter("testcase")
    said = {case.attrib["name"]: [child.attrib["message"] for child in case.iter("skipped")] for case in cases}
    assert said["law 1, value (float32, sparse)"][0].startswith("waived: known;")
    told = markdown.text([partly], {})
    assert "| 1, 1 waived |" in told
    assert "- waived: law 1, value" in told
    assert "- stale: the waiver of shift" in told
    lines = github.text([partly], {}).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::notice", "::warning"]


def test_waivers_of_which_the_same_is_said_share_a_line(conforming: Report) -> None:
    """With each law and cell that they are of; another reason, or another end, is a line of its own."""
    cells = [(law, dtype) for law in ("value", "shift") for dtype in ("float32", "float64")]
    stale = [WaiverResult(law, dtype, "sparse", "", "known", "stale", "its batch passes") for law, dtype in cells]
    stale += [replace(stale[0], mechanism="eps_added"), stale[3], replace(stale[1], reason="another")]
    other = replace(stale[0], status="unmet", why="its batch is still wrong")
    report = replace(conforming, waivers=(*stale, other))
    each = "value (float32 sparse, float64 sparse); shift (float32 sparse, float64 sparse); value, eps_added (float32 "
    lines = [
        f"stale: each of 6 waivers can go: its batch passes (known): {each}sparse)",
        "stale: the waiver of value, float64, sparse can go: its batch passes (another)",
        "unmet: the waiver of value, float32, sparse was not needed: its batch is still wrong (known)",
    ]
    assert waiver_lines(report) == lines
    shown = " ".join(render(report).split())
    assert all(line in shown for line in lines)
    warnings = [line for line in github.text([report], {}).splitlines() if line.startswith("::warning")]
    assert len(warnings) == 2


def test_nothing_is_said_of_findings_where_all_are_waived(found: Report, tmp_path: Path) -> None:
    """Nor where none is: a hint to waive the next one belongs beneath those that are waived."""
    several = " ".join(render(applied(found, waivers_of(found, tmp_path, 0), {}, TODAY)).split())
    assert "2 findings are not waived: they are new, or were hidden behind these" in several
    assert "not waived" not in render(applied(found, waivers_of(found, tmp_path, 0, 1, 2), {}, TODAY))
    assert "not waived" not in render(found)


def test_sarif_suppresses_what_is_waived(partly: Report) -> None:
    results = json.loads(sarif.text([partly], {}))["runs"][0]["results"]
    accepted = {"kind": "external", "status": "accepted", "justification": REASON}
    assert [one.get("suppressions") for one in results] == [None, [accepted]]


def test_the_schema_knows_them(partly: Report) -> None:
    schema = json.loads(resources.files("xentcheck.report").joinpath("report.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(json.loads(partly.to_json()))


def test_a_file_keeps_every_character_and_its_comments(found: Report, tmp_path: Path) -> None:
    (waiver,) = waivers_of(found, tmp_path, 2, versions=">=1", expires=date(2027, 1, 31))
    assert (waiver.reason, waiver.versions, waiver.expires) == (REASON, ">=1", date(2027, 1, 31))
    assert (waiver.batch, waiver.got) == (found.findings[2].batch, found.findings[2].got)
    path = tmp_path / "2.toml"
    path.write_text("# mine\n" + path.read_text("utf-8"), encoding="utf-8")
    waivers_of(found, tmp_path, 2)
    assert len(waiver_file.read(path)) == 2
    assert path.read_text("utf-8").startswith("# mine\n")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("reason = ", "# reason = ", "Waiver 1 of .* has no reason; say why"),
        ('reason = "r"', 'reason = " "', "has no reason"),
        ("reason = ", "raeson = ", r"has a key 'raeson' \(did you mean 'reason'\?\)"),
        ("[[waiver]]", "[waiver]", r"has one table \[waiver\]; write \[\[waiver\]\]"),
        ("[[waiver]]", "[[wavier]]", r"has a key 'wavier' \(did you mean 'waiver'\?\)"),
        ("event = ", "# ", "has no 'event'; `xentcheck waive` writes"),
        ('labels = "sparse"', "labels = 3", "labels is 3, but must be a text"),
        ("expires = 2027-01-31", 'expires = "soon"', "expires is 'soon', but must be a date such as"),
        ("expires = 2027-01-31", "expires = 2027-01-31T10:00:00", "but must be a date such as"),
        ('versions = ">=1"', 'versions = "one"', "versions is 'one', but must be a range such as"),
        ('"float32", "shape"', '"float33", "shape"', "its batch cannot be read: There is no dtype"),
        ("batch = '{", "batch = '", "its batch cannot be read"),
        ('law = "value"', 'law = "vlaue"', r"law is 'vlaue' \(did you mean 'value'\?\); `xentcheck properties`"),
        ('dtype = "float32"', 'dtype = "float23"', r"dtype is 'float23' \(did you mean '.*'\?\); it may be float16, "),
        ('labels = "sparse"', 'labels = "spars"', r"labels is 'spars' \(did you mean 'sparse'\?\)"),
        ('part = "loss[0]"', 'part = "los[0]"', r"part is 'los' \(did you mean 'loss'\?\)"),
        ('versions = ">=1"', 'versions = ">=2,<1"', "no version is within '>=2,<1', so that it would waive nothing"),
        ("got = 0.0", 'got = 0.0\nvector = "1"', "vector is '1', but must hold numbers"),
        ("got = 0.0", "got = 0.0\nupstream = [[1.0], [true]]", "upstream is .*, but must hold numbers"),
        ("got = 0.0", "got = [1]", r"got is \[1\], but must be a number or a text"),
        ('event = "a wrong number"', 'event = "ended: killed"', "what ends the target's process cannot be waived"),
        ("reason = ", "reason ", "The waivers .* cannot be read: "),
    ],
)
def test_each_mistake_is_one_sentence(found: Report, tmp_path: Path, before: str, after: str, said: str) -> None:
    waivers_of(found, tmp_path, 2, reason="r", versions=">=1", expires=date(2027, 1, 31))
    path = tmp_path / "2.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(WaiverError, match=said) as caught:
        waiver_file.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("versions", "some"),
    [
        (">1,<1.0.1", True),
        (">=2.0rc1,<2.0.1", True),
        ("~=1.4.2,!=1.4.2", True),
        ("==1.9+cpu", True),
        ("!=0,<1", True),
        ("!=1.*,>=1,<3", True),
        ("!=1.*,>=1,<2", False),
        ("==1.2,==1.3", False),
        (">1.2,<=1.2", False),
        ("===today", False),
    ],
)
def test_whether_any_version_is_within_a_range(found: Report, tmp_path: Path, versions: str, some: bool) -> None:
    if some:
        assert [waiver.versions for waiver in waivers_of(found, tmp_path, 2, versions=versions)] == [versions]
    else:
        with pytest.raises(WaiverError, match="no version is within"):
            waivers_of(found, tmp_path, 2, versions=versions)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    for path, said in ((tmp_path / "none.toml", "No such file"), (tmp_path / "latin.toml", "not UTF-8")):
        with pytest.raises(WaiverError, match=said):
            waiver_file.read(path)


def test_what_cannot_be_waived(found: Report) -> None:
    """A crash, and what an earlier version reported."""
    for event, said in (("ended: killed by signal 11", "ends the target's process"), ("", "judge the target again")):
        with pytest.raises(WaiverError, match=said):
            waiver_file.of_finding("mine", replace(found.findings[0], event=event), "known", "", None)
