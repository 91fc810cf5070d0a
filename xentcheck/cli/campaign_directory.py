"""``xentcheck campaign plan | run | merge | status``: one check in pieces, over a directory."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xentcheck.cli import arguments, output_files
from xentcheck.cli import status as statuses
from xentcheck.cli.interruption import asked
from xentcheck.cli.judging_options import limits_of_calls, specifications_of, what_is_accepted, what_is_judged
from xentcheck.cli.writable import require_writable, write, write_each

if TYPE_CHECKING:
    from xentcheck.engine.campaign import Status
    from xentcheck.report.report import Report

STATUS_SCHEMA = "xentcheck-campaign-status/1"
_CORPUS = click.option(
    "--corpus",
    type=click.Path(file_okay=False),
    metavar="CORPUS",
    help="The folder of minimal batches of earlier findings; DIR/corpus by default.",
)
_DIRECTORY = click.argument("directory", metavar="DIR", type=click.Path(file_okay=False))


class Share(click.ParamType):  # type: ignore[type-arg]  # not generic in every version
    """``i/n``: the i-th of n shares."""

    name = "i/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return i and n."""
        number, _, count = str(value).partition("/")
        if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
            self.fail(f"{value!r} is no share: it has to be i/n, such as 2/5, with i from 1 to n.", param, ctx)
        return int(number), int(count)


@click.command(short_help="Plan a check in a directory.")
@_DIRECTORY
@what_is_judged
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="How many times as many batches are drawn at random as `xentcheck check` draws.",
)
@_CORPUS
@limits_of_calls
def plan(**given: Any) -> int:
    """Plan in DIR what `xentcheck check` does with the same TARGETs and options, or with more batches.

    The minimal batches of the corpus are judged first.

    \b
    xentcheck campaign plan runs mine.py:loss --profile thorough --rounds 10
    xentcheck campaign run runs --shard 1/2       anywhere, such as in two jobs of a CI matrix
    xentcheck campaign run runs --shard 2/2
    xentcheck campaign merge runs
    """  # noqa: D301 (click reads the character)
    from xentcheck.engine import campaign
    from xentcheck.engine.corpus import read
    from xentcheck.engine.run_plan import Options

    require_writable({}, {"DIR": given["directory"]})
    arguments.memory(given["memory"])
    stated = arguments.declared(given["assignments"], given["contract_file"])
    corpus, left_out = read(_corpus(given["directory"], given["corpus"]))
    for sentence in left_out:
        click.echo(f"xentcheck: {sentence}", err=True)
    options = Options(
        given["profile"],
        given["seed"],
        arguments.laws(given["properties"]),
        arguments.dtypes(given["dtypes"]),
        time_limit=given["time_limit"],
        first_time_limit=given["first_time_limit"],
        memory=given["memory"],
        rounds=given["rounds"],
        corpus=tuple(corpus),
    )
    for name, specification in specifications_of(given, stated):
        with _sentences():
            shards, replayed = campaign.plan(given["directory"], specification, options)
        first = f", the corpus first ({replayed:,} {'batch' if replayed == 1 else 'batches'})" if replayed else ""
        click.echo(f"{name}: {shards:,} shards planned in {given['directory']}{first}")
    return statuses.CONFORMS


@click.command(short_help="Judge a share of what is planned.")
@_DIRECTORY
@click.option("--shard", "share", type=Share(), default="1/1", show_default=True, help="Which of how many shares.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", default=1, show_default=True, help="Worker processes.")
def run(directory: str, share: tuple[int, int], jobs: int) -> int:
    """Judge a share of what is planned in DIR, as far as it is not done.

    What is done is kept at once, so that a share that was ended, by whatever, goes on when it is called again.
    """
    from xentcheck.engine import campaign
    from xentcheck.report.progress import Progress

    faults: list[str] = []
    with _sentences():
        for folder in campaign.folders(directory):
            require_writable({}, {"DIR": str(folder)})
        for folder in campaign.folders(directory):
            faults += campaign.run(folder, share, jobs, Progress(sys.stderr, campaign.status(folder).name, asked))
    _show(directory)
    for fault in dict.fromkeys(faults):
        click.echo(f"xentcheck: {fault}", err=True)
    return statuses.UNUSABLE if faults else statuses.CONFORMS


