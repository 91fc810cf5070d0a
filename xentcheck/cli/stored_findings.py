"""The findings of a stored report, by the names that commands call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xentcheck.report.finding import Finding
    from xentcheck.report.report import Report


@dataclass(frozen=True)
class Stored:
    """A finding, the report that it is in, and what it is called: in a file of several targets with the target."""

    name: str
    report: Report
    finding: Finding


def chosen(path: str, wanted: str | None) -> list[Stored]:
    """Return the findings of a report, or that one which is wanted; raises click.ClickException."""
    from xentcheck.report.finding import identifier
    from xentcheck.report.stored import reports_in

    try:
        reports = reports_in(path)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    every = [
        Stored(f"{one.target.name}: {identifier(found)}" if len(reports) > 1 else identifier(found), one, found)
        for one in reports
        for found in one.findings
    ]
    if wanted is None:
        return every
    found = [one for one in every if wanted in (one.name, identifier(one.finding))]
    if not found:
        known = ", ".join(identifier(one.finding) for one in every) or "none"
        raise click.ClickException(f"{path} has no finding {wanted!r}; its findings are {known}.")
    return found
