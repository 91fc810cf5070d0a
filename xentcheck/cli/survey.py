"""``xentcheck survey``: many targets in one table."""

from __future__ import annotations

import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xentcheck.cli import status
from xentcheck.cli.writable import require_writable

if TYPE_CHECKING:
    from xentcheck.survey.rows import Row
    from xentcheck.targets.find.listing import Available


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
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", default=0, show_default=True, help="As for `xentcheck check`."
)
@click.option(
    "--venv",
    "environments",
    multiple=True,
    metavar="TARGET=DIR",
    help="A TARGET to judge in a virtual environment of its own; may be given for each.",
)
def survey(directory: str, targets: tuple[str, ...], environments: tuple[str, ...], **given: Any) -> int:
    """Judge each TARGET, by default every registered one whose library is installed, and write a table to DIR.

    Reports are kept in DIR/reports: a survey that was ended goes on where it was, and judges again only what has
    another version since. Every wrong number is verified by a second method, mpmath from the definition alone. DIR
    then holds table.html, table.md, table.json, a badge a target, and for each finding a text for its developers.

    Exit status: 0 the table was written, whatever the verdicts; 2 it cannot be, or xentcheck failed: by itself, or by
    a finding with which the second method disagrees; 130 interrupted, with the table of what was judged.

    \b
    xentcheck survey ecosystem
    xentcheck survey ecosystem torch.cross_entropy optax.integer_labels
    xentcheck survey ecosystem --venv numpy_ml.CrossEntropy=old
    """  # noqa: D301 (click reads the character)
    from importlib.util import find_spec

    missing = [name for name in ("jinja2", "mpmath") if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f'A survey needs {" and ".join(missing)}: python -m pip install "xentcheck[survey]".'
        )
    require_writable({}, {"DIR": directory})
    from xentcheck.survey.pages import counts, write
    from xentcheck.targets import available

    venvs = _venvs(environments)
    _known([*targets, *venvs])
    home, rows, faults, interrupted = Path(directory), [], 0, False
    names = list(dict.fromkeys([*targets, *venvs] if targets else _all(available(), venvs)))
    try:
        home.mkdir(parents=True, exist_ok=True)
        try:
            for place, name in enumerate(names, 1):
                one, failed = _row(name, home, given, venvs.get(name, ""))
                faults += failed
                rows.append(one)
                click.echo(f"{place} of {len(names)}: {f'{one.name} {one.version}'.rstrip()}: {one.why or one.verdict}")
        except KeyboardInterrupt:
            interrupted = True
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        write(rows, home, date=today, seed=given["seed"], profile=given["profile"])
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be written: {error.strerror}.") from None
    total = counts(rows)
    click.echo(
        f"{_conform(total['conform'])}, {_break(total['violate'])}, {total['not judged']} not judged; "
        f"{total['verified']} of {total['findings']} findings verified by mpmath: {home / 'table.html'}"
    )
    if interrupted:
        click.echo(
            f"Interrupted after {len(rows)} of {len(names)} targets; called again, it goes on from there.", err=True
        )
        return status.INTERRUPTED
    return status.UNUSABLE if total["disagreeing"] or faults else status.CONFORMS


def _venvs(environments: tuple[str, ...]) -> dict[str, str]:
    """Return the virtual environments of targets by name."""
    for one in environments:
        if not all(one.partition("=")[::2]):
            raise click.ClickException(f"--venv {one} must be TARGET=DIR, for example numpy_ml.CrossEntropy=old.")
    return dict(one.split("=", 1) for one in environments)


def _known(names: list[str]) -> None:
    """Refuse a name that no target has, rather than to leave out of the table what was meant."""
    from xentcheck.targets import TargetError, TargetSpecification
    from xentcheck.targets.find.registered import by_name
    from xentcheck.targets.specification import build_plan

    for name in names:
        if ":" not in name and by_name(name) is None:
            try:
                build_plan(TargetSpecification(name))
            except TargetError as error:
                raise click.ClickException(str(error)) from None


def _all(listed: list[Available], venvs: dict[str, str]) -> list[str]:
    """Return the registered targets that can run here or have an environment of their own, then what else has one."""
    found = [one.name for one in listed if one.source == "registered" and (one.importable or one.name in venvs)]
    return [*found, *(name for name in venvs if name not in found)]


def _conform(count: int) -> str:
    return f"{count} conforms" if count == 1 else f"{count} conform"


def _break(count: int) -> str:
    return f"{count} breaks a law" if count == 1 else f"{count} break a law"


def _row(name: str, home: Path, given: dict[str, Any], venv: str) -> tuple[Row, bool]:
    """Return the row of a target, and whether it was xentcheck that failed: the table has the other rows even so."""
    from xentcheck.survey.judging import Judged, judged
    from xentcheck.survey.rows import row
    from xentcheck.targets.call.trace import said_of

    try:
        return row(judged(name, home, given["profile"], given["seed"], partial(click.echo, err=True), venv)), False
    except OSError:
        raise
    except Exception as error:
        return row(Judged(name, why=f"xentcheck itself failed: {said_of(error)}.")), True
