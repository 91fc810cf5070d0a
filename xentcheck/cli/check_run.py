"""The targets of one ``xentcheck check``, one after the other: none of them ends the run, or costs what was found."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from xentcheck.cli import arguments, output_files, status
from xentcheck.cli.interruption import asked
from xentcheck.contract.harmless import harmless

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from xentcheck.cli.repeating import Repeat
    from xentcheck.report.html.page import Section
    from xentcheck.report.report import Report
    from xentcheck.targets import Ahead, TargetSpecification


class CheckRun:
    """The targets of one call, one after the other, and what has been seen so far."""

    def __init__(self, given: dict[str, Any], waivers: Any, laws: Any, dtypes: Any, several: bool) -> None:
        self.given = given
        self.limits = {"properties": laws, "dtypes": dtypes, "waivers": waivers}
        self.several = several
        self.reports: list[Report] = []
        self.errors: dict[str, str] = {}
        self.told: set[str] = set()
        self.statuses: list[int] = []
        self.sections: list[Section] = []

    def judge(
        self, name: str, specification: TargetSpecification, command: str, about: dict[str, Any] | None = None
    ) -> bool:
        """Judge one target and show its report; return whether the next one is to follow.

        `about` has what is known of where its contract comes from; None where it may have to be inferred. Whatever
        fails on the way is this target's, and costs neither the others nor what was found.
        """
        shown = harmless(name)
        try:
            return self._judge(shown, specification, harmless(command, len(command)), about)
        except BrokenPipeError:
            raise
        except Exception as error:
            self._broken_off(shown, f"{type(error).__name__}: {error}", error)
            return True

    def repeat(self, path: str, repeat: Repeat) -> bool:
        """Judge a target of a report once more, and tell whether that comes to the same: the status is that of this."""
        from xentcheck.cli.repeating import said
        from xentcheck.report.repetition import repetition

        before, reports = len(self.statuses), len(self.reports)
        self.given = {**self.given, **repeat.how}
        self.limits = repeat.limits
        stored = repeat.report.target
        about = {name: getattr(stored, name) for name in ("contract_source", "inferred", "not_inferred")}
        goes_on = self.judge(stored.name, repeat.specification, repeat.report.command, about)
        if len(self.reports) > reports and self.statuses[before] in (status.CONFORMS, status.FINDINGS):
            found = repetition(repeat.report, self.reports[-1])
            click.echo("\n" + said(path, found))
            self.statuses[before:] = [status.CONFORMS if found.alike else status.FINDINGS]
        return goes_on

    def _judge(self, name: str, specification: TargetSpecification, command: str, about: dict[str, Any] | None) -> bool:
        from xentcheck.contract import ContractError
        from xentcheck.engine.run import check_target
        from xentcheck.probing import probed
        from xentcheck.report.progress import Progress
        from xentcheck.report.report import BrokenOffError
        from xentcheck.targets import TargetError

        given = self.given
        progress = Progress(sys.stderr, name, asked)
        fault = None
        stack = contextlib.ExitStack()
        try:
            declared = given["assignments"] or given["contract_file"]  # a file of no keys states the defaults
            ahead = None
            if about is None and given["probe"] and not declared:
                ahead = self._ahead(stack, specification)
                limits = {key: given[key] for key in ("time_limit", "first_time_limit", "memory")}
                specification, about = probed(specification, **limits, ahead=ahead)
            report = check_target(
                specification,
                profile=given["profile"],
                seed=given["seed"],
                jobs=given["jobs"],
                fail_fast=given["fail_fast"],
                time_limit=given["time_limit"],
                first_time_limit=given["first_time_limit"],
                memory=given["memory"],
                progress=progress,
                resume=given["resume"],
                corpus=given["corpus"],
                executor=self._executor(stack),
                lines=bool(given["html"]),
                ahead=ahead,
                **self.limits,
            )
        except (TargetError, ContractError) as error:
            self.errors[name] = self._complain(str(error))
            return True
        except BrokenOffError as error:
            report, fault = error.report, error
        except KeyboardInterrupt:
            self.statuses.append(status.INTERRUPTED)
            return False
        finally:
            progress.stop()
            stack.close()
        report = dataclasses.replace(
            report, command=command, target=dataclasses.replace(report.target, **(about or {}))
        )
        if fault is not None:
            self._broken_off(name, str(fault), fault)
        self._keep(report)
        stopped = report.interrupted and fault is None
        return not stopped and not (given["fail_fast"] and report.findings)

    def _ahead(self, stack: contextlib.ExitStack, specification: TargetSpecification) -> Ahead | None:
        """Have the process import the target that is going to be judged, while another one is probed.

        That one is asked what no contract admits, and may not be judged after it.
        """
        from xentcheck.contract import ContractError
        from xentcheck.targets import TargetError, import_ahead

        with contextlib.suppress(TargetError, ContractError):  # which the probe will say
            begun = import_ahead(specification, self.given["memory"])
            if begun is not None:
                stack.callback(begun.close)
            return begun
        return None

    def _executor(self, stack: contextlib.ExitStack) -> Executor | None:
        """Return what to judge with instead of local processes, if anything was given."""
        if not self.given["scheduler"]:
            return None
        from xentcheck.engine.cluster import cluster

        return stack.enter_context(cluster(self.given["scheduler"]))

    def _keep(self, report: Report) -> None:
        """Show a report, then write what was asked for: a disk that is full costs nothing that could be shown."""
        from xentcheck.report.terminal import write

        folder = self.given["reproducers"]
        if self.reports or self.errors:
            click.echo()
        self.reports.append(report)
        self.statuses.append(status.of_verdict(report.verdict, report.interrupted))
        strict = report.stale if self.given["strict_waivers"] else ()
        if strict:
            self.statuses.append(status.FINDINGS)
        try:
            write(report, sys.stdout, output_files.script_paths(folder, report) if folder else {})
            if strict:
                click.echo(status.stale(len(strict)), err=True)
        finally:
            self.write()
            if folder:
                self._saved(lambda: output_files.write_reproducers(folder, report))
            if corpus := self.given["corpus"]:
                self._saved(lambda: output_files.add_to_corpus(corpus, report))
            self._draw(report)
            self.write_html()

    def _draw(self, report: Report) -> None:
        """Make the part of the page that is about a report, if a page was asked for."""
        if self.given["html"]:
            from xentcheck.report.html.page import section

            try:
                self.sections.append(section(report, len(self.sections) + 1))
            except Exception as error:  # it must not cost what else is written
                self._complain(f"the page of {report.target.name} cannot be made ({type(error).__name__}: {error}).")

    def _broken_off(self, name: str, fault: str, error: Exception) -> None:
        """Tell of a fault that ended the judging of one target."""
        self.errors[name] = self._complain(
            f"{name} was not judged to the end: xentcheck itself failed ({fault}), by a mistake or by what the target "
            "did to it; please report it, with the traceback that XENTCHECK_TRACEBACK=1 shows."
        )
        if os.environ.get("XENTCHECK_TRACEBACK"):
            traceback.print_exception(error)

    def _complain(self, sentence: str) -> str:
        """Tell a sentence, once, and return it; what it tells of makes the run unusable."""
        told = harmless(sentence)
        self.statuses.append(status.UNUSABLE)
        if told not in self.told:
            self.told.add(told)
            with contextlib.suppress(OSError):
                click.echo(f"xentcheck: {told}", err=True)
        return told

    def _saved(self, save: Callable[[], object]) -> None:
        try:
            save()
        except click.ClickException as error:
            self._complain(error.format_message())

    def write(self) -> None:
        """Write what has been judged so far in each format that was asked for; none of them costs another."""
        for form in output_files.FORMATS:
            if path := self.given[form.name]:
                self._saved(partial(form.write, path, self.reports, self.errors, self.several))

    def write_html(self) -> None:
        """Write the page of what has been judged so far, if one was asked for."""
        file = self.given["html"]
        if file:
            self._saved(lambda: output_files.write_html(file, self.sections, self.errors))

    def close(self) -> int:
        """Return the exit status of the whole run."""
        self.write()
        self.write_html()
        if self.limits["waivers"]:
            arguments.tell_not_heeded(self.limits["waivers"], self.reports)
        if self.given["github"]:
            from xentcheck.report import github

            click.echo(github.text(self.reports, self.errors), nl=False)
        return status.worst(self.statuses)
