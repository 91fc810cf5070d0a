"""``xentcheck campaign exhaustive``: every pair of logits of a 16-bit format."""

from __future__ import annotations

from typing import Any

import click

from xentcheck.cli import campaign_units, status, writable


@click.command(short_help="Judge every pair of logits of a 16-bit format.")
@campaign_units.options
@click.option(
    "--every",
    type=click.IntRange(1, 512),
    metavar="N",
    default=1,
    show_default=True,
    help="Of the 512 parts of the work only one in so many, for a first try: 64 takes half a minute.",
)
@click.option("--picture", metavar="FILE", help="Draw a map of the errors: .png, .svg or .pdf; needs matplotlib.")
def exhaustive(**given: Any) -> int:
    """Judge the loss or the gradient of TARGET on all 4,294,967,296 pairs of logits, with both labels.

    The target is called in the processes that judge, with 65,536 rows of two logits at a time, and has to return
    one loss a row. Each answer is held against certified bounds; what these do not tell, and every violation that
    is shown, is judged as `xentcheck check` does.

    \b
    xentcheck campaign exhaustive reference --every 64
    xentcheck campaign exhaustive reference --jobs 2
    xentcheck campaign exhaustive torch.cross_entropy --format bfloat16 --part gradient --picture map.png
    """  # noqa: D301 (click reads the character)
    _require_files(given)
    content = campaign_units.judged("exhaustive", given, every=given["every"])
    writes = []
    if given["picture"]:
        from xentcheck.campaign.exhaustive.picture import draw

        title = campaign_units.title(content)
        writes.append(lambda: writable.draw("--picture", given["picture"], lambda file: draw(file, content, title)))
    campaign_units.keep(given, content, *writes)
    return status.of_verdict(content["verdict"])


def _require_files(given: dict[str, Any]) -> None:
    """Refuse before the run what cannot be written after it."""
    writable.require_writable({"--json": given["json_file"], "--picture": given["picture"]})
    if given["picture"] is None:
        return
    from xentcheck.bench.picture import SUFFIXES, available

    if not given["picture"].endswith(SUFFIXES):
        raise click.ClickException(f"--picture {given['picture']} must end in {', '.join(SUFFIXES)}.")
    if not available():
        raise click.ClickException("--picture needs matplotlib; use pip install matplotlib, or leave --picture out.")
