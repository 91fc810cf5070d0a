"""``xentcheck campaign``: sweeps too large for one sitting."""

from __future__ import annotations

import click

from xentcheck.cli.campaign_directory import merge, plan, run, status
from xentcheck.cli.campaign_exhaustive import exhaustive
from xentcheck.cli.campaign_offsets import offsets
from xentcheck.cli.campaign_planes import planes


@click.group(
    short_help="Sweeps too large for one sitting: shards, and all numbers of 16-bit formats.",
    invoke_without_command=True,
)
@click.pass_context
def campaign(context: click.Context) -> None:
    """Sweeps too large for one sitting."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (plan, run, merge, status, exhaustive, offsets, planes):
    campaign.add_command(_command)
