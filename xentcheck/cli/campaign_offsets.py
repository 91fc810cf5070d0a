"""``xentcheck campaign offsets``: every number of a 16-bit format as a common offset."""

from __future__ import annotations

from typing import Any

import click

from xentcheck.cli import campaign_units, status
from xentcheck.cli.writable import require_writable


@click.command(short_help="Judge every 16-bit number as a common offset.")
@campaign_units.options
def offsets(**given: Any) -> int:
    """Judge the loss or the gradient of TARGET with every finite number of a format as a common offset of the logits.

    Three rows, of 2, 3 and 10 classes, are shifted by it and rounded to the format; each is judged with each label as
    `xentcheck check` does. The target is called in the processes that judge, and has to return one loss a row.

    \b
    xentcheck campaign offsets reference
    xentcheck campaign offsets torch.cross_entropy --format bfloat16 --part gradient --json offsets.json
    """  # noqa: D301 (click reads the character)
    require_writable({"--json": given["json_file"]})
    content = campaign_units.judged("offsets", given)
    campaign_units.keep(given, content)
    return status.of_verdict(content["verdict"])
