"""Which tests run a line, and how long each test takes."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict

import pytest
from cosmic_ray.work_item import MutationSpec
from coverage import CoverageData

from dev.mutation.brief import TOO_LONG
from dev.mutation.paths import FAILED, LINES, PYTEST, ROOMS, SECONDS, TESTS


class Timed:
    """A pytest plugin that notes how long each test takes, and which cannot be used."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what setting up, the call or tearing down took: without end, of a test that was broken off."""
        self.seconds[report.nodeid] += (
            math.inf if report.skipped and TOO_LONG in report.longreprtext else report.duration
        )
        if report.failed:
            self.failed.add(report.nodeid)


def survey(limit: float) -> None:
    """Run all tests once, each as long as a mutant would have it, and note which lines each runs and its time."""
    timed = Timed()
    coverage = [*(f"--cov={room}" for room in ROOMS), "--cov-context=test", "--cov-report="]
    os.environ["COVERAGE_FILE"] = str(LINES)
    brief = ["-p", "dev.mutation.brief", f"--brief={limit}"]
    ended = pytest.main([*PYTEST, "-n2", *brief, *coverage, *TESTS], plugins=[timed])
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(f"tests cannot be run: {ended!r}")
    FAILED.write_text("".join(f"{name}\n" for name in sorted(timed.failed)))
    SECONDS.write_text(json.dumps({name: taken for name, taken in timed.seconds.items() if name not in timed.failed}))


class Bearing:
    """Which tests run a line, from what `survey` noted."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = json.loads(SECONDS.read_text())
        self.data = CoverageData(str(LINES))
        self.data.read()
        self.files = {name[name.rindex("xentcheck/") :]: name for name in self.data.measured_files()}

    def order(self, mutation: MutationSpec, limit: float) -> list[str]:
        """Return the tests that run a line, likeliest to fail first.

        Of what runs when its module is imported, those that run the module, and then all others of its room.
        """
        path = mutation.module_path
        lines = self.data.contexts_by_lineno(self.files[str(path)])
        found = {c for line in range(mutation.start_pos[0], mutation.end_pos[0] + 1) for c in lines.get(line, ())}
        running = self._named(found)
        imported = set() if running else self._named({c for contexts in lines.values() for c in contexts})
        beside = set() if running else {test for test in self.seconds if test.startswith(f"tests/{path.parts[1]}/")}
        every = running or imported | beside
        short = [test for test in every if self.seconds[test] < limit] or every
        named = f"test_{path.stem}."
        return sorted(
            short, key=lambda test: (named not in test, test not in running | imported, self.seconds[test], test)
        )

    def _named(self, contexts: set[str]) -> set[str]:
        return {context.rpartition("|")[0] for context in contexts} & self.seconds.keys()
