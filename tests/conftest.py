"""What tests of every room share."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import Any

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
    pytest.skip(f"{module} is not installed", allow_module_level=True)


def imported(module: str) -> Any:
    """Return a module, for a file all of whose tests need it: without it they are skipped or fail, as `needed` says."""
    needed(module)
    return importlib.import_module(module)


def needed_command(name: str, *others: str) -> str:
    """Return the path of a command, under one of its names; without one as `needed` does of a module."""
    found = next(filter(None, map(shutil.which, (name, *others))), None)
    if found is None and name in os.environ.get("XENTCHECK_REQUIRE", "").split(","):
        pytest.fail(f"XENTCHECK_REQUIRE lists {name}, but it is not installed.", pytrace=False)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def no_witnesses() -> Iterator[None]:
    """Leave out the witnesses of runs in this process, which import jax in another: they decide no verdict."""
    from xentcheck.engine.witnessing import Witnessing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Witnessing, "begin", lambda self: None)
        patch.setattr(Witnessing, "add", lambda self, problems: None)
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of chromium; without one the test is skipped, or fails where XENTCHECK_REQUIRE lists it."""
    return needed_command("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def compiler() -> str:
    """The path of a C compiler; without one the test is skipped, or fails where XENTCHECK_REQUIRE lists cc."""
    return needed_command("cc")
