"""``xentcheck waive``: a finding that is known and accepted, written down."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xentcheck.cli import status
from xentcheck.cli.stored_findings import chosen
from xentcheck.cli.writable import require_writable
from xentcheck.contract.harmless import harmless

if TYPE_CHECKING:
    from xentcheck.report.waivers import Waiver

FILE = "xentcheck-waivers.toml"


@click.command(short_help="Write down that a finding is known and accepted.")
@click.argument("report", metavar="REPORT.JSON")
@click.argument("finding", required=False, metavar="[ID]")
@click.option("--reason", required=True, help="Why it is accepted: what you would tell who asks in a year.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The last day on which it holds.")
@click.option(
    "--versions", default="", metavar="RANGE", help="Versions of the target's package that it is for, as '>=1.2,<2'."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    default=FILE,
    show_default=True,
    metavar="FILE",
    help="The file of waivers that it is added to.",
)
def waive(report: str, finding: str | None, reason: str, expires: datetime | None, versions: str, output: str) -> int:
    """Add waivers for the findings in a JSON report, or for the finding ID, to a file, which is made if need be.

    `xentcheck check --waivers FILE` then shows them apart, and they have no part in the verdict. One waiver is written
    for a finding and one for each that is beneath it. What the file holds already stays as it is.

    \b
    xentcheck check mine.py:loss --json report.json
    xentcheck waive report.json --reason "known, issue 12; mended in 2.0" --expires 2027-01-31
    xentcheck check mine.py:loss --waivers xentcheck-waivers.toml
    """  # noqa: D301 (click reads the character)
    from xentcheck.report import waiver_file
    from xentcheck.report.waiver_table import WaiverError

    if not reason.strip():
        raise click.ClickException("--reason is empty; say why the finding is accepted.")
    require_writable({"--output": output})
    ends = None if expires is None else expires.date()
    try:
        known = waiver_file.read(output) if Path(output).exists() else ()
        stored = chosen(report, finding)
        tables = [
            table
            for one in stored
            for table in waiver_file.of_finding(one.report.target.name, one.finding, reason, versions, ends)
        ]
        new = [table for table in tables if not _is_there(table, known, ends)]
        if new:
            waiver_file.append(Path(output), new)
    except WaiverError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"--output {output} cannot be written: {error.strerror}.") from None
    for one in stored:
        click.echo(harmless(f"{one.name}: {one.finding.title}"))
    said = f"{len(new)} {'waiver' if len(new) == 1 else 'waivers'} added to {output}"
    there = f"; {len(tables) - len(new)} had been there" if len(new) < len(tables) else ""
    click.echo(harmless(said + there) if stored else f"{harmless(report)} has no findings that are not waived.")
    return status.CONFORMS


def _is_there(table: dict[str, Any], known: tuple[Waiver, ...], expires: date | None) -> bool:
    """Return whether a waiver of the same finding, which holds as long, is in the file already."""
    import json

    keys = ("target", "law", "dtype", "labels", "event", "mechanism", "part")
    return any(
        all(getattr(waiver, key) == table.get(key, "") for key in keys)
        and waiver.batch == json.loads(table["batch"])
        and (waiver.expires, waiver.versions) == (expires, table.get("versions", ""))
        for waiver in known
    )
