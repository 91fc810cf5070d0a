"""``xentcheck campaign offsets`` as it is called; with few units of work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import xentcheck.campaign.offsets as kind
from xentcheck.campaign import rows
from xentcheck.cli import main

MINE = """
import os
import numpy as np
import xentcheck.reference as reference


def loss(logits, labels):
    return reference.loss(logits, labels, reduction="none")


def unshifted(logits, labels):
    z = np.asarray(logits)
    return (np.log(np.exp(z.astype(np.float64)).sum(axis=1)) - z[np.arange(len(z)), labels]).astype(np.float16)


def raises(logits, labels):
    raise RuntimeError("not \\x1b[2J today")
"""
CONTRACT = ("--contract", "reduction=none", "--contract", 'dtypes=["float16"]')
FEW = ({"first": 0, "rows": 30}, {"first": 56_000, "rows": 30})
"""The most negative numbers, of which two classes overflow, and some near 500."""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module, two small units of work instead of 16."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    whole = kind.plan

    def few(target: Any, settings: Any) -> list[dict[str, Any]]:
        whole(target, settings)
        return [*FEW]

    monkeypatch.setattr(kind, "plan", few)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], str]:
    """Return exit status, the lines of standard output, and standard error."""
    status = main(["campaign", "offsets", *words])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err


@pytest.mark.slow
def test_nothing_wrong_in_what_was_tried(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, the worst rows, and that the rest is missing; the same as JSON, from two processes as from one."""
    status, lines, err = call(capsys, "mine.py:loss", *CONTRACT, "--json", "f.json", "--jobs", "2")
    assert (status, err) == (130, "")
    assert lines[:2] == [
        "mine.py:loss",
        "60 of the 63,488 finite float16 numbers as a common offset of the logits, loss",
    ]
    assert lines[2] == f"{60 * 15 - 10:,} rows judged, 10 shifted beyond the format"
    assert lines[3].startswith("largest error: 0.")
    assert lines[-3:-1] == ["0 violations", "NOT COMPLETE: nothing wrong in what was tried."]
    stored = json.loads((mine / "f.json").read_text(encoding="utf-8"))
    assert (stored["schema"], stored["verdict"]) == ("xentcheck-campaign-offsets/1", "interrupted")
    call(capsys, "mine.py:loss", *CONTRACT, "--json", "one.json")
    alone = json.loads((mine / "one.json").read_text(encoding="utf-8"))
    for varying in ("seconds", "jobs"):
        del stored[varying], alone[varying]
    assert alone == stored


@pytest.mark.slow
def test_findings_and_no_answers(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first rows with what was got and what is certified; why there was no answer, in one harmless line."""
    status, lines, _ = call(capsys, "mine.py:unshifted", *CONTRACT)
    assert (status, lines[-2]) == (1, "VIOLATES")
    assert sum("allowances, at z = (" in line for line in lines) == rows.SHOWN
    status, lines, _ = call(capsys, "mine.py:raises", *CONTRACT)
    assert (status, lines[-2]) == (1, "VIOLATES")
    assert "no answer from offset -65504.0 on, label 0: RuntimeError: not \\x1b[2J today" in lines


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give a TARGET: a NAME, package.module:attribute or path/file.py:attribute."),
        (("mine.py:loss",), "promises nothing of float16"),
        (("mine.py:loss", *CONTRACT, "--json", "no/f.json"), "--json no/f.json cannot be written: there is no folder"),
        (
            ("mine.py:loss", *CONTRACT, "--contract", 'domain={"classes":[2,5]}'),
            "states a domain of 2 to 5 classes; offsets are tried of 2, 3 and 10.",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    mine: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    """Exit status 2."""
    status, lines, err = call(capsys, *words)
    assert (status, lines) == (2, [])
    assert sentence in err
    assert err.count("\n") == 1
