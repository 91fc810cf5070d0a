"""What commands write: refused before the work where it cannot be written; one sentence where that shows later."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from xentcheck.report.files import write_whole


def require_writable(files: Mapping[str, str | None], folders: Mapping[str, str | None] | None = None) -> None:
    """Refuse what cannot be written, by the options that name it, and one name for two options.

    A file has to have its folder; `folders` are made where they are not there, but not here. Whether there can be a new
    file is tried, since permissions do not tell: not where root asks, nor of /proc.
    """
    named: dict[str, str] = {}
    for option, path in {**files, **(folders or {})}.items():
        if path:
            other = named.setdefault(os.path.realpath(path), option)
            if other != option:
                raise click.ClickException(f"{other} and {option} both name {path}; give each a name of its own.")
            try:
                why = _against_file(Path(path)) if option in files else _against_folder(Path(path))
            except OSError as error:
                why = str(error.strerror)
            if why:
                raise click.ClickException(f"{option} {path} cannot be written: {why}.")


def _against_file(path: Path) -> str:
    """Return why there can be no such file, or ""; raises OSError."""
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if path.exists() and not path.is_file():
        return "it is there, and is no file"
    return _against_new(folder)


def _against_folder(path: Path) -> str:
    """Return why there can be no such folder with files in it, or ""; raises OSError."""
    whole = Path(os.path.realpath(path))
    there = next(one for one in (whole, *whole.parents) if os.path.lexists(one))
    return _against_new(there) if there.is_dir() else f"{there} is no folder"


def _against_new(folder: Path) -> str:
    """Return why nothing can be made in a folder, or ""; raises OSError."""
    if not os.access(folder, os.W_OK):
        return f"the folder {folder} is read-only"
    with tempfile.TemporaryDirectory(prefix=".xentcheck-", dir=folder):
        return ""


def write(option: str, path: str, text: str) -> None:
    """Write the file that an option names, whole or not at all; raises click.ClickException."""
    draw(option, path, lambda file: write_whole(file, text))


def draw(option: str, path: str, drawn: Callable[[Path], object]) -> None:
    """Have a picture drawn into the file that an option names; raises click.ClickException."""
    try:
        drawn(Path(path))
    except OSError as error:
        raise click.ClickException(f"{option} {path} cannot be written: {error.strerror}.") from None


def write_each(*writes: Callable[[], object]) -> None:
    """Write one after the other, whatever becomes of those before.

    Raises
    ------
    click.ClickException
        If one cannot be written, when all have been tried; of several all but the last are told here.
    """
    failed = []
    for one in writes:
        try:
            one()
        except click.ClickException as error:
            failed.append(error)
    for earlier in failed[:-1]:
        click.echo(f"xentcheck: {earlier.format_message()}", err=True)
    if failed:
        raise failed[-1]
