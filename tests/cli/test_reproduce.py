"""`xentcheck reproduce` runs the scripts of a stored report, and tells which defects are still there."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import report
from xentcheck.cli import main
from xentcheck.report.stored import several


def stored(folder: Path, *scripts: str, **changes: Any) -> str:
    """Write a report with a finding for each script, and return its path."""
    (found,) = report("mine", "violates").findings
    findings = tuple(
        dataclasses.replace(found, reproducer=script, digest=f"d{place}", **changes)
        for place, script in enumerate(scripts)
    )
    path = folder / "report.json"
    path.write_text(dataclasses.replace(report("mine", "violates"), findings=findings).to_json(), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("print('got 7')\nraise SystemExit(1)", 1, "  got 7\n  is still there\n"),
        ("raise SystemExit(0)", 0, "  is not there any more, or cannot be seen in one call\n"),
        ("1 / 0", 2, "  ZeroDivisionError: division by zero\n  could not be run to its end\n"),
        ("import os\nos.kill(os.getpid(), 9)", 1, "  is still there\n"),
        ("while True:\n    pass", 1, "  no end within 1 s\n  is still there\n"),
        ("print('\\x1b[31m')\nraise SystemExit(1)", 1, "  \\x1b[31m\n  is still there\n"),
        ("", 2, "  it has no script\n"),
    ],
)
def test_what_a_script_tells(tmp_path: Path, capsys: Any, script: str, status: int, said: str) -> None:
    assert main(["reproduce", stored(tmp_path, script), "--time-limit", "1" if "while" in script else "60"]) == status
    out, err = capsys.readouterr()
    assert out.startswith("value-float32-sparse-d0: the loss is off\n")
    assert out.endswith(said)
    assert err == ""


def test_all_are_run_or_the_one_that_is_named(tmp_path: Path, capsys: Any) -> None:
    path = stored(tmp_path, "raise SystemExit(0)", "raise SystemExit(1)")
    assert main(["reproduce", path]) == 1
    assert capsys.readouterr().out.count("value-float32-sparse-d") == 2
    assert main(["reproduce", path, "value-float32-sparse-d0"]) == 0
    assert main(["reproduce", path, "other"]) == 2
    err = capsys.readouterr().err
    assert "has no finding 'other'; its findings are value-float32-sparse-d0, value-float32-sparse-d1." in err


def test_a_report_of_several_targets_names_them(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "r.json").write_text(several([report("a", "violates"), report("b")], {}), encoding="utf-8")
    assert main(["reproduce", str(tmp_path / "r.json"), "a: value-float32-sparse-d1"]) == 0
    assert capsys.readouterr().out.startswith("a: value-float32-sparse-d1: the loss is off\n")


def test_without_findings_nothing_is_run(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "r.json").write_text(report("a").to_json(), encoding="utf-8")
    assert main(["reproduce", str(tmp_path / "r.json")]) == 0
    assert capsys.readouterr().out.endswith("r.json has no findings.\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"\xff", "cannot be read: it is not UTF-8 text."),
        (b"{", "cannot be used: it is no JSON, or damaged from line 1 on (Expecting"),
        (b"[1]", "cannot be used: A report is a JSON object, but this is a list."),
        (b'{"schema": "other/1"}', "cannot be used: This is no xentcheck-report/1 report"),
        (
            json.dumps({"schema": "xentcheck-reports/1", "reports": [7]}).encode(),
            "its key reports is no list of reports.",
        ),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "cannot be read: it is nested too deeply."),
    ],
)
def test_what_is_no_report_is_one_sentence(tmp_path: Path, capsys: Any, text: bytes | None, said: str) -> None:
    path = tmp_path / "r.json"
    if text is not None:
        path.write_bytes(text)
    assert main(["reproduce", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
