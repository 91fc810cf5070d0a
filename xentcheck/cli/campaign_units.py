"""What campaigns of units of plain JSON data have in common: options, a pool of processes, and how they end."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from xentcheck.cli import arguments
from xentcheck.cli.writable import write, write_each

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("target", required=False),
    click.option("--contract", "assignments", multiple=True, metavar="KEY=VALUE", help="As for `xentcheck check`."),
    click.option("--contract-file", metavar="FILE", help="As for `xentcheck check`."),
    click.option("--gradient", metavar="CALLABLE", help="The gradient; it takes the arguments of the loss."),
    click.option("--value-and-gradient", metavar="CALLABLE", help="Loss and gradient in one call."),
    click.option(
        "--format",
        "format_",
        type=click.Choice(["float16", "bfloat16"]),
        default="float16",
        show_default=True,
        help="The format of the logits.",
    ),
    click.option(
        "--part", type=click.Choice(["loss", "gradient"]), default="loss", show_default=True, help="What is judged."
    ),
    click.option("--jobs", type=click.IntRange(min=1), metavar="N", default=1, show_default=True, help="Processes."),
    click.option(
        "--json", "json_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write all that was found."
    ),
)


def options(command: Command) -> Command:
    """Give a command the target, what of it is judged, and by how many processes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def judged(kind: str, given: dict[str, Any], **further: Any) -> dict[str, Any]:
    """Do a campaign, tell what was found, and return it as JSON types.

    Parameters
    ----------
    kind : str
        A module of `xentcheck.campaign`, with `plan`, `run`, `merge`, and `sentences` of what was merged.
    given : dict
        What the command was given.
    **further
        Settings of that kind alone, beside "format" and "part".

    Raises
    ------
    click.ClickException
    """
    from xentcheck.contract import ContractError
    from xentcheck.contract.harmless import harmless
    from xentcheck.targets import TargetError

    module = importlib.import_module(f"xentcheck.campaign.{kind}")
    target = _target(given)
    settings = {"format": given["format_"], "part": given["part"], **further}
    start = time.perf_counter()
    try:
        results, ended = _results(kind, target, settings, module.plan(target, settings), given["jobs"])
    except (TargetError, ContractError) as error:
        raise click.ClickException(str(error)) from None
    merged = module.merge(settings, results)
    if ended not in ("", "interrupted"):
        merged["verdict"] = "violates"
        merged["trouble"] = merged["trouble"] or {"said": ended, "first": "unknown", "label": "unknown"}
    versions = " ".join(version for version in merged["versions"] if version)
    click.echo(f"{harmless(_name(target))} {versions}".strip())
    for line in module.sentences(merged):
        click.echo(line)
    seconds = time.perf_counter() - start
    click.echo(f"{seconds:.0f} s, {given['jobs']} {'process' if given['jobs'] == 1 else 'processes'}")
    schema = f"xentcheck-campaign-{kind}/1"
    return {"schema": schema, "target": target, "seconds": round(seconds, 1), "jobs": given["jobs"], **merged}


def keep(given: dict[str, Any], content: dict[str, Any], *further: Callable[[], object]) -> None:
    """Write the JSON that was asked for, and what else is to be written; raises click.ClickException."""
    writes = list(further)
    if file := given["json_file"]:
        writes.insert(0, lambda: write("--json", file, json.dumps(content, allow_nan=False) + "\n"))
    write_each(*writes)


def title(content: dict[str, Any]) -> str:
    """Return the name of the target of what `judged` returned, and what was judged of it."""
    which = "all" if content["every"] == 1 else "a sample of"
    return f"{_name(content['target'])}: {content['part']} of {which} pairs of {content['format']}"


def _target(given: dict[str, Any]) -> dict[str, Any]:
    roles = {"loss": given["target"], **{role: given[role] for role in ("gradient", "value_and_gradient")}}
    target: dict[str, Any] = {role: named for role, named in roles.items() if named}
    if not target:
        raise click.ClickException("Give a TARGET: a NAME, package.module:attribute or path/file.py:attribute.")
    target["changes"] = arguments.declared(given["assignments"], given["contract_file"])
    target["directory"] = str(Path.cwd())
    return target


def _name(target: dict[str, Any]) -> str:
    return str(next(iter(target.values())))  # of the first role that was given


def _results(
    kind: str, target: dict[str, Any], settings: dict[str, Any], units: list[dict[str, Any]], jobs: int
) -> tuple[list[dict[str, Any]], str]:
    """Return the results of the units of work, from processes of a pool, and why there are no more, or ""."""
    from xentcheck.engine.spread import LOSSES, LostError, Spread

    def told(unit: str, result: dict[str, Any]) -> None:
        if sys.stderr.isatty():
            done = len(spread.done)
            click.echo(f"\r{done} of {len(units)} parts", nl=done == len(units), err=True)

    spread, ended = Spread(None, jobs, told), ""
    try:
        for unit in units:
            spread.add(str(unit["first"]), _run, kind, target, settings, unit)
        for unit in units:
            spread.result(str(unit["first"]))
    except KeyboardInterrupt:
        ended = "interrupted"
    except LostError as error:
        ended = f"a process that called the target ended, {LOSSES} times ({error})"
    finally:
        spread.close(interrupted=len(spread.done) < len(units))
    return list(spread.done.values()), ended


def _run(kind: str, target: dict[str, Any], settings: dict[str, Any], unit: dict[str, Any]) -> dict[str, Any]:
    """Do a unit of work in a process of the pool, which its parent alone interrupts; frameworks use one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    result: dict[str, Any] = importlib.import_module(f"xentcheck.campaign.{kind}").run(target, settings, unit)
    return result
