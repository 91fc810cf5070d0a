"""The pytest door: one test a target and law.

pytest loads this module in every run, so that it imports nothing but pytest and what is as light.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from xentcheck.pytest_plugin import counts, showing
from xentcheck.pytest_plugin.marking import MARK, parametrize
from xentcheck.pytest_plugin.questions import Question, questions
from xentcheck.pytest_plugin.settings import add_options, is_strict, with_settings
from xentcheck.pytest_plugin.sharing import Once

if TYPE_CHECKING:
    from xentcheck.report.report import Report

__all__ = ["parametrize"]

_ONCE = pytest.StashKey[Once]()
_SELECTED = pytest.StashKey[dict[str, tuple[str, ...]]]()
_FOLDER = pytest.StashKey["tempfile.TemporaryDirectory[str]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini keys."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse wrong settings at once; learn where processes of xdist share what they judge."""
    config.addinivalue_line(
        "markers", f"{MARK}: tests of a loss against certified values, made by @xentcheck.parametrize."
    )
    shared = getattr(config, "workerinput", {}).get("xentcheck_folder")
    config.stash[_ONCE] = Once(Path(shared) if shared else None)
    config.stash[_SELECTED] = {}
    with_settings(config, {})


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist which folder all of them share."""
    stash = node.config.stash
    if _FOLDER not in stash:
        stash[_FOLDER] = tempfile.TemporaryDirectory(prefix="xentcheck-", ignore_cleanup_errors=True)
    node.workerinput["xentcheck_folder"] = stash[_FOLDER].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        folder.cleanup()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each target and each law that applies to it; nothing is judged yet."""
    marks = list(metafunc.definition.iter_markers(MARK))
    if not marks:
        return
    if "verify" not in metafunc.fixturenames:
        pytest.fail(
            f"{metafunc.function.__name__} needs an argument `verify`, which it calls, for @xentcheck.parametrize.",
            pytrace=False,
        )
    asked = questions(metafunc.definition.nodeid, marks, metafunc.config.stash[_ONCE])
    metafunc.parametrize("verify", asked, ids=[str(one) for one in asked], indirect=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which laws are left of each target after -k, -m and --lf: no others are judged."""
    selected = session.config.stash[_SELECTED]
    for item in session.items:
        asked = getattr(getattr(item, "callspec", None), "params", {}).get("verify")
        if isinstance(asked, Question):
            selected[asked.subject.key] = (*selected.get(asked.subject.key, ()), asked.law)


@pytest.fixture
def verify(request: pytest.FixtureRequest) -> Callable[[], None]:
    """What a test of @xentcheck.parametrize calls: it fails where its law is broken."""
    asked = getattr(request, "param", None)
    if not isinstance(asked, Question):
        pytest.fail("`verify` belongs to tests under @xentcheck.parametrize.", pytrace=False)
    config, item = request.config, request.node

    def verified() -> None:
        __tracebackhide__ = True
        from xentcheck.pytest_plugin.judging import judged, require

        laws = tuple(dict.fromkeys(config.stash[_SELECTED].get(asked.subject.key, (asked.law,))))
        options = with_settings(config, asked.subject.arguments)
        report = judged(asked, laws, options, config.stash[_ONCE])
        item.user_properties.extend(counts.properties(asked, report))
        require(report, asked.law, is_strict(config))

    return verified


@pytest.fixture
def xentcheck_check(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """`xentcheck.check` with the settings of this session; the test fails where a law is broken."""

    def checked(*target: Any, **options: Any) -> Report:
        __tracebackhide__ = True
        from xentcheck.api import check
        from xentcheck.pytest_plugin.judging import require

        report = check(*target, **with_settings(request.config, options))
        require(report, strict=is_strict(request.config))
        return report

    return checked


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show findings as such, and not as an exception of ours with its frames."""
    report = yield
    if call.excinfo is not None and "xentcheck.report.report" in sys.modules:
        marked = item.get_closest_marker(MARK) is not None or "xentcheck_check" in getattr(item, "fixturenames", ())
        showing.show(report, call.excinfo.value, marked)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the laws in one line, beneath what pytest's short summary has to cut off."""
    line = counts.line(terminalreporter.stats)
    if line:
        terminalreporter.section("xentcheck")
        width = terminalreporter.config.get_terminal_writer().fullwidth
        for cut in showing.cut_off(terminalreporter.stats.get("failed", ()), width):
            terminalreporter.write_line(cut)
        terminalreporter.write_line(line)
