"""noxfile.py: where it finds the Python that a library needs."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

NOXFILE = Path(__file__).parent.parent / "noxfile.py"


def command(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.mark.needs("nox")
def test_an_interpreter_is_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pyenv has on the path for a version that is not activated ends with an error; then its own is taken."""
    found: Any = runpy.run_path(str(NOXFILE))["_interpreter"]
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert found("3.9") == ""
    command(tmp_path / "path" / "python3.9", "echo 'pyenv: python3.9: command not found' >&2; exit 127")
    assert found("3.9") == ""
    kept = tmp_path / "pyenv" / "versions" / "3.9.18" / "bin" / "python"
    command(kept, "exit 0")
    assert found("3.9") == str(kept)
    command(tmp_path / "path" / "python3.9", "exit 0")
    assert found("3.9") == "python3.9"
