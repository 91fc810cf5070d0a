"""``xentcheck check --from REPORT.JSON``: the runs of a stored report, once more."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from xentcheck.cli import arguments
from xentcheck.cli.judging_options import CALLABLES
from xentcheck.contract.harmless import harmless

if TYPE_CHECKING:
    from xentcheck.report.repetition import Repetition
    from xentcheck.report.report import Report
    from xentcheck.targets import TargetSpecification

_CONTRACT = ("assignments", "contract_file")
_STATED = ("targets", *_CONTRACT, *CALLABLES, "profile", "seed", "properties", "dtypes", "fail_fast", "waivers")


@dataclass(frozen=True)
class Repeat:
    """A run that is to be repeated: the report of it, its target, how it was judged, and by what."""

    report: Report
    specification: TargetSpecification
    how: Mapping[str, Any]
    limits: dict[str, Any]


def repeats(path: str, command: click.Command, context: click.Context) -> list[Repeat]:
    """Return the runs of a report; raises click.ClickException for what cannot be read, or goes with another option."""
    from xentcheck.report.stored import reports_in

    for name in _STATED:
        # Earlier versions of click say so of no targets at all.
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and context.params[name] != ():
            shown = {"targets": "TARGET", "assignments": "--contract"}.get(name, f"--{name.replace('_', '-')}")
            raise click.ClickException(f"--from repeats a run as it was, so that {shown} cannot be given with it.")
    try:
        reports = reports_in(path)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    return [_repeat(path, report, command) for report in reports]


def _repeat(path: str, report: Report, command: click.Command) -> Repeat:
    """Return a run as its command line has it, with the contract and the seed of the report."""
    from xentcheck.targets import TargetSpecification

    begun = shlex.split(report.command) if report.command else ["xentcheck", "check", report.target.name]
    if begun[1:2] != ["check"]:
        raise click.ClickException(
            f"{path} cannot be repeated: it was made by `{harmless(report.command)}`, and --from repeats a check."
        )
    words = begun[2:]
    try:
        stated = command.make_context("check", words, default_map={}).params
    except click.ClickException as error:
        said = harmless(error.format_message()).rstrip(".")
        raise click.ClickException(f"{path} cannot be repeated: its command cannot be called ({said}).") from None
    laws, dtypes = arguments.laws(stated["properties"]), arguments.dtypes(stated["dtypes"])
    if not report.command:  # it began in Python
        laws = tuple(dict.fromkeys(law.name for law in report.properties)) or None
        dtypes = tuple(dict.fromkeys(law.dtype for law in report.properties)) or None
    callables = {role: stated[role] for role in CALLABLES if stated[role] is not None}
    loss = stated["targets"][0] if stated["targets"] else None
    specification = TargetSpecification(
        loss=loss,
        **callables,
        changes=report.target.contract,
        python=stated["python"] or "",
        venv=stated["venv"] or "",
    )
    how = {name: stated[name] for name in ("fail_fast", "time_limit", "first_time_limit", "memory")}
    how |= {"profile": report.profile, "seed": report.seed}
    limits = {"properties": laws, "dtypes": dtypes, "waivers": arguments.waivers(stated["waivers"])}
    return Repeat(report, specification, how, limits)


def said(path: str, found: Repetition) -> str:
    """Return what came of repeating a run, a line a fact."""
    head = f"As in {path}" if found.alike else f"Not as in {path}"
    lines = [f"{head}: the same {', '.join(found.same)}." if found.same else f"{head}: nothing is the same."]
    lines += [f"  {line}" for line in found.other]
    lines += [f"  differs besides: {line}" for line in found.surroundings]
    return "\n".join(harmless(line) if not line.startswith("  ") else f"  {harmless(line[2:])}" for line in lines)
