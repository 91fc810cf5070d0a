"""``xentcheck campaign planes``: three classes of which two have the same logit."""

from __future__ import annotations

from typing import Any

import click

from xentcheck.cli import campaign_units, status
from xentcheck.cli.writable import require_writable


@click.command(short_help="Judge three classes of which two have the same 16-bit logit.")
@campaign_units.options
@click.option(
    "--step",
    type=click.IntRange(min=1),
    metavar="N",
    default=31,  # some 2,000 numbers, of all exponents and with all endings of the bit pattern
    show_default=True,
    help="Take every so many-th number of the format; 1 takes all.",
)
def planes(**given: Any) -> int:
    """Judge the loss or the gradient of TARGET on rows of three logits, two of which are the same number.

    They are (a, b, b), (a, a, b) and (a, b, a) for all pairs of the numbers that are taken; each is judged with each
    label as `xentcheck check` does. The target is called in the processes that judge, and has to return one loss a row.

    \b
    xentcheck campaign planes reference --jobs 2
    xentcheck campaign planes torch.cross_entropy --format bfloat16 --part gradient --step 127
    """  # noqa: D301 (click reads the character)
    require_writable({"--json": given["json_file"]})
    content = campaign_units.judged("planes", given, step=given["step"])
    campaign_units.keep(given, content)
    return status.of_verdict(content["verdict"])
