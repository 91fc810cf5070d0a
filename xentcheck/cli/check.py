"""``xentcheck check``: the main job."""

from __future__ import annotations

import shlex
from typing import Any

import click

from xentcheck.cli import arguments, output_files
from xentcheck.cli.check_run import CheckRun
from xentcheck.cli.judging_options import (
    CALLABLES,
    limits_of_calls,
    specifications_of,
    what_is_accepted,
    what_is_judged,
)


@click.command(short_help="Judge cross-entropies.")
@what_is_judged
@click.option(
    "--probe/--no-probe",
    default=True,
    show_default=True,
    help="Infer the contract of a TARGET for which nobody declares one; else it is held to the defaults.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Worker processes; by default 1, and one more where shapes are measured to be compiled.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="A Dask cluster to use instead, such as tcp://host:8786; needs the extra dask.",
)
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first finding, once it is reduced.")
@limits_of_calls
@click.option(
    "--resume",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Keep what is done in DIR; called again alike, the run goes on from there, whatever ended it.",
)
@what_is_accepted
@click.option(
    "--from",
    "stored",
    metavar="REPORT.JSON",
    help="Repeat the run of a report, and tell whether it comes to the same; no TARGET is given then.",
)
@click.option(
    "--corpus",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Judge first the minimal batches of earlier findings in DIR, and add those of this run.",
)
@output_files.options
@click.option("--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write the report as a page.")
@click.option(
    "--reproducers", type=click.Path(file_okay=False), metavar="DIR", help="Write a Python script for each finding."
)
@click.option("--github", is_flag=True, help="Print annotations for GitHub Actions, too.")
@click.pass_context
def check(context: click.Context, /, **given: Any) -> int:
    """Judge each TARGET against certified values.

    A TARGET is the NAME of a registered one (`xentcheck targets` lists them), package.module:attribute, or
    path/file.py:attribute. Without any: the reference and its two presets.

    \b
    xentcheck check optax.softmax_cross_entropy
    xentcheck check mine.py:loss --gradient mine.py:gradient --contract reduction=sum
    xentcheck check mine.py:loss --contract input=probabilities --contract labels='["onehot"]'

    A TARGET without a contract, of its own or given here, is probed first: the report says what was taken, and what
    looks like a convention and was not taken, since a mistake looks so, too. `xentcheck probe` writes it down.

    With --from a report, its targets are judged again as they were: by the same contract, profile, seed, laws and
    dtypes. The exit status is 0 then if verdict, batches, findings and grades are the same, and 1 if they are not.

    Exit status: 0 conforms; 1 findings; 2 the call or the target cannot be used; 3 nothing was judged; 130 interrupted
    before anything was found.
    """  # noqa: D301 (click reads the character)
    output_files.require(given)
    if given["html"]:
        _require_html()
    if given["stored"]:
        return _repeat(given, context)
    arguments.memory(given["memory"])
    stated = arguments.declared(given["assignments"], given["contract_file"])
    laws = arguments.laws(given["properties"])
    dtypes = arguments.dtypes(given["dtypes"])
    specifications = specifications_of(given, stated)
    waivers = arguments.waivers(given["waivers"])
    run = CheckRun(given, waivers=waivers, laws=laws, dtypes=dtypes, several=len(specifications) > 1)
    for name, specification in specifications:
        if not run.judge(name, specification, _command(given, name)):
            break
    return run.close()


def _repeat(given: dict[str, Any], context: click.Context) -> int:
    """Judge again what a report is about."""
    from xentcheck.cli.repeating import repeats

    path = given["stored"]
    stated = repeats(path, context.command, context)
    run = CheckRun(given, waivers=(), laws=None, dtypes=None, several=len(stated) > 1)
    for one in stated:
        if not run.repeat(path, one):
            break
    return run.close()


def _require_html() -> None:
    from xentcheck.report.html.page import PageError, require

    try:
        require()
    except PageError as error:
        raise click.ClickException(str(error)) from None


def _command(given: dict[str, Any], name: str) -> str:
    """Return the command line that repeats the run on one target; what is written to disk is left out."""
    words = ["xentcheck", "check"]
    words += [] if given["targets"] == () and any(given[role] for role in CALLABLES) else [name]
    for role in CALLABLES:
        words += [f"--{role.replace('_', '-')}", given[role]] if given[role] else []
    for assignment in given["assignments"]:
        words += ["--contract", assignment]
    words += ["--contract-file", given["contract_file"]] if given["contract_file"] else []
    words += [] if given["probe"] else ["--no-probe"]
    for option in ("python", "venv"):
        words += [f"--{option}", given[option]] if given[option] else []
    words += ["--profile", given["profile"]] if given["profile"] != "quick" else []
    for option in ("properties", "dtypes"):
        chosen = arguments.listed(given[option])
        words += [f"--{option}", ",".join(chosen)] if chosen else []
    words += ["--corpus", given["corpus"]] if given["corpus"] else []
    words += ["--fail-fast"] if given["fail_fast"] else []
    for option, default in (("time_limit", 10.0), ("first_time_limit", 120.0)):
        words += [f"--{option.replace('_', '-')}", f"{given[option]:g}"] if given[option] != default else []
    words += ["--memory", given["memory"]] if given["memory"] else []
    words += ["--waivers", given["waivers"]] if given["waivers"] else []
    return shlex.join(words)
