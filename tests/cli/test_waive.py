"""`xentcheck waive` writes a finding down as known, and `check --waivers` has it so."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import report
from tests.report.conftest import PAIR
from xentcheck.cli import main
from xentcheck.report.results import WaiverResult
from xentcheck.report.stored import several
from xentcheck.report.waiver_file import read

REASON = ("--reason", "known, issue 12")


def stored(name: str = "mine", **changes: Any) -> Any:
    """Return a report with two findings that can be waived."""
    (found,) = report(name, "violates").findings
    whole = dataclasses.replace(found, batch=PAIR, event="a wrong number", got=0.5, part="loss", **changes)
    other = dataclasses.replace(whole, property="shift", digest="d2")
    return dataclasses.replace(report(name, "violates"), findings=(whole, other))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a report."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.json").write_text(stored().to_json(), encoding="utf-8")
    return tmp_path


def test_all_findings_or_the_one_that_is_named(here: Path, capsys: Any) -> None:
    assert main(["waive", "r.json", "value-float32-sparse-d1", *REASON, "--expires", "2027-01-31"]) == 0
    (waiver,) = read("xentcheck-waivers.toml")
    assert (waiver.target, waiver.law, waiver.reason) == ("mine", "value", "known, issue 12")
    assert str(waiver.expires) == "2027-01-31"
    assert capsys.readouterr().out.endswith("1 waiver added to xentcheck-waivers.toml\n")
    assert main(["waive", "r.json", *REASON, "-o", "other.toml", "--versions", "<2"]) == 0
    assert [(one.law, one.versions) for one in read("other.toml")] == [("value", "<2"), ("shift", "<2")]


def test_what_is_there_is_not_written_twice(here: Path, capsys: Any) -> None:
    """But one that holds longer is."""
    assert main(["waive", "r.json", "value-float32-sparse-d1", *REASON]) == 0
    assert main(["waive", "r.json", *REASON]) == 0
    assert capsys.readouterr().out.endswith("1 waiver added to xentcheck-waivers.toml; 1 had been there\n")
    assert main(["waive", "r.json", *REASON, "--expires", "2030-01-01"]) == 0
    assert len(read("xentcheck-waivers.toml")) == 4


def test_a_report_of_several_targets(here: Path) -> None:
    (here / "r.json").write_text(several([stored("a"), stored("b")], {}), encoding="utf-8")
    assert main(["waive", "r.json", *REASON]) == 0
    assert [one.target for one in read("xentcheck-waivers.toml")] == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["r.json"], "Missing option '--reason'."),
        (["r.json", "--reason", " "], "--reason is empty; say why the finding is accepted."),
        (["r.json", "other", *REASON], "r.json has no finding 'other'; its findings are value-float32-sparse-d1, "),
        (["none.json", *REASON], "none.json cannot be read: No such file or directory."),
        (["damaged.json", *REASON], "damaged.json cannot be used: "),
        (["newer.json", *REASON], "xentcheck-report/9, and this xentcheck reads xentcheck-report/1: use a newer one."),
        (["foreign.json", *REASON], "This is no xentcheck-report/1 report: its schema is None."),
        (["r.json", *REASON, "-o", "none/w.toml"], "--output none/w.toml cannot be written: there is no folder"),
        (["r.json", *REASON, "-o", "r.json"], "The waivers r.json cannot be read: "),
        (["r.json", *REASON, "--versions", "one"], "versions is 'one', but must be a range"),
        (["r.json", *REASON, "--expires", "soon"], "'soon' does not match the format '%Y-%m-%d'."),
    ],
)
def test_each_mistake_is_one_sentence(here: Path, capsys: Any, words: list[str], said: str) -> None:
    """And nothing is written."""
    (here / "damaged.json").write_text('{"schema": "xentcheck-report/1"', encoding="utf-8")
    (here / "newer.json").write_text('{"schema": "xentcheck-report/9"}', encoding="utf-8")
    (here / "foreign.json").write_text("{}", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    assert main(["waive", *words]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert (out, err.count("\n")) == ("", 1)
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


def test_check_hands_the_waivers_on(engine: Any, call: Any) -> None:
    """Read once, before anything is judged; a file that cannot be read is status 2, and the command has it."""
    Path("r.json").write_text(stored().to_json(), encoding="utf-8")
    assert main(["waive", "r.json", *REASON, "-o", "w.toml"]) == 0
    assert call("check", "a", "--waivers", "w.toml", "--json", "a.json")[0] == 0
    assert [one.law for one in engine.asked[0][1]["waivers"]] == ["value", "shift"]
    assert '"command": "xentcheck check a --waivers w.toml"' in Path("a.json").read_text("utf-8")
    status, _, err = call("check", "a", "--waivers", "none.toml")
    assert (status, err) == (2, "xentcheck: The waivers none.toml cannot be read: No such file or directory.\n")
    assert len(engine.asked) == 1


def test_check_tells_of_waivers_for_another_target(engine: Any, call: Any) -> None:
    """The status is that of the findings, which are not waived."""
    Path("r.json").write_text(stored("b").to_json(), encoding="utf-8")
    assert main(["waive", "r.json", *REASON, "-o", "w.toml"]) == 0
    said = "xentcheck: the waivers of b waive nothing here: judged was a.\n"
    assert call("check", "a", "--waivers", "w.toml")[::2] == (0, said)
    assert call("check", "a", "b", "--waivers", "w.toml")[::2] == (0, "")


@pytest.mark.parametrize(("words", "status"), [([], 0), (["--strict-waivers"], 1)])
def test_a_stale_waiver_is_said_and_fails_if_strict(engine: Any, call: Any, words: list[str], status: int) -> None:
    stale = WaiverResult("value", "float32", "sparse", "", "known", "stale", "its batch passes")
    engine.answers["a"] = report("a", waivers=(stale,))
    given, out, err = call("check", "a", *words)
    assert given == status
    why = "xentcheck: 1 waiver is stale and can go; with --strict-waivers that is exit status 1.\n"
    assert err == (why if words else "")  # the verdict itself is that it conforms
    assert "stale: the waiver of value, float32, sparse can go: its batch passes (known)" in out
