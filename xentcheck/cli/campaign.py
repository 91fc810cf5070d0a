"""``xentcheck campaign``: sweeps too large for one sitting."""

from __future__ import annotations

import click

from xentcheck.cli.campaign_directory import merge, plan, run, status


@click.group(short_help="Sweeps too large for one sitting.")
def campaign() -> None:
    """Sweeps too large for one sitting."""


for _command in (plan, run, merge, status):
    campaign.add_command(_command)
