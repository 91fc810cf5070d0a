"""A project of its own for each test, whose pytest meets an engine that is told what to report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import xentcheck.api
import xentcheck.pytest_plugin.judging

UNUSED = ("hypothesispytest", "xdist", "pytest_cov", "syrupy")

ENGINE = '''
import dataclasses
import os
import pathlib

import pytest

import xentcheck.api
import xentcheck.pytest_plugin.judging  # noqa: F401 (what is imported within a test is imported anew in each)

from xentcheck.properties.registry import LAWS
from xentcheck.report.report import Report
from xentcheck.report.finding import Finding
from xentcheck.report.results import Counts, PropertyResult, TargetSummary, WaiverResult
from xentcheck.targets.errors import TargetError

CELL = {"dtype": "float64", "labels": "sparse"}
SCORES = {"dtype": "float64", "shape": [1, 1], "layout": "C", "values": ["0x0.0p+0"]}
LABELS = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
BATCH = {"scores": SCORES, "labels": LABELS, "label_form": "sparse", "options": {}, "layout": "C", "family": "given"}


def noted(what, loss):
    """Append a line to a log, as one piece."""
    file = os.open(pathlib.Path(__file__).parent / "log", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(file, f"{what} {loss if isinstance(loss, str) else getattr(loss, '__name__', '')}\\n".encode())
    os.close(file)


def inapplicable(loss=None, properties=None, **others):
    noted("asked", loss)
    if loss == "broken":
        raise TargetError("The module broken cannot be imported: ImportError: no such thing.")
    chosen = [law.name for law in LAWS if law.name in ("value", "shift", "gradient", "bad-input")]
    chosen = [name for name in chosen if properties is None or name in properties]
    return {name: "the target offers no gradient" if name == "gradient" else "" for name in chosen}


def check(loss=None, properties=None, profile="quick", seed=0, waivers=None, **others):
    noted(f"judged {profile} {seed} {','.join(properties or ['all'])}", loss)
    if loss == "dies":
        os._exit(3)
    if loss == "interrupted":
        raise KeyboardInterrupt
    if loss == "uncallable":
        raise TargetError("uncallable cannot be called as loss(scores, labels): it takes none.")
    name = loss if isinstance(loss, str) else loss.__name__
    wrong = name.startswith("wrong")
    status = {"value": "failed" if wrong else "passed", "shift": "passed", "bad-input": "skipped"}
    laws = [law for law in LAWS if law.name in (properties or status)]
    results = tuple(
        PropertyResult(law.name, law.number, law.sentence, **CELL, status=status[law.name],
                       examples=0 if status[law.name] == "skipped" else 3,
                       why="nothing is promised" if status[law.name] == "skipped" else "")
        for law in laws
    )
    found = Finding("value", 1, "The loss is right.", **CELL, title="the loss is off", batch=BATCH, part="loss",
                    got=-1e-9, certified=(0.0, 0.0), allowance=1e-15, times=1e6, digest="d1",
                    reproducer="print('the script')\\n")
    findings = (found,) if wrong and (not properties or "value" in properties) else ()
    if waivers is not None and name.startswith(("wrong", "mended")):
        known = read(waivers)
        accepted = tuple(dataclasses.replace(one, waived=known) for one in findings)
        told = WaiverResult("value", **CELL, mechanism="", reason=known, status="waives" if wrong else "stale",
                            why="" if wrong else "its batch passes")
        results = tuple(dataclasses.replace(law, status="waived") if law.status == "failed" else law for law in results)
        return Report(TargetSummary(name), counts=Counts(planned=7, run=7, waived=len(accepted)), verdict="conforms",
                      waived=accepted, waivers=(told,), properties=results, profile=profile, seed=seed)
    verdict = "nothing-judged" if name == "mute" else "violates" if findings else "conforms"
    return Report(TargetSummary(name), counts=Counts(planned=7, run=7, findings=len(findings)), verdict=verdict,
                  findings=findings, properties=results, profile=profile, seed=seed)


def read(waivers):
    from xentcheck.report.waiver_table import WaiverError

    path = pathlib.Path(waivers)
    if not path.exists():
        raise WaiverError(f"The waivers {path.name} cannot be read: No such file or directory.")
    return path.read_text(encoding="utf-8")


check.__signature__ = __import__("inspect").signature(xentcheck.api.check)
xentcheck.api.check, xentcheck.api.inapplicable = check, inapplicable
'''


@pytest.fixture
def log(pytester: pytest.Pytester) -> Callable[[], list[str]]:
    """What the engine was asked so far, sorted."""

    def read() -> list[str]:
        path = pytester.path / "log"
        return sorted(path.read_text(encoding="utf-8").splitlines()) if path.exists() else []

    return read


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run pytest on the tests of a project; in a process of its own where there are workers, or `apart` says so."""
    for name in ("check", "inapplicable"):
        monkeypatch.setattr(xentcheck.api, name, getattr(xentcheck.api, name))  # put back what the engine replaces
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    pytester.makeconftest(ENGINE)

    def ran(source: str, *words: str, apart: bool = False) -> pytest.RunResult:
        Path(pytester.path / "test_mine.py").write_text(
            f"import pytest\nimport xentcheck\n\n{source}", encoding="utf-8"
        )
        (pytester.path / "log").unlink(missing_ok=True)
        given = ("-p", "xentcheck.pytest_plugin", "--strict-markers", *words)
        if apart or "-n2" in words:
            return pytester.runpytest_subprocess(*given, "-W", "error")
        unused = (word for name in UNUSED for word in ("-p", f"no:{name}"))
        return pytester.runpytest_inprocess(*given, *unused, "-W", "ignore::pytest.PytestAssertRewriteWarning")

    return ran
