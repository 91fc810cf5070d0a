"""``xentcheck campaign``: sweeps too large for one sitting."""

from __future__ import annotations

import click

from xentcheck.cli.campaign_directory import merge, plan, run, status
from xentcheck.cli.campaign_exhaustive import exhaustive
from xentcheck.cli.campaign_offsets import offsets
from xentcheck.cli.campaign_planes import planes


class InOrder(click.Group):
    """A group that lists its commands in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(
    cls=InOrder,
    short_help="Sweeps too large for one sitting: shards, and all numbers of 16-bit formats.",
    invoke_without_command=True,
)
@click.pass_context
def campaign(context: click.Context) -> None:
    """Sweeps too large for one sitting.

    plan, run, status and merge do one `xentcheck check` in pieces, on as many machines as you like. exhaustive, offsets
    and planes try 16-bit logits in great number, each as a command of its own.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (plan, run, status, merge, exhaustive, offsets, planes):
    campaign.add_command(_command)