@click.command(short_help="Report on what has been judged.")
@_DIRECTORY
@_CORPUS
@what_is_accepted
@output_files.options
def merge(directory: str, corpus: str | None, waivers: str | None, strict_waivers: bool, **files: str | None) -> int:
    """Report on what has been judged in DIR, as `xentcheck check` does, and on what was tried and what never was.

    Findings are reduced now; their minimal batches are added to the corpus, which the next plan begins with. Those that
    are waived are known then, wherever the shards were judged.
    """
    from xentcheck.engine import campaign
    from xentcheck.report import coverage
    from xentcheck.report.progress import Progress
    from xentcheck.report.terminal import write as show

    require_writable({f"--{name}": path for name, path in files.items()})
    require_writable({}, {"--corpus": str(_corpus(directory, corpus))})
    accepted = arguments.waivers(waivers)
    words = ["xentcheck", "campaign", "merge", directory, *(["--waivers", waivers] if waivers else [])]
    reports: list[Report] = []
    with _sentences():
        for folder in campaign.folders(directory):
            report = campaign.merge(folder, Progress(sys.stderr, campaign.status(folder).name, asked), accepted)
            if reports:
                click.echo()
            reports.append(dataclasses.replace(report, command=shlex.join(words)))
            show(report, sys.stdout)
            if strict_waivers and report.stale:
                click.echo(statuses.stale(len(report.stale)), err=True)
            coverage.write(report.coverage, sys.stdout)
    arguments.tell_not_heeded(accepted, reports)
    several = len(reports) > 1
    writes = [
        partial(form.write, path, reports, {}, several) for form in output_files.FORMATS if (path := files[form.name])
    ]
    write_each(*writes, partial(_add_to_corpus, _corpus(directory, corpus), reports))
    told = [statuses.of_verdict(report.verdict, report.interrupted) for report in reports]
    if strict_waivers and any(report.stale for report in reports):
        told.append(statuses.FINDINGS)
    return statuses.worst(told)


@click.command(short_help="Tell how far it is.")
@_DIRECTORY
@click.option("--json", "json_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write all of it as JSON.")
def status(directory: str, json_file: str | None) -> int:
    """Tell how far what is planned in DIR is, which laws have been found broken, what was tried and what never was."""
    from xentcheck.report import coverage

    require_writable({"--json": json_file})
    states = _show(directory)
    for state in states:
        if len(states) > 1:
            click.echo(f"\n{state.name}")
        coverage.write(state.coverage, sys.stdout)
    if json_file:
        _write_json(json_file, states)
    return statuses.CONFORMS


def _add_to_corpus(folder: Path, reports: list[Report]) -> None:
    if new := sum(output_files.add_to_corpus(str(folder), report) for report in reports):
        click.echo(f"{new:,} minimal {'batch' if new == 1 else 'batches'} added to {folder}")


def _corpus(directory: str, given: str | None) -> Path:
    return Path(given) if given else Path(directory) / "corpus"


def _write_json(path: str, states: list[Status]) -> None:
    from xentcheck.report import encoding

    content = {"schema": STATUS_SCHEMA, "targets": [encoding.plain(state) for state in states]}
    write("--json", path, encoding.text(content))


def _show(directory: str) -> list[Status]:
    from xentcheck.engine import campaign

    states = []
    with _sentences():
        for folder in campaign.folders(directory):
            state = campaign.status(folder)
            states.append(state)
            done = f"{state.shards - state.left} of {state.shards} shards done"
            broken = f"; broken: {', '.join(state.broken)}" if state.broken else ""
            click.echo(f"{state.name}: {done}, {state.run:,} of {state.batches:,} batches judged{broken}")
            for remark in state.remarks:
                click.echo(f"  {remark}")
    return states


@contextmanager
def _sentences() -> Iterator[None]:
    """Make one sentence of what cannot be used."""
    from xentcheck.contract import ContractError
    from xentcheck.report.report import BrokenOffError
    from xentcheck.targets import TargetError

    try:
        yield
    except (TargetError, ContractError, BrokenOffError) as error:
        raise click.ClickException(str(error)) from None
