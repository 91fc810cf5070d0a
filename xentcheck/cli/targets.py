"""``xentcheck targets``: what can be judged by name."""

from __future__ import annotations

import dataclasses
import json
import sys

import click


@click.command(short_help="List the registered targets.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def targets(as_json: bool) -> int:
    """List the implementations that `xentcheck check NAME` judges, and what the missing ones need.

    They are those that xentcheck knows, those of [tool.xentcheck.targets] in pyproject.toml here, and those that
    installed packages register. None of them is imported.
    """
    from xentcheck.targets import TargetError, available

    try:
        found = available()
    except TargetError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(target) for target in found], indent=1, ensure_ascii=False))
        return 0

    from xentcheck.report.tables import hanging
    from xentcheck.report.terminal import console

    out = console(sys.stdout)
    for target in found:
        out.print(target.name, style="bold" if target.importable else "dim", soft_wrap=True)
        hanging(out, "    ", target.description)
        if not target.importable:
            # Not broken into lines, since a command is copied.
            missing = target.install or f"{target.location} cannot be found"
            out.print(f"    not installed: {missing}", style="yellow", soft_wrap=True, markup=False, highlight=False)
        elif target.source != "registered":
            hanging(out, "    ", f"{target.location}, from {target.source}", "dim")
    return 0
