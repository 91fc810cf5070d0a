"""Typed code that uses the public names passes mypy --strict, and what is wrong in it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.needs("mypy")
def test_what_typed_code_may_do() -> None:
    """Half a minute without mypy's cache; `typing_tests/api.py` has the uses that must be refused, too."""
    command = [sys.executable, "-m", "mypy", "typing_tests"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
