"""``xentcheck campaign planes`` as it is called; with few numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xentcheck.cli import main

MINE = """
import xentcheck.reference as reference


def loss(logits, labels):
    return reference.loss(logits, labels, reduction="none")
"""
CONTRACT = ("--contract", "reduction=none", "--contract", 'dtypes=["float16"]')


@pytest.mark.slow
def test_the_numbers_of_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Counts and the worst rows; the same as JSON."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["campaign", "planes", "mine.py:loss", *CONTRACT, "--step", "2000", "--json", "f.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    stored = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert (stored["schema"], stored["step"]) == ("xentcheck-campaign-planes/1", 2000)
    assert lines[1] == (
        f"all {stored['pairs']:,} pairs (a, b) of 35 numbers, one in 2000 of float16, "
        "as (a, b, b), (a, a, b) and (a, b, a)"
    )
    assert lines[2] == "each with three labels, loss"
    assert lines[-2] == "CONFORMS: every loss judged is within its allowance of the certified one."


def test_a_step_is_a_whole_number(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2."""
    assert main(["campaign", "planes", "reference", "--step", "0"]) == 2
    assert "'--step'" in capsys.readouterr().err
