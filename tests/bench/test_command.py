"""``xentcheck bench`` as it is called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from xentcheck.cli import main

SHORT = ("--seconds", "0", "--classes", "3,7", "--rows", "", "--at", "5x10")


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error."""
    status = main(["bench", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_ratios_are_printed(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A loss beside both paths of the reference, with ratios, a chart, and the figures as JSON."""
    status, out, err = call(capsys, "mine.py:loss", "--gradient", "mine.py:gradient", *SHORT, "--json", "f.json")
    assert (status, err) == (0, "")
    assert "loss and gradient by classes, 5 rows, float32" in out
    rows = [line for line in out.splitlines() if "mine.py:loss" in line and "sparse " in line]
    assert len(rows) == 2
    assert all("(" in row and "-" in row for row in rows)
    assert "reference     one-hot" in out
    assert "ns per score" in out
    stored = json.loads((mine / "f.json").read_text())
    assert stored["schema"] == "xentcheck-bench/1"
    assert [result["case"]["classes"] for result in stored["results"]] == [3, 7]
    assert stored["results"][0]["figures"][0]["to_reference"]["median"] > 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process to one core")
def test_one_core_is_all_that_the_process_has(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that counts its cores finds one; where none can be chosen, that is said."""
    (mine / "counting.py").write_text(
        "import os\n\n\n"
        "def loss(z, y):\n"
        "    assert len(os.sched_getaffinity(0)) == 1, 'more than one core'\n"
        "    return 0.0\n"
    )
    words = ("counting.py:loss", "--part", "loss", *SHORT)
    status, _, err = call(capsys, *words, "--one-core")
    assert (status, err) == (0, "")
    if len(os.sched_getaffinity(0)) > 1:
        assert "more than one core" in call(capsys, *words)[2]


def test_where_no_core_can_be_chosen_that_is_said(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is timed."""
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    status, out, err = call(capsys, "mine.py:loss", "--one-core", *SHORT)
    assert (status, out) == (2, "")
    assert "this system cannot keep a process to one core; leave it out." in err


def test_probabilities_labels_first(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A class with the labels first, one-hot only, held against the reference from probabilities."""
    words = ("--contract", "input=probabilities", "--contract", "argument_order=labels_first")
    status, out, err = call(capsys, "mine.py:Dense", *words, "--contract", 'labels=["onehot"]', *SHORT)
    assert (status, err) == (0, "")
    assert "mine.py:Dense  one-hot" in out
    assert "mine.py:Dense  sparse" not in out


def test_both_sweeps_and_every_dtype(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A series for each sweep and dtype."""
    words = ("--seconds", "0", "--classes", "3", "--rows", "1,2", "--at", "5x10", "--part", "loss")
    status, out, _ = call(capsys, "mine.py:loss", *words, "--dtypes", "float64,float32")
    assert status == 0
    for line in ("by classes, 5 rows, float64", "by rows, 10 classes, float64", "by rows, 10 classes, float32"):
        assert f"the loss alone {line}" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give a TARGET: a NAME, package.module:attribute or path/file.py:attribute."),
        (("mine.py:loss", "--classes", "0"), "--classes has '0', but takes whole numbers above 0 between commas."),
        (("mine.py:loss", "--at", "64"), "--at is '64', but must be rows x classes, for example 64x1000."),
        (("mine.py:loss", "--classes", "", "--rows", ","), "--classes and --rows are both empty; give sizes in one"),
        (("mine.py:loss", "--plot", "a.gif"), "--plot a.gif must end in .png, .svg, .pdf."),
        (("mine.py:loss", "--dtypes", "float8"), "There is no dtype 'float8'"),
        (("mine.py:los", *SHORT), "mine.py has no attribute 'los' (did you mean 'loss'?)."),
        (("mine.py:loss", "--part", "both", *SHORT), "mine.py:loss has no loss with a gradient to time."),
        (("mine.py:crash", *SHORT), "The process that times the targets ended with status 7"),
        (("mine.py:refuse", *SHORT), "mine.py:refuse cannot be timed: with sparse labels at 5x3 in float32 it raised"),
        (("a:b", "c:d", "--gradient", "mine.py:gradient"), "--gradient and --value-and-gradient belong to one target"),
    ],
)
def test_mistakes_are_one_sentence(
    mine: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    """Status 2, and what to do; also where the target ends the process in which it is timed."""
    status, out, err = call(capsys, *words)
    assert (status, out) == (2, "")
    assert err.startswith(f"xentcheck: {sentence}")
    assert len(err.splitlines()) == 1
