"""Every file of examples/ does what the guides say: the losses conform, the scripts run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.test_docs import ROOT, commands, shown

EXAMPLES = ROOT / "examples"
GUIDES = ROOT / "docs" / "guides"
NEEDS = {"torch_module": "torch", "torch_function": "torch", "numba_kernel": "numba"}
QUICK = ("--properties", "value,gradient", "--dtypes", "float64")


def checks() -> list[object]:
    """Return the checks of files of examples/ that the guides show, each with the framework that it needs."""
    text = "".join(page.read_text("utf-8") for page in sorted(GUIDES.glob("*.md")))
    found = []
    for command in commands(text):
        name = re.search(r"(\w+)\.py:", command)
        if command.startswith("xentcheck check ") and name and (EXAMPLES / f"{name[1]}.py").exists():
            marks = [pytest.mark.needs(NEEDS[name[1]])] if name[1] in NEEDS else []
            found.append(pytest.param(shlex.split(command)[1:], id=name[1], marks=marks))
    return found


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Python in examples/, with this copy of xentcheck."""
    call = [sys.executable, *words]
    return subprocess.run(call, cwd=EXAMPLES, env=dict(os.environ), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", checks())
def test_the_losses_of_the_guides_are_right(words: list[str]) -> None:
    """By the laws of value and gradient, with the contract that the guide declares."""
    done = run(["-m", "xentcheck", *words, *QUICK])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", checks())
def test_the_losses_of_the_guides_are_right_by_every_law(words: list[str]) -> None:
    """The command as the guide shows it."""
    done = run(["-m", "xentcheck", *words])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_notebook_runs() -> None:
    """From the first cell to the last; it shows a violation and its evidence."""
    done = run(["notebook.py"])
    assert done.returncode == 0, done.stderr
    assert "violates" in done.stdout
    assert "inf" in done.stdout


@pytest.mark.slow
def test_the_pytest_file_passes() -> None:
    """Without any configuration: one test a law, those that do not apply skipped."""
    done = run(["-m", "pytest", "-p", "no:cacheprovider", "test_losses.py"])
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed, \d+ skipped", done.stdout)


def test_every_file_is_tried() -> None:
    """Those above, and those of the tutorial, whose commands tests/test_docs.py runs."""
    tried = {parameter.id for parameter in checks()} | {"notebook", "test_losses"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tried
    assert {path.name for path in (EXAMPLES / "tutorial").iterdir()} == {folder for folder, _, _ in shown()}


def test_every_file_is_shown() -> None:
    """In a guide or in the tutorial, read from the file itself."""
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    files = [path for path in EXAMPLES.rglob("*") if path.suffix in (".py", ".toml", ".yml")]
    assert [path for path in files if f"examples/{path.relative_to(EXAMPLES).as_posix()}\n" not in pages] == []
