"""Which tests run a line, and how long each test takes."""

from __future__ import annotations

import json
import os
from collections import defaultdict

import pytest
from cosmic_ray.work_item import MutationSpec
from coverage import CoverageData

from dev.mutation.paths import LINES, PYTEST, ROOMS, SECONDS, TESTS


class Timed:
    """A pytest plugin that notes how long each test takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what setting up, the call or tearing down took."""
        self.seconds[report.nodeid] += report.duration


def survey() -> None:
    """Run all tests once, and note which lines each runs and how long it takes."""
    timed = Timed()
    coverage = [*(f"--cov={room}" for room in ROOMS), "--cov-context=test", "--cov-report="]
    os.environ["COVERAGE_FILE"] = str(LINES)
    if pytest.main([*PYTEST, "-n2", *coverage, *TESTS], plugins=[timed]) != 0:
        raise SystemExit("tests fail without any mutant")
    SECONDS.write_text(json.dumps(timed.seconds))


class Bearing:
    """Which tests run a line, from what `survey` noted."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = json.loads(SECONDS.read_text())
        self.data = CoverageData(str(LINES))
        self.data.read()
        self.files = {name[name.rindex("xentcheck/") :]: name for name in self.data.measured_files()}

    def order(self, mutation: MutationSpec, limit: float) -> list[str]:
        """Return the tests that run a line, likeliest to fail first; of a constant, those that run its module."""
        lines = self.data.contexts_by_lineno(self.files[str(mutation.module_path)])
        found = {c for line in range(mutation.start_pos[0], mutation.end_pos[0] + 1) for c in lines.get(line, ())}
        found = self._named(found) or self._named({c for contexts in lines.values() for c in contexts})
        name = mutation.module_path.stem
        short = [test for test in found if self.seconds[test] < limit] or found
        return sorted(short, key=lambda test: (f"test_{name}." not in test, self.seconds[test], test))

    def _named(self, contexts: set[str]) -> set[str]:
        return {context.rpartition("|")[0] for context in contexts} & self.seconds.keys()
