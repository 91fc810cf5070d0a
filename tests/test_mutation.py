"""dev/mutation: what it runs is there, so that a folder that is renamed is renamed there, too."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not (ROOT / "dev").is_dir(), reason="dev/ is in a clone, and not in what is published")
def test_its_folders_are_there() -> None:
    given = runpy.run_path(str(ROOT / "dev" / "mutation" / "paths.py"))
    for name in (*given["ROOMS"], *given["TESTS"]):
        assert list((ROOT / name).rglob("*.py")), name
