"""What a run leaves on disk: the JSON report, the HTML page and the reproducers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xentcheck.report.files import write_whole
from xentcheck.report.results import ReportData, identifier

if TYPE_CHECKING:
    from xentcheck.report.html.page import Section
    from xentcheck.report.report import Report

SEVERAL = "xentcheck-reports/1"


def require_writable(files: Mapping[str, str | None], folders: Mapping[str, str | None] | None = None) -> None:
    """Refuse at once, and not after the run, what cannot be written, by the options that name it.

    That is a file where there is no folder or no permission, and one name for two options; `folders` are made.
    """
    named: dict[Path, str] = {}
    for option, path in {**files, **(folders or {})}.items():
        if path is not None:
            if option in files:
                _require_folder(path, option)
            other = named.setdefault(Path(path).resolve(), option)
            if other != option:
                raise click.ClickException(f"{other} and {option} both name {path}; give each its own.")


def _require_folder(path: str, option: str) -> None:
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise click.ClickException(f"{option} {path} cannot be written: there is no folder {folder}.")
    if not os.access(folder, os.W_OK):
        raise click.ClickException(f"{option} {path} cannot be written: the folder {folder} is read-only.")


def write_json(path: str, reports: Sequence[Report], errors: Mapping[str, str], several: bool) -> None:
    """Write the JSON report of one target, or those of several in one object.

    The file is replaced in one step, so that whoever reads it sees the old one or the new one.

    Parameters
    ----------
    path : str
    reports : sequence of Report
    errors : mapping
        Why a target could not be used, by its name.
    several : bool
        Whether more than one target was asked for.
    """
    if several:
        stated = {"schema": SEVERAL, "reports": [report.as_mapping() for report in reports], "errors": dict(errors)}
        text = json.dumps(stated, allow_nan=False, indent=1, ensure_ascii=False) + "\n"
    elif reports:
        text = reports[0].to_json()
    else:
        return
    _write("--json", path, text)


def write_html(path: str, sections: Sequence[Section], errors: Mapping[str, str]) -> None:
    """Write the page of what was judged; `errors` as in `write_json`."""
    from xentcheck.report.html.page import document

    if sections or errors:
        _write("--html", path, document(sections, errors))


def _write(option: str, path: str, text: str) -> None:
    try:
        write_whole(Path(path), text)
    except OSError as error:
        raise click.ClickException(f"{option} {path} cannot be written: {error.strerror}.") from None


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
