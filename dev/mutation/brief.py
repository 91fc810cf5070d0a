"""A pytest plugin that breaks off each test after `--brief` seconds: how the survey is spared what no mutant meets.

It is named to pytest by `-p`, since xdist's processes get plugins by their names alone.
"""

from __future__ import annotations

import signal
from collections.abc import Generator
from typing import NoReturn

import pytest

TOO_LONG = "too long for a mutant"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the limit be given."""
    parser.addoption("--brief", type=float, default=0.0, help="seconds after which a test is broken off")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Break a test off, which counts as skipped whatever it makes of that, when its time is over."""
    over = False

    def break_off(*_: object) -> NoReturn:
        nonlocal over
        over = True
        pytest.skip(TOO_LONG)

    previous = signal.signal(signal.SIGALRM, break_off)
    signal.setitimer(signal.ITIMER_REAL, item.config.getoption("--brief"))
    try:
        return (yield)
    except Exception:
        if over:
            pytest.skip(TOO_LONG)
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
