"""``xentcheck campaign exhaustive`` as it is called; with few units of work, as a whole plane takes many minutes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_the_group_alone_shows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """As `xentcheck` alone does."""
    assert main(["campaign"]) == 0
    assert "exhaustive  Judge every pair of logits" in capsys.readouterr().out


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_found(mine: Path) -> None:
    """Ctrl-C, which reaches all processes of the terminal: no traceback, what was judged is told, exit status 130."""
    code = (
        "import sys, xentcheck.campaign.exhaustive as kind\n"
        "kind.plan = lambda target, settings: [{'first': 1024 + k, 'rows': 1} for k in range(2000)]\n"
        "from xentcheck.cli import main\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(main(['campaign', 'exhaustive', 'mine.py:told', '--contract', 'reduction=none',"
        " '--contract', 'dtypes=[\"float16\"]']))\n"
    )
    (mine / "start.py").write_text(code, encoding="utf-8")
    with (mine / "mine.py").open("a", encoding="utf-8") as stream:
        stream.write(
            "\n\ndef told(logits, labels):\n    open('asked', 'a').write('x')\n    return loss(logits, labels)\n"
        )
    process = subprocess.Popen(
        [sys.executable, "start.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    limit = time.monotonic() + 120
    while not (mine / "asked").exists() or (mine / "asked").stat().st_size < 10:
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, "")
    assert out.splitlines()[-2] == "NOT COMPLETE: nothing wrong in what was tried."
    assert not out.splitlines()[1].startswith("0 of")


def test_a_first_try_is_a_part(mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--every` is planned, told and kept."""
    asked = []

    def none_of(target: Any, settings: Any) -> list[dict[str, Any]]:
        asked.append(settings["every"])
        return []

    monkeypatch.setattr(kind, "plan", none_of)
    status, out, _ = call(capsys, "mine.py:loss", *CONTRACT, "--every", "64", "--json", "all.json")
    assert (status, asked) == (130, [64])
    assert "0 of the 67,108,864 pairs of float16 logits, loss, a sample: one in 64 of the ranges of z0" in out
    assert json.loads((mine / "all.json").read_text(encoding="utf-8"))["every"] == 64
