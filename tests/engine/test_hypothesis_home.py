"""A run leaves nothing in the user's directory, and Hypothesis as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis.internal.conjecture import providers

import xentcheck
from xentcheck.batches.numbers import ROW_BYTES

SOURCE = """
import xentcheck
from hypothesis import configuration

if __name__ == "__main__":
    before = configuration.storage_directory(intent_to_write=False).path
    report = xentcheck.check("reference", properties=["value"], dtypes=["float64"])
    assert report.conforms, report
    assert configuration.storage_directory(intent_to_write=False).path == before, before
"""


@pytest.mark.slow
def test_no_folder_of_hypothesis_appears(tmp_path: Path) -> None:
    """A script beside which Hypothesis would keep the constants of its modules."""
    place, cache = tmp_path / "project", tmp_path / "cache"
    place.mkdir()
    (place / "mine.py").write_text(SOURCE)
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(xentcheck.__file__).parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XENTCHECK_CACHE_DIR": str(cache),
    }
    environment.pop("HYPOTHESIS_STORAGE_DIRECTORY", None)
    done = subprocess.run([sys.executable, "mine.py"], cwd=place, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in place.iterdir()) == ["mine.py"]


@pytest.mark.slow
def test_batches_do_not_depend_on_constants_in_the_modules_of_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis would draw one number or string of bytes in twenty from what it finds in local modules."""

    def digest() -> str:
        return xentcheck.check("reference", properties=["value"], dtypes=["float32"]).digest

    alone = digest()
    found = providers.Constants(
        integers=set(range(10**9, 10**9 + 500)), bytes={bytes([i]) * ROW_BYTES for i in range(9)}
    )
    monkeypatch.setattr(providers, "_get_local_constants", lambda: found)
    providers.CONSTANTS_CACHE.cache.clear()
    assert digest() == alone
    assert providers._get_local_constants() is found
