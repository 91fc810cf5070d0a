"""What tests of every room share."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

from xentcheck.diagnosis import STRICT

pytest_plugins = ["pytester"]  # here, since pytest takes it from no other conftest.py


def pytest_configure(config: pytest.Config) -> None:
    STRICT.set(True)
    config.addinivalue_line(
        "markers",
        "needs(*modules): skip where a module is not installed, fail where XENTCHECK_REQUIRE lists it "
        "(names separated by commas).",
    )
    config.addinivalue_line("markers", "slow: what takes many seconds; left out unless asked for by -m slow.")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for module in mark.args:
            needed(module)


def needed(module: str) -> None:
    """Skip the running test if a module is not installed; fail it if the environment promises the module."""
    if importlib.util.find_spec(module) is not None:
        return
    if module in os.environ.get("XENTCHECK_REQUIRE", "").split(","):
        pytest.fail(f"XENTCHECK_REQUIRE lists {module}, but it is not installed.", pytrace=False)
    pytest.skip(f"{module} is not installed")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of chromium; without one the test is skipped, or fails where XENTCHECK_REQUIRE lists it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and "chromium" in os.environ.get("XENTCHECK_REQUIRE", "").split(","):
        pytest.fail("XENTCHECK_REQUIRE lists chromium, but it is not installed.", pytrace=False)
    if found is None:
        pytest.skip("chromium is not installed")
    return found
