"""An engine that is told what to report, so that the command line is tried alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from xentcheck.cli import main
from xentcheck.report.finding import Finding
from xentcheck.report.report import Report
from xentcheck.report.results import Counts, TargetSummary


def report(name: str, verdict: str = "conforms", **changes: Any) -> Report:
    """Return a report with a verdict."""
    found = Finding(
        "value", 1, "The loss is right.", "float32", "sparse", "the loss is off", digest="d1", reproducer="1\n"
    )
    findings = (found,) if verdict == "violates" else ()
    counts = Counts(planned=3, run=3, findings=len(findings))
    return Report(TargetSummary(name), counts=counts, verdict=verdict, findings=findings, **changes)


@dataclass
class FakeEngine:
    """Answers each target with a report or an exception, and remembers what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)

    report = staticmethod(report)

    def check_target(self, specification: Any, **options: Any) -> Report:
        """Answer as told; a conforming report by default."""
        self.asked.append((specification, options))
        name = next(iter(specification.given.values()))
        answer = self.answers.get(name, report(name))
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, Report)
        return answer


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    """The engine that commands meet; the current directory is an empty one."""
    fake = FakeEngine()
    module = ModuleType("xentcheck.engine.run")
    module.check_target = fake.check_target  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xentcheck.engine.run", module)
    monkeypatch.chdir(tmp_path)
    return fake


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """A call of the command line: its exit status, standard output and standard error."""

    def called(*words: str) -> tuple[int, str, str]:
        status = main(list(words))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return called
