"""What a run leaves on disk: the JSON report and the reproducers."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xentcheck.report.results import ReportData, identifier

if TYPE_CHECKING:
    from xentcheck.report.report import Report

SEVERAL = "xentcheck-reports/1"


def require_folder(path: str | None, option: str) -> None:
    """Refuse at once, and not after the run, a file for which there is no folder or no permission."""
    if path is None:
        return
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
    try:
        replace(Path(path), text)
    except OSError as error:
        raise click.ClickException(f"--json {path} cannot be written: {error.strerror}.") from None


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
                replace(Path(paths[identifier(finding)]), finding.reproducer)
    except OSError as error:
        raise click.ClickException(f"--reproducers {folder} cannot be written: {error.strerror}.") from None


def replace(path: Path, text: str) -> None:
    """Write a file under another name, and give it its own when it is whole."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.resolve().parent)
    try:
        # What no file can hold is written as JSON and Python escape it.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    """Return the process's mask of permissions, which can be read only by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
