"""``xentcheck survey``: many targets in one table."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import click

from xentcheck.cli import status


@click.command(short_help="Judge many targets and make one table of them.")
@click.argument("directory", type=click.Path(file_okay=False), metavar="DIR")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--profile",
    type=click.Choice(["quick", "standard", "thorough"]),
    default="quick",
    show_default=True,
    help="How much is tried.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="As for `xentcheck check`.")
def survey(directory: str, targets: tuple[str, ...], **given: Any) -> int:
    """Judge each TARGET, by default every registered one whose library is installed, and write a table to DIR.

    Reports are kept in DIR/reports: a survey that was ended goes on where it was, and judges again only what has
    another version since. Every wrong number is verified by a second method, mpmath from the definition alone. DIR
    then holds table.html, table.md, table.json, a badge a target, and for each finding a text for its developers.

    Exit status: 0 the table was written, whatever the verdicts; 2 it cannot be, or xentcheck failed: by itself, or by
    a finding with which the second method disagrees.

    \b
    xentcheck survey ecosystem
    xentcheck survey ecosystem torch.cross_entropy optax.integer_labels
    """  # noqa: D301 (click reads the character)
    from importlib.util import find_spec

    missing = [name for name in ("jinja2", "mpmath") if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f'A survey needs {" and ".join(missing)}: python -m pip install "xentcheck[survey]".'
        )
    from xentcheck.survey.judging import Judged, judged
    from xentcheck.survey.pages import counts, write
    from xentcheck.survey.rows import row
    from xentcheck.targets import available
    from xentcheck.targets.call.trace import said_of

    home = Path(directory)
    names = targets or [one.name for one in available() if one.source == "registered" and one.importable]
    try:
        home.mkdir(parents=True, exist_ok=True)
        rows, faults = [], 0
        for place, name in enumerate(dict.fromkeys(names), 1):
            try:
                found = judged(name, home, given["profile"], given["seed"], lambda text: click.echo(text, err=True))
                one = row(found)
            except OSError:
                raise
            except Exception as error:  # whatever it is, the table has the other rows
                faults += 1
                one = row(Judged(name, why=f"xentcheck itself failed: {said_of(error)}."))
            rows.append(one)
            click.echo(f"{place} of {len(names)}: {one.name} {one.version}: {one.why or one.verdict}")
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        write(rows, home, date=today, seed=given["seed"], profile=given["profile"])
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be written: {error.strerror}.") from None
    total = counts(rows)
    click.echo(
        f"{total['conform']} conform, {total['violate']} break a law, {total['not judged']} not judged; "
        f"{total['verified']} of {total['findings']} findings verified by mpmath: {home / 'table.html'}"
    )
    return status.UNUSABLE if total["disagreeing"] or faults else status.CONFORMS
