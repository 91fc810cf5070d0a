"""`xentcheck compare` puts stored reports side by side, and says what broke and what was mended."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import report
from xentcheck.cli import main
from xentcheck.report.report import Report
from xentcheck.report.results import Grade, PropertyResult
from xentcheck.report.stored import several

NUMBERS = {"value": 1, "own-gradient": 2, "shift": 3}


def judged(name: str, grade: str, **laws: str) -> Report:
    """Return a report of a target: a grade of the loss, and the status of laws in float64."""
    properties = tuple(
        PropertyResult(law, NUMBERS[law], "A law.", "float64", "sparse", status, 3, 0.1)
        for law, status in ((law.replace("_", "-"), status) for law, status in laws.items())
    )
    verdict = "violates" if "failed" in laws.values() else "conforms"
    return dataclasses.replace(report(name, verdict), properties=properties, grades={"float64": {"loss": Grade(grade)}})


def stored(folder: Path, name: str, *reports: Report) -> str:
    """Write reports to a file, and return its path."""
    path = folder / name
    path.write_text(several(reports, {}) if len(reports) > 1 else reports[0].to_json(), encoding="utf-8")
    return str(path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: Any, capsys: Any) -> Any:
    """Call the command in a folder of its own; return status, lines and the error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str) -> tuple[int, list[list[str]], str]:
        status = main(["compare", *words])
        out, err = capsys.readouterr()
        return status, [line.split() for line in out.splitlines()], err

    return call


def test_what_broke_and_what_was_mended(run: Any, tmp_path: Path) -> None:
    stored(tmp_path, "a.json", judged("mine", "B", value="passed", own_gradient="failed", shift="passed"))
    stored(tmp_path, "b.json", judged("mine", "C", value="failed", own_gradient="passed", shift="passed"))
    status, lines, _ = run("a.json", "b.json")
    assert status == 1
    assert ["float64", "loss", "B", "C", "worse"] in lines
    assert ["law", "1,", "value", "(float64)", "held", "BROKEN", "broke"] in lines
    assert ["law", "2,", "own-gradient", "(float64)", "BROKEN", "held", "mended"] in lines
    assert not any("3," in line for line in lines)
    status, lines, _ = run("b.json", "a.json", "--all")
    assert status == 1  # what was mended does not excuse what broke
    assert ["float64", "loss", "C", "B", "better"] in lines
    assert ["law", "3,", "shift", "(float64)", "held", "held"] in lines


def test_nothing_worse_is_zero(run: Any, tmp_path: Path) -> None:
    stored(tmp_path, "a.json", judged("mine", "fail", value="failed"))
    stored(tmp_path, "b.json", judged("mine", "A*", value="passed"))
    assert run("a.json", "b.json")[0] == 0
    assert run("a.json", "a.json")[0] == 0


def test_a_law_that_is_not_judged_any_more_is_not_mended(run: Any, tmp_path: Path) -> None:
    stored(tmp_path, "a.json", judged("mine", "B", value="failed"))
    stored(tmp_path, "b.json", judged("mine", "B", value="skipped"))
    status, lines, _ = run("a.json", "b.json")
    assert status == 0
    assert ["law", "1,", "value", "(float64)", "BROKEN", "skipped"] in lines


def test_targets_of_one_file_stand_beside_each_other(run: Any, tmp_path: Path) -> None:
    stored(tmp_path, "a.json", judged("one", "B", value="failed"), judged("two", "A", value="passed"))
    status, lines, _ = run("a.json", "--markdown", "m.md")
    assert status == 0
    assert lines[0] == ["one", "two"]
    assert ["law", "1,", "value", "(float64)", "BROKEN", "held"] in lines
    rows = (tmp_path / "m.md").read_text().splitlines()
    assert rows[:2] == ["|  | one | two |", "| --- | --- | --- |"]  # and no column for what changed: nothing can have
    assert "| law 1, value (float64) | BROKEN | held |" in rows
    assert run("a.json", "--html", "c.html")[0] == 0
    assert "change</th>" not in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_what_changed_is_a_column_of_the_table(run: Any, tmp_path: Path) -> None:
    """In Markdown, for a pull request; empty where nothing changed in the row."""
    stored(tmp_path, "a.json", judged("mine", "B", value="passed"))
    stored(tmp_path, "b.json", judged("mine", "B", value="failed"))
    run("a.json", "b.json", "--markdown", "m.md")
    rows = (tmp_path / "m.md").read_text().splitlines()
    assert "| law 1, value (float64) | held | BROKEN | **broke** |" in rows
    assert "| verdict | conforms | violates |  |" in rows


def test_several_targets_of_two_files_are_compared_each_with_itself(run: Any, tmp_path: Path) -> None:
    stored(tmp_path, "a.json", judged("one", "B"), judged("two", "A"), judged("gone", "A"))
    stored(tmp_path, "b.json", judged("two", "B"), judged("one", "B"))
    status, lines, err = run("a.json", "b.json")
    assert status == 1
    assert [line for line in lines if "a.json" in line] == [
        ["one:", "a.json", "one:", "b.json"],
        ["two:", "a.json", "two:", "b.json"],
    ]
    assert err == "gone is in one of the files only\n"


def test_what_else_differs_is_said(run: Any, tmp_path: Path) -> None:
    one = judged("mine", "B")
    other = dataclasses.replace(one, seed=3, target=dataclasses.replace(one.target, contract={"reduction": "sum"}))
    stored(tmp_path, "a.json", one)
    stored(tmp_path, "b.json", other)
    said = [" ".join(line) for line in run("a.json", "b.json")[1]]
    assert "They were judged with another seed, so that more than the target may differ." in said
    assert "They were held to other contracts: reduction." in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.json",), "There is one report only; give two files, or one with several targets."),
        (("a.json", "none.json"), "none.json cannot be read: No such file or directory."),
        (("a.json", "a.json", "--markdown", "no/m.md"), "--markdown no/m.md cannot be written: there is no folder"),
    ],
)
def test_bad_input_is_one_sentence(run: Any, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    stored(tmp_path, "a.json", judged("mine", "B"))
    status, lines, err = run(*words)
    assert (status, lines) == (2, [])
    assert err.startswith(f"xentcheck: {said}")
    assert err.count("\n") == 1


def test_hostile_names_are_shown_escaped(run: Any, tmp_path: Path) -> None:
    stored(tmp_path, "a.json", judged("\x1b[31m|x", "B", value="passed"), judged("two", "B", value="failed"))
    assert run("a.json", "--markdown", "m.md")[1][0][0] == "\\x1b[31m|x"
    assert "\x1b" not in (tmp_path / "m.md").read_text()


def test_the_page_has_every_row_and_its_change(run: Any, tmp_path: Path) -> None:
    """Names are escaped; nothing is left behind where the file cannot be written."""
    stored(tmp_path, "a.json", judged("<mine>", "B", value="passed", shift="passed"))
    stored(tmp_path, "b.json", judged("<mine>", "C", value="failed", shift="passed"))
    assert run("a.json", "b.json", "--html", "c.html")[0] == 1
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert '<td class="bad">broke</td>' in page
    assert "law 3, shift (float64)" in page
    assert "&lt;mine&gt;: a.json" in page
    assert "<mine>" not in page
    status, _, error = run("a.json", "b.json", "--html", "none/c.html")
    assert status == 2
    assert "no folder" in error
