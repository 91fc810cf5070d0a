"""``xentcheck table``: grades and worst errors of stored reports, for a paper."""

from __future__ import annotations

import click

from xentcheck.cli import status


@click.command(short_help="Make a table for a paper.")
@click.argument("files", nargs=-1, required=True, metavar="REPORT.JSON...")
@click.option("--latex", is_flag=True, help="In LaTeX.")
@click.option("--markdown", is_flag=True, help="In Markdown, as by default.")
def table(files: tuple[str, ...], latex: bool, markdown: bool) -> int:
    """Print the grades and the worst errors of each target and dtype in JSON reports, ready for a paper.

    The table in LaTeX takes the package booktabs.

    \b
    xentcheck table torch.json optax.json --latex > table.tex
    """  # noqa: D301 (click reads the character)
    from xentcheck.contract.harmless import harmless
    from xentcheck.report import paper
    from xentcheck.report.stored import reports_in

    if latex and markdown:
        raise click.ClickException("--latex and --markdown exclude each other: one table is printed; give one.")
    try:
        reports = [report for file in files for report in reports_in(file)]
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if not any(report.grades for report in reports):
        raise click.ClickException("There are no grades in these reports: nothing was measured.")
    made = (paper.in_latex if latex else paper.in_markdown)(reports)
    click.echo("\n".join(harmless(line, len(made)) for line in made.splitlines()))
    return status.CONFORMS
