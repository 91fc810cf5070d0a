"""The group of commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import xentcheck.contract

Call = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_help_names_every_command(call: Call, words: list[str]) -> None:
    """Help is shown also where no command is given."""
    status, out, _ = call(*words)
    assert status == 0
    for command in ("check", "bench", "self-test", "targets", "properties", "doctor"):
        assert f"\n  {command} " in out


@pytest.mark.parametrize("command", ["check", "bench", "self-test", "targets", "properties", "doctor"])
def test_each_command_has_help(call: Call, command: str) -> None:
    """Every command that help names can be imported and says what it does."""
    status, out, _ = call(command, "--help")
    assert status == 0
    assert out.startswith(f"Usage: xentcheck {command}")
    assert "\b" not in out


def test_version(call: Call) -> None:
    """Name and version."""
    status, out, _ = call("--version")
    assert status == 0
    assert out.startswith("xentcheck ")


def test_an_unknown_command_is_one_sentence(call: Call) -> None:
    """Status 2."""
    status, out, err = call("chek")
    assert (status, out) == (2, "")
    assert err == "xentcheck: No such command 'chek' (did you mean 'check'?).\n"
    assert call("judge")[2].startswith("xentcheck: No such command 'judge'; there are check, reproduce, ")


def test_help_imports_nothing_heavy() -> None:
    """A fresh process that shows help has imported no numpy, no rich, no framework."""
    code = (
        "import sys; from xentcheck.cli import main; main(['--help']); main(['check', '--help']); "
        "heavy = {'numpy', 'scipy', 'jax', 'torch', 'hypothesis', 'flint', 'rich', 'pytest'} & set(sys.modules); "
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(xentcheck.contract.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_module_is_a_command_too() -> None:
    """``python -m xentcheck`` is the same, and its exit status is that of the command."""
    environment = {**os.environ, "PYTHONPATH": str(Path(xentcheck.contract.__file__).parents[2])}
    command = [sys.executable, "-m", "xentcheck", "nonsense"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("xentcheck: No such command 'nonsense'; there are ")
