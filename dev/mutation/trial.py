"""One mutant and its tests, in a child process."""

from __future__ import annotations

import contextlib
import difflib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable

import pytest
from cosmic_ray import plugins
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

from dev.mutation.paths import KEPT, NOTES, PYTEST

ENDLESS = 300.0  # seconds beyond the limit after which a mutant is taken to hang, on a machine that may be busy
BUSY = 60  # seconds of processor time of one process beyond the limit, after which it is taken for a loop without end
FIRST = 25  # tests that are tried before the files of all others are imported


class Chosen:
    """A pytest plugin that runs some tests in their order, until one fails or the time is over, and notes which."""

    def __init__(self, order: list[str], limit: float) -> None:
        self.rank = {name: place for place, name in enumerate(order)}
        self.limit, self.begun, self.run = limit, 0.0, 0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests, or all tests of the files, that are wanted, in the order wanted."""
        ranks = {i: next((self.rank[name] for name in _names(i.nodeid) if name in self.rank), None) for i in items}
        items[:] = sorted((i for i in items if ranks[i] is not None), key=ranks.__getitem__)
        self.begun = spent()  # what importing the tests takes does not count

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the test that fails."""
        if report.failed:
            NOTES.write_text(f"killed by {report.nodeid}")

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Begin no other test once the time is over."""
        self.run += 1
        if spent() > self.begun + self.limit:
            item.session.shouldstop = "the time is over"

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Note a survivor."""
        if not session.testsfailed and exitstatus not in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            NOTES.write_text(f"passes {self.run}")


def spent() -> float:
    """Return the processor time of this process and those that it has waited for, which a busy machine leaves alone."""
    return sum(os.times()[:4])


def _names(test: str) -> tuple[str, ...]:
    """Return a test's name, that without its parameters and its file."""
    return test, test.partition("[")[0], test.partition("::")[0]


def attempt(mutation: MutationSpec, order: list[str], limit: float) -> WorkResult:
    """Put a mutant into the copy, run tests in a child process, and put the module back."""
    source = mutation.module_path.read_text()
    operator = plugins.get_operator(mutation.operator_name)(**mutation.operator_args)
    mutant = mutate_code(source, operator, mutation.occurrence)
    name = str(mutation.module_path)
    diff = "".join(difflib.unified_diff(source.splitlines(True), mutant.splitlines(True), name, name, n=1))
    mutation.module_path.write_text(mutant)
    passed = 0
    try:
        for some in filter(None, (order[:FIRST], order[FIRST:])):
            said = _tried(some, limit)
            if not said.startswith("passes"):
                return WorkResult(WorkerOutcome.NORMAL, said, TestOutcome.KILLED, diff)
            passed += int(said.split()[1])
    finally:
        mutation.module_path.write_text(source)
    said = f"passes {passed} tests of those that run it: {len(order)}"
    return WorkResult(WorkerOutcome.NORMAL, said, TestOutcome.SURVIVED, diff)


def _tried(order: list[str], limit: float) -> str:
    """Return what came of tests in a child process."""
    NOTES.unlink(missing_ok=True)

    def chosen() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + BUSY, resource.RLIM_INFINITY))
        pytest.main([*PYTEST, "-x", *_files(order)], plugins=[Chosen(order, limit)])

    in_child(chosen, limit + ENDLESS)
    return NOTES.read_text() if NOTES.exists() else "killed: it hangs, or no test can be run"


def _files(order: list[str]) -> list[str]:
    return sorted({name.partition("::")[0] for name in order})


def in_child(action: Callable[[], object], limit: float) -> None:
    """Do something in a forked process of a group of its own, which is killed when the time is over or it is done."""
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        output = os.open(KEPT / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        try:
            action()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(0)
    end = time.monotonic() + limit
    try:
        while not os.waitpid(child, os.WNOHANG)[0] and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # also what a failed test left
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)
