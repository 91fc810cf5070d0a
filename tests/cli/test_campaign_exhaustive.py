"""``xentcheck campaign exhaustive`` as it is called; with few units of work, as a whole plane takes many minutes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import xentcheck.campaign.exhaustive as kind
from xentcheck.campaign.exhaustive.pairs import position_of
from xentcheck.cli import main

MINE = """
import os
import numpy as np
import xentcheck.reference as reference


def loss(logits, labels):
    return reference.loss(logits, labels, reduction="none")


def wrong(logits, labels):
    return loss(logits, labels) * np.float16(1.25)


def ends(logits, labels):
    os._exit(7)
"""
CONTRACT = ("--contract", "reduction=none", "--contract", 'dtypes=["float16"]')


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module, two units of work instead of 512."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    first = position_of(0x3C00)
    whole = kind.plan

    def few(target: Any, settings: Any) -> list[dict[str, Any]]:
        whole(target, settings)
        return [{"first": first, "rows": 1}, {"first": first + 1, "rows": 1}]

    monkeypatch.setattr(kind, "plan", few)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error."""
    status = main(["campaign", "exhaustive", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_nothing_wrong_in_an_unfinished_plane(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was judged, the worst pairs, and that the rest is missing; the same as JSON."""
    status, out, err = call(capsys, "mine.py:loss", *CONTRACT, "--json", "f.json", "--jobs", "2")
    assert (status, err) == (130, "")
    lines = out.splitlines()
    assert lines[0] == "mine.py:loss"
    assert lines[1] == "131,072 of the 4,294,967,296 pairs of float16 logits, loss"
    assert lines[2].startswith("label 0: 126,9")
    assert "4,096 not judged (nan, infinities: not declared)" in lines[2]
    assert lines[5].startswith("largest error: 0.5")
    assert "0 violations" in lines
    assert lines[-2] == "NOT COMPLETE: nothing wrong in what was tried."
    stored = json.loads((mine / "f.json").read_text())
    assert stored["schema"] == "xentcheck-campaign-exhaustive/1"
    assert stored["verdict"] == "interrupted"
    assert len(stored["map"]) == 512


def test_findings(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first pairs with what was got and what is certified."""
    status, out, _ = call(capsys, "mine.py:wrong", *CONTRACT)
    assert status == 1
    assert out.splitlines()[-2] == "VIOLATES"
    assert out.count("allowances, at z = (1.0, ") == 5


def test_a_process_that_ends_is_told(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a traceback nor silence."""
    status, out, err = call(capsys, "mine.py:ends", *CONTRACT)
    assert (status, err) == (1, "")
    assert "a process that called the target ended" in out
    assert out.splitlines()[-2] == "VIOLATES"


@pytest.mark.needs("matplotlib")
def test_a_picture(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Written where it is asked for."""
    call(capsys, "mine.py:loss", *CONTRACT, "--picture", "map.png")
    assert (mine / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give a TARGET: a NAME, package.module:attribute or path/file.py:attribute."),
        (("mine.py:loss",), "promises nothing of float16"),
        (("mine.py:loss", *CONTRACT[2:]), "reduces its losses; this campaign needs one a row"),
        (("mine.py:nothing", *CONTRACT), "has no attribute 'nothing'"),
        (("mine.py:loss", *CONTRACT, "--part", "gradient"), "has no gradient; give --part loss."),
        (("mine.py:loss", *CONTRACT, "--picture", "map.txt"), "--picture map.txt must end in .png, .svg, .pdf."),
        (("mine.py:loss", *CONTRACT, "--json", "no/f.json"), "--json no/f.json cannot be written: there is no folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    mine: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    """Exit status 2."""
    status, out, err = call(capsys, *words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
