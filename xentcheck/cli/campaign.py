"""``xentcheck campaign``: sweeps too large for one sitting."""

from __future__ import annotations

import click

from xentcheck.cli.campaign_exhaustive import exhaustive


@click.group(short_help="Sweeps too large for one sitting.")
def campaign() -> None:
    """Sweeps too large for one sitting."""


campaign.add_command(exhaustive)
