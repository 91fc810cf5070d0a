"""``xentcheck properties``: the laws."""

from __future__ import annotations

import json

import click


@click.command(short_help="List the laws.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def properties(as_json: bool) -> int:
    """List the laws that a target is judged by, with the public reports of losses that broke each."""
    from xentcheck.properties.registry import LAWS

    laws = sorted(LAWS, key=lambda law: law.number)
    if as_json:
        rows = [
            {"number": law.number, "name": law.name, "sentence": law.sentence, "sources": law.sources} for law in laws
        ]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    import sys

    from xentcheck.report.tables import hanging
    from xentcheck.report.terminal import console

    out = console(sys.stdout)
    for law in laws:
        out.print(f"{law.number:>3}  {law.name}", style="bold")
        hanging(out, "     ", law.sentence)
        if law.sources:
            hanging(out, "     broken by ", law.sources, "dim")
    return 0
