"""dev/mutation: what it runs is there, so that a folder that is renamed is renamed there, too; what it breaks off."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


pytestmark = pytest.mark.skipif(not (ROOT / "dev").is_dir(), reason="dev/ is in a clone, and not in what is published")


def test_its_folders_are_there() -> None:
    given = runpy.run_path(str(ROOT / "dev" / "mutation" / "paths.py"))
    for name in (*given["ROOMS"], *given["TESTS"]):
        assert list((ROOT / name).rglob("*.py")), name


TESTS = """
    import time

    def test_short():
        pass

    def test_wrong():
        assert False

    def test_long():
        time.sleep(60)

    def test_that_swallows_what_breaks_it_off():
        try:
            time.sleep(60)
        except BaseException:
            pass
        assert False
"""


def test_the_survey_breaks_long_tests_off(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """They count as skipped, whatever comes of them, and in processes beside this one, too."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)  # which are on another path
    pytester.makepyfile(TESTS)
    done = pytester.runpytest_subprocess("-n2", "-p", "dev.mutation.brief", "--brief=0.5", timeout=50)
    done.assert_outcomes(passed=1, failed=1, skipped=2)
