"""A failed test as its reader wants it: the finding, its script in a section, and one line for the short summary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from xentcheck.pytest_plugin.marking import MARK

_LINE = "line"  # --tb=line


def show(report: pytest.TestReport, error: BaseException, marked: bool) -> None:
    """Put the text of a finding in the place of an exception.

    Parameters
    ----------
    report : pytest.TestReport
        Changed in place.
    error : BaseException
        What was raised.
    marked : bool
        Whether the test is one of ours, in which the message of an error of use is all there is to say.
    """
    from xentcheck.contract import ContractError
    from xentcheck.report.finding import identifier
    from xentcheck.report.findings import telling
    from xentcheck.report.headline import headline
    from xentcheck.report.report import FindingsError
    from xentcheck.report.waiver_table import WaiverError
    from xentcheck.targets.errors import TargetError

    if isinstance(error, FindingsError):
        found = telling(error.report.findings)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        lines = str(error).splitlines()
        _replace(report, lines, headline(found[0]) + more if found else lines[0])
        for finding in found if _style(report) != _LINE else ():
            if finding.reproducer:
                report.sections.append((f"a script that shows it: {identifier(finding)}.py", finding.reproducer))
    elif marked and isinstance(error, (TargetError, ContractError, WaiverError)):
        _replace(report, str(error).splitlines(), str(error))


def cut_off(failed: Iterable[Any], width: int) -> list[str]:
    """Return the lines of the short summary that it has no room for, from the reports of failed tests of ours."""
    lines = []
    for report in failed:
        message = getattr(getattr(report.longrepr, "reprcrash", None), "message", "")
        if message and len(f"FAILED {report.nodeid} - {message}") > width and MARK in report.keywords:
            _, _, name = report.nodeid.partition("::")
            lines.append(f"{name}: {message.splitlines()[0]}")
    return lines


def _style(report: pytest.TestReport) -> str:
    """Return in which style of `--tb` a failure is shown."""
    return getattr(getattr(report.longrepr, "reprtraceback", None), "style", "")


def _replace(report: pytest.TestReport, lines: list[str], summary: str) -> None:
    """Keep the place in the test, and put lines under it instead of the exception."""
    shown: Any = report.longrepr
    if not hasattr(shown, "reprcrash") or not hasattr(shown, "reprtraceback"):
        return
    crash, entry = shown.reprcrash, shown.reprtraceback.reprentries[-1]
    if crash is not None:
        crash.message = summary
    if _style(report) == _LINE:  # of which the summary is all; pytest may show the entry besides
        entry.lines.clear()
        return
    told = [f"E   {line}".rstrip() for line in lines]
    if shown.reprtraceback.style == "native":  # the whole stack, pytest's own and ours
        place = "" if crash is None else f"{crash.path}:{crash.lineno}:"
        entry.lines[:] = [f"{line}\n" for line in (place, *told)]
        return
    entry.lines[:] = [*(line for line in entry.lines if not line.startswith("E ")), *told]
    entry.reprfuncargs = None
