"""Every file of examples/ does what the guides say: the losses conform, the scripts run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import ROOT, commands, shown

EXAMPLES = ROOT / "examples"
GUIDES = ROOT / "docs" / "guides"
NEEDS = {"torch_module": "torch", "torch_function": "torch", "numba_kernel": "numba"}
COMPILED = ("jax_jitted", "numba_kernel")
"""Files whose every shape or dtype is compiled: the whole takes minutes, and they are judged in part."""
PART = ("--properties", "value,gradient", "--dtypes", "float64")


def checks() -> dict[str, list[str]]:
    """Return the checks of files of examples/ that the guides show: the name of the file to the words."""
    text = "".join(page.read_text("utf-8") for page in sorted(GUIDES.glob("*.md")))
    called = [(re.search(r"(\w+)\.py:", one), one) for one in commands(text) if one.startswith("xentcheck check ")]
    named = {name[1]: shlex.split(one)[1:] for name, one in called if name}
    return {name: words for name, words in named.items() if (EXAMPLES / f"{name}.py").exists()}


CHECKS = checks()
IN_C = CHECKS.pop("c_program")


def run(words: list[str], folder: Path = EXAMPLES) -> subprocess.CompletedProcess[str]:
    """Run Python in examples/, with this copy of xentcheck."""
    call = [sys.executable, *words]
    return subprocess.run(call, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.needs(NEEDS[name])] if name in NEEDS else []) for name in CHECKS]
)
def test_the_losses_of_the_guides_are_right(name: str) -> None:
    """The command as the guide shows it, but for what is compiled."""
    done = run(["-m", "xentcheck", *CHECKS[name], *(PART if name in COMPILED else ())])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_program_in_c_is_right(compiler: str, tmp_path: Path) -> None:
    """Built and judged by the commands of the guide; with p for p - y it is wrong."""
    shutil.copy(EXAMPLES / "c_program.py", tmp_path)
    source = (EXAMPLES / "c_program.c").read_text("utf-8")
    (build,) = re.findall(r"^\$ cc (.*)$", (GUIDES / "other-language.md").read_text("utf-8"), re.MULTILINE)
    words = ["-m", "xentcheck", *IN_C, "--properties", "answers,value,gradient,purity"]
    for text, status in ((source, 0), (source.replace("gradient[y] -= 1;", ""), 1)):
        (tmp_path / "c_program.c").write_text(text, encoding="utf-8")
        subprocess.run([compiler, *shlex.split(build), "-Wall", "-Werror"], cwd=tmp_path, check=True)
        done = run(words, tmp_path)
        assert done.returncode == status, done.stdout + done.stderr
    assert "1 law broken" in done.stdout


@pytest.mark.slow
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
    tried = {*CHECKS} | {"notebook", "test_losses", "c_program"}
    assert {path.stem for path in EXAMPLES.glob("*.c")} == {"c_program"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tried
    assert {path.name for path in (EXAMPLES / "tutorial").iterdir()} == {folder for folder, _, _ in shown()}


def test_every_file_is_shown() -> None:
    """In a guide or in the tutorial, read from the file itself."""
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    files = [path for path in EXAMPLES.rglob("*") if path.suffix in (".py", ".toml", ".yml")]
    assert [path for path in files if f"examples/{path.relative_to(EXAMPLES).as_posix()}\n" not in pages] == []
