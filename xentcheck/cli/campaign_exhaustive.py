"""``xentcheck campaign exhaustive``: every pair of logits of a 16-bit format."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from xentcheck.cli import arguments, output_files, status
from xentcheck.report.files import write_whole

SCHEMA = "xentcheck-campaign-exhaustive/1"


@click.command(short_help="Judge every pair of logits of a 16-bit format.")
@click.argument("target", required=False)
@click.option("--contract", "assignments", multiple=True, metavar="KEY=VALUE", help="As for `xentcheck check`.")
@click.option("--contract-file", metavar="FILE", help="As for `xentcheck check`.")
@click.option("--gradient", metavar="CALLABLE", help="The gradient; it takes the arguments of the loss.")
@click.option("--value-and-gradient", metavar="CALLABLE", help="Loss and gradient in one call.")
@click.option(
    "--format", "format_", type=click.Choice(["float16", "bfloat16"]), default="float16", show_default=True,
    help="The format of the logits.",
)  # fmt: skip
@click.option(
    "--part", type=click.Choice(["loss", "gradient"]), default="loss", show_default=True, help="What is judged."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write all that was found.")
@click.option("--picture", metavar="FILE", help="Draw a map of the errors: .png, .svg or .pdf; needs matplotlib.")
def exhaustive(**given: Any) -> int:
    """Judge the loss or the gradient of TARGET on all 4,294,967,296 pairs of logits, with both labels.

    The target is called in the processes that judge, with 65,536 rows of two logits at a time, and has to return
    one loss a row. Each answer is held against certified bounds; what these do not tell, and every violation that
    is shown, is judged as `xentcheck check` does.

    \b
    xentcheck campaign exhaustive reference --jobs 2
    xentcheck campaign exhaustive torch.cross_entropy --format bfloat16 --part gradient --picture map.png
    """  # noqa: D301 (click reads the character)
    from xentcheck.campaign.exhaustive import merge, plan
    from xentcheck.campaign.exhaustive.sentences import sentences
    from xentcheck.contract import ContractError
    from xentcheck.contract.harmless import harmless
    from xentcheck.targets import TargetError

    _require_files(given)
    roles = {"loss": given["target"], **{role: given[role] for role in ("gradient", "value_and_gradient")}}
    target: dict[str, Any] = {role: named for role, named in roles.items() if named}
    if not target:
        raise click.ClickException("Give a TARGET: a NAME, package.module:attribute or path/file.py:attribute.")
    target["changes"] = arguments.declared(given["assignments"], given["contract_file"])
    target["directory"] = str(Path.cwd())
    settings = {"format": given["format_"], "part": given["part"]}
    start = time.perf_counter()
    try:
        results, ended = _results(target, settings, plan(target, settings), given["jobs"])
    except (TargetError, ContractError) as error:
        raise click.ClickException(str(error)) from None
    merged = merge(settings, results)
    if ended not in ("", "interrupted"):
        merged["verdict"] = "violates"
        merged["trouble"] = merged["trouble"] or {"said": ended, "first": "unknown", "label": "unknown"}
    named = harmless(next(iter(target.values())))
    versions = " ".join(version for version in merged["versions"] if version)
    click.echo(f"{named} {versions}".strip())
    for line in sentences(merged):
        click.echo(line)
    seconds = time.perf_counter() - start
    click.echo(f"{seconds:.0f} s, {given['jobs']} {'process' if given['jobs'] == 1 else 'processes'}")
    _write(given, {"schema": SCHEMA, "target": target, "seconds": round(seconds, 1), "jobs": given["jobs"], **merged})
    return status.of_verdict(merged["verdict"])


def _results(
    target: dict[str, Any], settings: dict[str, Any], units: list[dict[str, Any]], jobs: int
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
            spread.add(str(unit["first"]), _run, target, settings, unit)
        for unit in units:
            spread.result(str(unit["first"]))
    except KeyboardInterrupt:
        ended = "interrupted"
    except LostError as error:
        ended = f"a process that called the target ended, {LOSSES} times ({error})"
    finally:
        spread.close(interrupted=len(spread.done) < len(units))
    return list(spread.done.values()), ended


def _run(target: dict[str, Any], settings: dict[str, Any], unit: dict[str, Any]) -> dict[str, Any]:
    """Do a unit of work in a process of the pool, which its parent alone interrupts; frameworks use one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from xentcheck.campaign.exhaustive import run

    return run(target, settings, unit)


def _require_files(given: dict[str, Any]) -> None:
    """Refuse before the run what cannot be written after it."""
    output_files.require_writable({"--json": given["json_file"], "--picture": given["picture"]})
    if given["picture"] is None:
        return
    from xentcheck.bench.picture import SUFFIXES, available

    if not given["picture"].endswith(SUFFIXES):
        raise click.ClickException(f"--picture {given['picture']} must end in {', '.join(SUFFIXES)}.")
    if not available():
        raise click.ClickException("--picture needs matplotlib; use pip install matplotlib, or leave --picture out.")


def _write(given: dict[str, Any], content: dict[str, Any]) -> None:
    if given["json_file"]:
        try:
            write_whole(Path(given["json_file"]), json.dumps(content, allow_nan=False) + "\n")
        except OSError as error:
            raise click.ClickException(f"--json {given['json_file']} cannot be written: {error.strerror}.") from None
    if given["picture"]:
        from xentcheck.campaign.exhaustive.picture import draw

        name = content["target"].get("loss") or next(iter(content["target"].values()))
        draw(Path(given["picture"]), content, f"{name}: {content['part']} of all pairs of {content['format']}")
