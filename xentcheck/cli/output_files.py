"""What a run leaves on disk: the report in its formats, the HTML page, and the reproducers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xentcheck.cli.writable import require_writable, write
from xentcheck.report.files import write_whole
from xentcheck.report.finding import identifier
from xentcheck.report.results import ReportData

if TYPE_CHECKING:
    from xentcheck.report.html.page import Section
    from xentcheck.report.report import Report


@dataclass(frozen=True)
class Format:
    """A file that a run leaves.

    Parameters
    ----------
    name : str
        Of the option, without its dashes.
    told : str
        What its help says.
    module : str
        Of `xentcheck.report`, whose ``text(reports, errors)`` is what stands in it; "" for JSON, which is made here.
    """

    name: str
    told: str
    module: str = ""

    def write(self, path: str, reports: Sequence[Report], errors: Mapping[str, str], several: bool) -> None:
        """Write what has been judged so far.

        The file is replaced in one step, so that whoever reads it sees the old one or the new one.

        Parameters
        ----------
        path : str
        reports : sequence of Report
        errors : mapping
            Why a target could not be used, by its name.
        several : bool
            Whether more than one target was asked for.

        Raises
        ------
        click.ClickException
        """
        try:
            if self.module:
                made = importlib.import_module(f"xentcheck.report.{self.module}").text(reports, errors)
            else:
                made = _json(reports, errors, several)
            if made:
                write(f"--{self.name}", path, made)
        except click.ClickException:
            raise
        except Exception as error:  # a fault of ours in one format must not cost the others
            raise click.ClickException(
                f"--{self.name} {path} cannot be written: xentcheck itself failed ({error!r}); please report it."
            ) from error


FORMATS = (
    Format("json", "Write the JSON report."),
    Format("junit", "Write JUnit XML, for servers of continuous integration.", "junit"),
    Format("markdown", "Write a summary in Markdown, for a pull request.", "markdown"),
    Format("sarif", "Write the findings as SARIF 2.1.0, for code scanning.", "sarif"),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each format."""
    for form in reversed(FORMATS):
        kind = click.Path(dir_okay=False)
        command = click.option(f"--{form.name}", type=kind, metavar="FILE", help=form.told)(command)
    return command


def require(given: Mapping[str, Any]) -> None:
    """Refuse at once, and not after the run, what the options of `check` name and cannot be written."""
    files = (*(form.name for form in FORMATS), "html")
    require_writable(
        {f"--{name}": given[name] for name in files},
        {f"--{name}": given[name] for name in ("reproducers", "resume")},
    )
    require_writable({}, {"--corpus": given["corpus"]})  # which may lie in the folder of another


def _json(reports: Sequence[Report], errors: Mapping[str, str], several: bool) -> str:
    """Return the JSON report of one target, or those of several in one object; "" where there is none."""
    if several:
        from xentcheck.report import stored

        return stored.several(reports, errors)
    return reports[0].to_json() if reports else ""


def write_html(path: str, sections: Sequence[Section], errors: Mapping[str, str]) -> None:
    """Write the page of what was judged; `errors` as in `Format.write`."""
    from xentcheck.report.html.page import document

    if sections or errors:
        write("--html", path, document(sections, errors))


def script_paths(folder: str, report: ReportData) -> dict[str, str]:
    """Return the path of the script of each finding, by the identifier of the finding."""
    named = [identifier(finding) for finding in report.findings if finding.reproducer]
    return {name: str(Path(folder) / f"{name}.py") for name in named}


def write_reproducers(folder: str, report: ReportData) -> None:
    """Write one script a finding, each whole or not at all."""
    paths = script_paths(folder, report)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for finding in report.findings:
            if finding.reproducer:
                write_whole(Path(paths[identifier(finding)]), finding.reproducer)
    except OSError as error:
        raise click.ClickException(f"--reproducers {folder} cannot be written: {error.strerror}.") from None


def add_to_corpus(folder: str, report: ReportData) -> int:
    """Add the minimal batches of a report to a corpus, each whole or not at all; return how many are new."""
    from xentcheck.engine.corpus import keep

    try:
        return keep(Path(folder), report)
    except OSError as error:
        raise click.ClickException(f"--corpus {folder} cannot be written: {error.strerror}.") from None
