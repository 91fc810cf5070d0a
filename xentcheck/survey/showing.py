"""The few lines in which a user of a library would show a finding: run before they are printed anywhere."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from xentcheck.report.reproducer import short_script
from xentcheck.targets import TargetError, TargetSpecification

if TYPE_CHECKING:
    from xentcheck.contract import Contract
    from xentcheck.report.finding import Finding
    from xentcheck.report.report import Report

_SECONDS = 120.0


def shown(report: Report, finding: Finding, contract: Contract, exact: str) -> str:
    """Return a script that prints the wrong number of a finding, as it has just done.

    Parameters
    ----------
    report : Report
        Of the target, which says in which interpreter it ran.
    finding : Finding
    contract : Contract
        Of the target, as it was judged.
    exact : str
        What the number should be, in digits; "" where only its bounds are known.

    Returns
    -------
    str
        "" where there is no short one, or it did not print what was got.
    """
    if not isinstance(finding.got, float) or finding.certified is None:
        return ""
    elsewhere = report.environment.target
    python = elsewhere.path if elsewhere else ""
    right = f"the exact value is {exact}" if exact else "it lies between {!r} and {!r}".format(*finding.certified)
    with suppress(TargetError):
        target = TargetSpecification(report.target.name, python=python)
        source = short_script(target, contract, finding, f"{finding.got!r}; {right}")
        if source and _prints(source, python or sys.executable, finding.got):
            return source
    return ""


def _prints(source: str, python: str, number: float) -> bool:
    """Return whether a script ends well, and the last that it prints is a number."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-c", source]
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True
            )
            printed = float(done.stdout.split()[-1])
        except (OSError, subprocess.SubprocessError, ValueError, IndexError):
            return False
    return printed == number or (printed != printed and number != number)
