"""Other interpreters than this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.targets.environments import environment_with


@pytest.fixture(scope="session")
def with_numpy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that has numpy and nothing else."""
    home = Path(np.__file__).parent
    libraries = home.with_name("numpy.libs")
    further = {"numpy_libs": libraries} if libraries.is_dir() else {}
    return environment_with(tmp_path_factory.mktemp("environment") / "venv", numpy=home, **further)


@pytest.fixture
def older() -> str:
    """An interpreter of another version than this one, with numpy."""
    given = os.environ.get("XENTCHECK_OTHER_PYTHON")
    candidates = [given] if given else [shutil.which(f"python3.{minor}") for minor in range(8, 30)]
    code = "import sys, numpy; sys.exit(sys.version_info[:2] == tuple(map(int, sys.argv[1:])))"
    version = [str(part) for part in sys.version_info[:2]]
    for path in filter(None, candidates):
        if subprocess.run([path, "-c", code, *version], capture_output=True, check=False).returncode == 0:
            return path
    if given:
        pytest.fail(
            "XENTCHECK_REQUIRE or XENTCHECK_OTHER_PYTHON promises another Python with numpy, and there is none."
        )
    return pytest.skip("there is no other Python with numpy here; XENTCHECK_OTHER_PYTHON may name one")
