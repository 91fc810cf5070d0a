"""The group of commands, and what becomes of errors: one sentence and an exit status, never a traceback."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from xentcheck.cli import status
from xentcheck.cli.interruption import ended_by_signals

_COMMANDS = {
    "check": ("xentcheck.cli.check", "Judge cross-entropies: is each right, and how accurate is it."),
    "reproduce": ("xentcheck.cli.reproduce", "Tell whether the defects of a report are still there."),
    "waive": ("xentcheck.cli.waive", "Write down that a finding is known and accepted."),
    "compare": ("xentcheck.cli.compare", "Put reports side by side: what broke, what was mended."),
    "table": ("xentcheck.cli.table", "Make a table of grades and worst errors for a paper."),
    "probe": ("xentcheck.cli.probe", "Infer what a loss promises, and print it as a contract."),
    "survey": ("xentcheck.cli.survey", "Judge many targets and make one table of them."),
    "campaign": ("xentcheck.cli.campaign", "Sweeps too large for one sitting."),
    "bench": ("xentcheck.cli.bench", "Time losses: sparse and one-hot labels, beside the reference."),
    "init": ("xentcheck.cli.init", "Write a start for a project: a target, a test, a workflow."),
    "targets": ("xentcheck.cli.targets", "List the implementations that can be judged by name."),
    "properties": ("xentcheck.cli.properties", "List the laws that a target is judged by."),
    "self-test": ("xentcheck.cli.selftest", "Test the suite itself with planted bugs."),
    "doctor": ("xentcheck.cli.doctor", "Tell whether this machine is fit to judge."),
}


_CONFIGURED = ("check", "campaign")
"""Commands with options of which a project may state the default."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called: help and version import none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order in which help shows them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None for a name that is none."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name.replace("-", ""))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called; what there is, if there is none of its name."""
        from xentcheck.contract.nearest import nearest

        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            hint = nearest(name, _COMMANDS) or f"; there are {', '.join(_COMMANDS)}"
            raise click.ClickException(f"No such command {name!r}{hint}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and what they do, from the table and not from their modules."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, help="Print the version and exit.")
@click.pass_context
def xentcheck(context: click.Context, version: bool) -> None:
    """Tell whether a cross-entropy loss is right and how accurate it is, and prove it.

    \b
    xentcheck check                      the reference implementation and its two presets
    xentcheck check mine.py:loss         a loss of yours; see `xentcheck check --help`

    Exit status: 0 conforms; 1 findings; 2 the call or the target cannot be used; 3 nothing was judged;
    130 interrupted before anything was found.
    """  # noqa: D301 (click reads the character)
    if version:
        click.echo(f"xentcheck {installed_version()}")
    elif context.invoked_subcommand is None:
        click.echo(context.get_help())
    elif context.invoked_subcommand in _CONFIGURED:
        context.default_map = _project_defaults()


def _project_defaults() -> dict[str, Any]:
    """Return what the project states as defaults of options, by command; the command line goes above it."""
    from xentcheck.contract.project import ProjectError, project_settings

    try:
        stated = project_settings(os.getcwd())
    except ProjectError as error:
        raise click.ClickException(str(error)) from None
    planned, merged = (
        {key: stated[key] for key in keys if key in stated} for keys in (("profile", "seed"), ("waivers",))
    )
    return {"check": stated, "campaign": {"plan": planned, "merge": merged}}


def installed_version() -> str:
    """Return the version of the installed distribution, or "unknown" where it is run without being installed."""
    from importlib import metadata

    try:
        return metadata.version("xentcheck")
    except metadata.PackageNotFoundError:
        return "unknown"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a message of a target may hold characters that the terminal lacks
            stream.reconfigure(errors="backslashreplace")
    try:
        with ended_by_signals():
            result: Any = xentcheck.main(args=arguments, prog_name="xentcheck", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _complain(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return status.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status.CONFORMS
    except Exception as error:
        if os.environ.get("XENTCHECK_TRACEBACK"):
            raise
        return _complain(
            f"xentcheck itself failed ({type(error).__name__}: {error}); please report it, with the traceback that "
            "XENTCHECK_TRACEBACK=1 shows."
        )
    return result if isinstance(result, int) else status.CONFORMS


def _complain(sentence: str) -> int:
    click.echo(f"xentcheck: {sentence}", err=True)
    return status.UNUSABLE
