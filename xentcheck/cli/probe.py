"""``xentcheck probe``: the contract of a loss that nobody documented."""

from __future__ import annotations

import json
from typing import Any

import click

from xentcheck.cli import status
from xentcheck.cli.arguments import not_empty
from xentcheck.cli.writable import require_writable, write


@click.command(short_help="Infer a contract.")
@click.argument("target", required=False)
@click.option("--gradient", metavar="CALLABLE", help="The gradient; it takes the arguments of the loss.")
@click.option("--value-and-gradient", metavar="CALLABLE", help="Loss and gradient in one call.")
@click.option(
    "--python",
    metavar="PATH",
    callback=not_empty,
    help="Another interpreter to run TARGET in; see `xentcheck check --help`.",
)
@click.option("--venv", metavar="DIR", callback=not_empty, help="The same by the virtual environment that has it.")
@click.option("--name", default="", metavar="NAME", help="Write the tables of [tool.xentcheck.targets.NAME].")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write keys and evidence.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a call, or the import, may take.",
)
def probe(**given: Any) -> int:
    """Infer what TARGET promises, from its answers to small batches, and print it as TOML.

    Nothing has to be known of it: order of the arguments, form of the labels, logits or probabilities, reduction,
    constants, options, gradient and what becomes of bad input are told by batches of a few rows. Each key has
    its evidence beside it; what cannot be told, and what no convention explains, is said below. A contract that TARGET
    declares is not looked at.

    Read it before you use it: a mistake of the target may look like a convention.

    \b
    xentcheck probe mine.py:loss
    xentcheck probe mine.py:loss --gradient mine.py:gradient > mine.toml
    xentcheck check mine.py:loss --gradient mine.py:gradient --contract-file mine.toml

    Exit status: 0 told; 1 contradictions, so that it is no cross-entropy by any convention known; 2 the call or the
    target cannot be used.
    """  # noqa: D301 (click reads the character)
    from xentcheck.contract import ContractError
    from xentcheck.probing import infer
    from xentcheck.probing.toml import as_toml
    from xentcheck.targets import TargetError, TargetSpecification

    require_writable({"--json": given["json_file"]})
    callables = {"loss": given["target"], **{role: given[role] for role in ("gradient", "value_and_gradient")}}
    limit = given["time_limit"]
    try:
        specification = TargetSpecification(**callables, python=given["python"] or "", venv=given["venv"] or "")
        inference = infer(specification, time_limit=min(10.0, limit), first_time_limit=limit)
    except (TargetError, ContractError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(as_toml(inference, given["name"]), nl=False)
    if given["json_file"]:
        content = json.dumps(inference.as_mapping(), indent=1, ensure_ascii=False)
        write("--json", given["json_file"], content + "\n")
    return status.FINDINGS if inference.contradictions else status.CONFORMS
