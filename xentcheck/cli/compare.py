"""``xentcheck compare``: stored reports side by side."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from xentcheck.cli import status
from xentcheck.cli.writable import require_writable, write, write_each
from xentcheck.contract.harmless import harmless

if TYPE_CHECKING:
    from xentcheck.report.comparison import Comparison
    from xentcheck.report.report import Report


@click.command(short_help="Put reports side by side.")
@click.argument("files", nargs=-1, required=True, metavar="REPORT.JSON...")
@click.option("--all", "whole", is_flag=True, help="Show what is alike, too.")
@click.option("--markdown", type=click.Path(dir_okay=False), metavar="FILE", help="Write the tables in Markdown.")
@click.option("--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write them as a page; all rows.")
def compare(files: tuple[str, ...], whole: bool, markdown: str | None, html: str | None) -> int:
    """Tell what broke and what was mended from one JSON report to another, with the grades before and after.

    Of two files, each target that both have is compared with itself, the first file being before. Several targets of
    one file, or of more than two, stand beside each other.

    Exit status: 0; 1 if, from the first of two to the second, a law broke or a grade got worse; 2 if a file cannot be
    used.

    \b
    xentcheck compare before.json after.json
    xentcheck compare torch.json optax.json jax.json --markdown table.md
    xentcheck check mine.py:loss reference --json all.json; xentcheck compare all.json
    """  # noqa: D301 (click reads the character)
    from xentcheck.report import comparison_text

    require_writable({"--markdown": markdown, "--html": html})
    if html:
        from xentcheck.report.html.page import PageError, require

        try:
            require(drawing=False)
        except PageError as error:
            raise click.ClickException(str(error)) from None
    tables = _tables(files)
    for table in tables:
        comparison_text.write(table, sys.stdout, whole)
    writes = []
    if markdown:
        text = "\n".join(comparison_text.markdown(table, whole) for table in tables)
        writes.append(partial(write, "--markdown", markdown, text))
    if html:
        from xentcheck.report.html.comparison_page import page

        writes.append(partial(write, "--html", html, page(tables)))
    write_each(*writes)
    return status.FINDINGS if any(table.worse for table in tables) else status.CONFORMS


def _tables(files: tuple[str, ...]) -> list[Comparison]:
    """Return what is to be shown, a table for each target or one for all; raises click.ClickException."""
    from xentcheck.report.comparison import compared

    read = [(file, _read(file)) for file in files]
    every = [(file, report) for file, reports in read for report in reports]
    if len(files) == 2:
        before, after = ({report.target.name: report for report in reports} for _, reports in read)
        both = [name for name in before if name in after]
        if both:
            for name in sorted({*before, *after} - set(both)):
                click.echo(f"{harmless(name)} is in one of the files only", err=True)
            return [
                compared([f"{name}: {file}" for file in files], [before[name], after[name]], successive=True)
                for name in both
            ]
    if len(every) < 2:
        raise click.ClickException("There is one report only; give two files, or one with several targets.")
    alike = len({report.target.name for _, report in every}) < len(every)
    names = [
        f"{report.target.name}: {os.path.basename(file)}" if alike else report.target.name for file, report in every
    ]
    return [compared(names, [report for _, report in every])]


def _read(file: str) -> list[Report]:
    from xentcheck.report.stored import reports_in

    try:
        return reports_in(file)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
