"""``xentcheck doctor``: is this machine fit to judge."""

from __future__ import annotations

import click


@click.command(short_help="Tell whether this machine is fit to judge.")
def doctor() -> int:
    """Examine versions, floating-point arithmetic, the certified tables, workers and the compilation cache.

    One line each; what is not as it should be says what to do. Exit status 0 if the machine is fit, else 1.
    """
    from xentcheck.cli.examinations import EXAMINATIONS

    fit = True
    for examine in EXAMINATIONS:
        for line in examine():
            fit = fit and line.fit
            click.echo(f"{'ok ' if line.fit else 'BAD'}  {line.what}{'' if line.fit else f'  -> {line.advice}'}")
    click.echo("This machine is fit." if fit else "This machine is not fit: see the lines that begin with BAD.")
    return 0 if fit else 1
