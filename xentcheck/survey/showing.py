"""The few lines in which a user of a library would show a finding: run before they are printed anywhere."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from xentcheck.contract.harmless import first_line
from xentcheck.report.reproducer import short_script
from xentcheck.report.reproducer_direct import differs_again, misshapen, narrowed, raises
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.truth.formats import FORMATS

if TYPE_CHECKING:
    from xentcheck.contract import Contract
    from xentcheck.report.finding import Finding
    from xentcheck.report.report import Report

_SECONDS = 120.0
_BRIEF = 100
"""Characters of an exception that stand beside the call."""


def shown(report: Report, finding: Finding, contract: Contract, exact: str) -> str:
    """Return a script that prints the wrong number of a finding, or raises the exception, as it has just done.

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
    raised = str(finding.got) if raises(finding) else ""
    number = isinstance(finding.got, float) and finding.certified is not None
    shape = misshapen(finding)
    if not (raised or number or shape or differs_again(finding) or narrowed(finding)):
        return ""
    elsewhere = report.environment.target
    python = elsewhere.path if elsewhere else ""
    with suppress(TargetError):
        target = TargetSpecification(report.target.name, python=python)
        remark = first_line(raised)[:_BRIEF] or _remark(finding, exact)
        sources = (
            short_script(target, contract, finding, remark, bare=bare, usual=usual)
            for bare, usual in ((True, True), (True, False), (False, False))
        )
        for source in dict.fromkeys(filter(None, sources)):
            if _shows(source, python or sys.executable, shape[1] if shape else finding.got):
                return source
    return ""


def _remark(finding: Finding, exact: str) -> str:
    """Return what was printed and what should have been, in words."""
    if differs_again(finding):
        return "it should be 0"
    if shape := misshapen(finding):
        return f"{shape[1]}; it should be {shape[2]}"
    if narrowed(finding):
        return f"{finding.got}, of {finding.dtype}"
    return f"{finding.got!r}; {_right(finding, exact)}"


def _right(finding: Finding, exact: str) -> str:
    """Return what should have been printed, in words."""
    low, high = finding.certified or (0.0, 0.0)
    if exact or low == high:
        return f"the exact value is {exact or repr(low + 0.0)}"  # -0 + 0 is 0
    return f"it lies between {low!r} and {high!r}"


def _shows(source: str, python: str, got: Any) -> bool:
    """Return whether the last that a script prints is a number, or it ends with an exception of the kind that was."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-c", source]
        try:
            done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
            if got == "second-backward-differs":
                return done.returncode == 0 and float(done.stdout.split()[-1]) != 0.0
            if got in FORMATS or str(got).startswith("("):
                return done.returncode == 0 and done.stdout.decode().rstrip().endswith(got)
            if not isinstance(got, float):
                return done.returncode == 1 and f"{str(got).partition(':')[0]}:".encode() in done.stderr
            printed = float(done.stdout.split()[-1])
        except (OSError, subprocess.SubprocessError, ValueError, IndexError):
            return False
    return done.returncode == 0 and (printed == got or (printed != printed and got != got))
