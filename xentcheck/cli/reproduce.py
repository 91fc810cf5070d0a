"""``xentcheck reproduce``: is a defect that was found still there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xentcheck.cli import status
from xentcheck.cli.stored_findings import chosen
from xentcheck.contract.harmless import harmless

if TYPE_CHECKING:
    from xentcheck.report.finding import Finding

_RAISED = "Traceback (most recent call last):"


@click.command(short_help="Run the scripts of a report.")
@click.argument("report", metavar="REPORT.JSON")
@click.argument("finding", required=False, metavar="[ID]")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a script may take.",
)
def reproduce(report: str, finding: str | None, time_limit: float) -> int:
    """Run the scripts of the findings in a JSON report, or that of the finding ID, and tell which defects are there.

    The scripts are those that `xentcheck check --reproducers` writes, and are run from the current directory with this
    Python. They are code: take no report from somebody whose code you would not run. Without ID, each finding is named.

    Exit status: 0 no defect is there any more; 1 one is; 2 a script could not be run, or the report cannot be used.

    \b
    xentcheck check mine.py:loss --json report.json
    xentcheck reproduce report.json
    """  # noqa: D301 (click reads the character)
    statuses = [_tell(one.name, one.finding, time_limit) for one in chosen(report, finding)]
    if not statuses:
        click.echo(f"{harmless(report)} has no findings.")
    return status.worst(statuses) if statuses else status.CONFORMS


def _tell(name: str, finding: Finding, limit: float) -> int:
    """Run the script of a finding, show what it says, and return the status."""
    click.echo(harmless(f"{name}: {finding.title}"))
    if not finding.reproducer:
        click.echo("  it has no script")
        return status.UNUSABLE
    ended, said = _run(finding.reproducer, limit)
    for line in said.splitlines()[-8:]:
        click.echo(f"  {harmless(line)}")
    if ended == 0:
        click.echo("  is not there any more, or cannot be seen in one call")
        return status.CONFORMS
    if _RAISED in said:
        click.echo("  could not be run to its end")
        return status.UNUSABLE
    click.echo("  is still there")
    return status.FINDINGS


def _run(script: str, limit: float) -> tuple[int | None, str]:
    """Return the exit status of a script, None if it took too long, and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.py"
        path.write_text(script, encoding="utf-8", errors="backslashreplace")
        try:
            done = subprocess.run(
                [sys.executable, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )
        except subprocess.TimeoutExpired:
            return None, f"no end within {limit:g} s"
        return done.returncode, done.stdout.decode(errors="replace")
