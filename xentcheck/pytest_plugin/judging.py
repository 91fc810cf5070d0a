"""A target is judged once; each of its tests takes its own law from the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from xentcheck.contract import ContractError
from xentcheck.properties.registry import UnknownPropertyError
from xentcheck.pytest_plugin.questions import Question
from xentcheck.pytest_plugin.sharing import Once
from xentcheck.report.finding import each_alone
from xentcheck.report.findings import telling
from xentcheck.report.known import lines_of
from xentcheck.report.report import BrokenOffError, FindingsError, Report
from xentcheck.report.results import CONFORMS, NOTHING_JUDGED, VIOLATES
from xentcheck.report.terminal import findings_text
from xentcheck.report.waiver_table import WaiverError
from xentcheck.targets.errors import TargetError

WIDTH = 96  # with what pytest puts before each line of an error, 100


def judged(asked: Question, laws: tuple[str, ...], options: Mapping[str, Any], once: Once) -> Report:
    """Return the report on the target of a test, made when its first test asks for it.

    Parameters
    ----------
    asked : Question
    laws : tuple of str
        Those that tests of this run ask about.
    options : mapping
        Arguments of `xentcheck.check`.
    once : Once
        Where the report is kept.

    Raises
    ------
    TargetError
        If the target cannot be judged, with one sentence.
    KeyboardInterrupt
        If the run was interrupted: a report in part is no verdict on a law.
    """
    __tracebackhide__ = True
    if asked.fault:
        raise TargetError(asked.fault)
    try:
        text = once.text(f"report {asked.subject.key}", lambda: _judge({**options, "properties": laws}))
    except RuntimeError as error:
        raise TargetError(
            f"{asked.subject.name} was not judged: {str(error)[:1].lower()}{str(error)[1:]} "
            "Give the target by its name, and it is called in a process of its own."
        ) from None
    stated = json.loads(text)
    if "fault" in stated:
        raise TargetError(stated["fault"])
    return Report.from_json(text)


def _judge(arguments: Mapping[str, Any]) -> str:
    from xentcheck.api import check

    try:
        report = check(**arguments)
    except (TargetError, ContractError, UnknownPropertyError, WaiverError) as error:
        return json.dumps({"fault": str(error)})
    except BrokenOffError as error:
        return json.dumps({"fault": f"xentcheck itself failed ({error}); please report it."})
    if report.interrupted:
        raise KeyboardInterrupt
    return report.to_json()


def require(report: Report, law: str | None = None, strict: bool = False) -> None:
    """Fail the running test if a law is broken, by default any; skip it if nothing was held against that law.

    What is waived is an expected failure; where `strict`, a waiver that is stale fails the test.

    Raises
    ------
    FindingsError
        With the script that shows the first finding as its note.
    """
    __tracebackhide__ = True
    if report.verdict == NOTHING_JUDGED:
        raise FindingsError(findings_text(report, WIDTH), report)
    if law is not None:
        findings = report.broken(law)
        waived = tuple(one for one in each_alone(report.waived) if one.property == law)
        stated = tuple(waiver for waiver in report.waivers if waiver.law == law)
        verdict = VIOLATES if findings else CONFORMS
        results = tuple(result for result in report.properties if result.name == law)
        counts = replace(report.counts, findings=len(findings), waived=len(waived))
        report = replace(
            report,
            findings=findings,
            waived=waived,
            waivers=stated,
            verdict=verdict,
            counts=counts,
            properties=results,
        )
        if not findings and not waived and not any(result.examples for result in results):
            reasons = dict.fromkeys(result.why for result in results if result.why)
            pytest.skip(f"{law} was not judged: {'; '.join(reasons)}")
    if report.verdict != CONFORMS:
        error = FindingsError(findings_text(report, WIDTH), report)
        script = next((one.reproducer for one in telling(report.findings) if one.reproducer), "")
        if script:
            error.add_note(f"A script that shows it:\n\n{script}")
        raise error
    if report.stale and strict:
        pytest.fail("\n".join(lines_of(report.stale)), pytrace=False)
    if report.waived:
        pytest.xfail("; ".join(dict.fromkeys(f"waived: {one.waived}" for one in report.waived)))
