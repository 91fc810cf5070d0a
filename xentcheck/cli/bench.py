"""``xentcheck bench``: how fast a target is."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xentcheck.cli import arguments, status
from xentcheck.cli.writable import draw, require_writable, write, write_each

if TYPE_CHECKING:
    from xentcheck.bench.figures import Case, Result
    from xentcheck.targets.specification import BuildPlan

_CLASSES = "10,100,1000,10000"
_ROWS = "1,16,256,4096"


@click.command(short_help="Time losses.")
@click.argument("targets", nargs=-1, metavar="TARGET...")
@click.option("--contract", "assignments", multiple=True, metavar="KEY=VALUE", help="As for `xentcheck check`.")
@click.option("--contract-file", metavar="FILE", help="As for `xentcheck check`.")
@click.option("--gradient", metavar="CALLABLE", help="The gradient; it takes the arguments of the loss.")
@click.option("--value-and-gradient", metavar="CALLABLE", help="Loss and gradient in one call.")
@click.option("--part", type=click.Choice(["loss", "gradient", "both"]), help="What is timed [default: all it has].")
@click.option("--classes", default=_CLASSES, show_default=True, metavar="M,...", help="A sweep at the rows of --at.")
@click.option("--rows", default=_ROWS, show_default=True, metavar="N,...", help="A sweep at the classes of --at.")
@click.option("--at", "fixed", default="64x1000", show_default=True, metavar="NxM", help="What the sweeps hold fixed.")
@click.option("--dtypes", multiple=True, metavar="DTYPE,...", help="Those of the scores  [default: float32]")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    default=0.5,
    show_default=True,
    help="Time spent on each size, all targets together.",
)
@click.option("--one-core", is_flag=True, help="Keep the process to one core, for a busy machine; on Linux.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write all figures.")
@click.option("--plot", "picture", metavar="FILE", help="Draw them: .png, .svg or .pdf; needs matplotlib.")
@click.option("--asv", "folder", metavar="DIR", help="Time nothing; write benchmarks for your project's commits.")
def bench(**given: Any) -> int:
    """Time each TARGET with sparse and with one-hot labels, beside the reference and beside each other.

    All of them are called in turn in one process, so that ratios hold also on a busy machine; of targets with threads
    that wait for one another (torch) only with --one-core. Whether a target is right is not asked here: `xentcheck
    check` tells.

    \b
    xentcheck bench mine.py:loss --gradient mine.py:gradient
    xentcheck bench torch.cross_entropy scipy.log_softmax --classes 1000,50257 --rows ""
    xentcheck bench mine.py:loss --asv benchmarks
    """  # noqa: D301 (click reads the character)
    if not given["targets"] and not (given["gradient"] or given["value_and_gradient"]):
        raise click.ClickException("Give a TARGET: a NAME, package.module:attribute or path/file.py:attribute.")
    if given["one_core"] and not hasattr(os, "sched_setaffinity"):
        raise click.ClickException("--one-core: this system cannot keep a process to one core; leave it out.")
    require_writable({"--json": given["json_file"], "--plot": given["picture"]}, {"--asv": given["folder"]})
    _require_picture(given["picture"])
    plans = _plans(given)
    if given["folder"] is not None:
        return _write_project(plans, Path(given["folder"]))
    cases = _cases(given)
    measured = _measure(plans, cases, given)
    writes = []
    if file := given["json_file"]:
        content = {"schema": "xentcheck-bench/1", "results": [result.as_mapping() for result in measured]}
        writes.append(partial(write, "--json", file, json.dumps(content, indent=1) + "\n"))
    if given["picture"]:
        from xentcheck.bench import picture

        writes.append(partial(draw, "--plot", given["picture"], lambda file: picture.draw(file, _series(measured))))
    write_each(*writes)
    return status.CONFORMS


def _measure(plans: list[BuildPlan], cases: list[Case], given: dict[str, Any]) -> list[Result]:
    """Time, and show each series as soon as it is complete."""
    from xentcheck.bench.timing_process import results
    from xentcheck.targets import TargetError

    measured: list[Result] = []
    counts = [len(list(group)) for _, group in groupby(cases, key=lambda case: (case.dtype, case.sweep))]
    due = [sum(counts[: place + 1]) for place in range(len(counts))]
    try:
        for result in results(plans, cases, given["part"] or "", given["seconds"], given["one_core"]):
            measured.append(result)
            if len(measured) in due:
                _show(_series(measured)[-1], first=len(measured) == due[0])
            elif sys.stderr.isatty():
                click.echo(f"\r{len(measured)} of {len(cases)} sizes\r", nl=False, err=True)
    except TargetError as error:
        raise click.ClickException(str(error)) from None
    return measured


def _show(results: list[Result], first: bool) -> None:
    from xentcheck.bench.chart import chart
    from xentcheck.bench.table import remarks, table, title

    if first:
        click.echo("Medians of calls in turn; ratios of neighbouring calls, with their middle half in brackets.")
        click.echo("Memory: the most that a call allocates, in bytes per byte of scores.")
    click.echo(f"\n{title(results[0])}\n{table(results)}")
    drawn = chart(results)
    if drawn:
        click.echo(f"\n{drawn}")
    for sentence in remarks(results):
        click.echo(f"- {sentence}")


def _series(measured: list[Result]) -> list[list[Result]]:
    return [list(group) for _, group in groupby(measured, key=lambda result: (result.case.dtype, result.case.sweep))]


def _plans(given: dict[str, Any]) -> list[BuildPlan]:
    """Return the plans of the targets; nothing of them is imported here."""
    from xentcheck.contract import ContractError
    from xentcheck.targets import TargetError, TargetSpecification
    from xentcheck.targets.specification import build_plan

    stated = arguments.declared(given["assignments"], given["contract_file"])
    further = {role: given[role] for role in ("gradient", "value_and_gradient") if given[role]}
    names = given["targets"] or (None,)
    if further and len(names) > 1:
        raise click.ClickException("--gradient and --value-and-gradient belong to one target; bench them one by one.")
    try:
        named = dict.fromkeys(names)
        plans = [build_plan(TargetSpecification(loss=name, **further, changes=stated)) for name in named]
        for plan in plans:
            plan.require_here("All targets are timed in one process,")
        return plans
    except (TargetError, ContractError) as error:
        raise click.ClickException(str(error)) from None


def _cases(given: dict[str, Any]) -> list[Case]:
    """Return the sizes of both sweeps in every dtype."""
    from xentcheck.bench.figures import Case

    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", given["fixed"])
    if match is None:
        raise click.ClickException(f"--at is {given['fixed']!r}, but must be rows x classes, for example 64x1000.")
    rows, classes = int(match.group(1)), int(match.group(2))
    cases = []
    for dtype in arguments.dtypes(given["dtypes"]) or ("float32",):
        cases += [Case("classes", rows, m, dtype, "both") for m in _numbers("--classes", given["classes"])]
        cases += [Case("rows", n, classes, dtype, "both") for n in _numbers("--rows", given["rows"])]
    if not cases:
        raise click.ClickException("--classes and --rows are both empty; give sizes in one of them.")
    return cases


def _numbers(option: str, text: str) -> list[int]:
    words = [word.strip().replace("_", "") for word in text.split(",") if word.strip()]
    for word in words:
        if not word.isdecimal() or int(word) == 0:
            raise click.ClickException(f"{option} has {word!r}, but takes whole numbers above 0 between commas.")
    return [int(word) for word in words]


def _require_picture(path: str | None) -> None:
    """Refuse before the run what cannot be drawn after it."""
    if path is None:
        return
    from xentcheck.bench.picture import SUFFIXES, available

    if not path.endswith(SUFFIXES):
        raise click.ClickException(f"--plot {path} must end in {', '.join(SUFFIXES)}.")
    if not available():
        raise click.ClickException("--plot needs matplotlib; use pip install matplotlib, or leave --plot out.")


def _write_project(plans: list[BuildPlan], folder: Path) -> int:
    from xentcheck.bench.project import write
    from xentcheck.bench.timing_process import describe
    from xentcheck.targets import TargetError

    try:
        files = write(folder, describe(plans))
    except TargetError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"--asv {folder} cannot be written: {error.strerror}.") from None
    for path in files:
        click.echo(f"wrote {path}")
    click.echo(
        f"Commit them, then: pip install asv==0.6.6 && cd {folder} && asv machine --yes && asv run NEW && asv publish"
    )
    return status.CONFORMS
