"""What the options of `check` mean: lists, contracts, laws; each mistake is one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from xentcheck.contract import ContractError
from xentcheck.contract.declaration import DTYPES
from xentcheck.contract.harmless import harmless
from xentcheck.contract.reading import assigned, contract_file, contract_of

if TYPE_CHECKING:
    from xentcheck.report.report import Report
    from xentcheck.report.waivers import Waiver


def listed(values: Iterable[str]) -> tuple[str, ...]:
    """Return the items of options that may be repeated and may hold several items between commas."""
    return tuple(dict.fromkeys(item.strip() for value in values for item in value.split(",") if item.strip()))


def declared(assignments: Sequence[str], file: str | None) -> dict[str, Any]:
    """Return the contract keys that are declared: those of the file, and above them those of KEY=VALUE.

    Raises
    ------
    click.ClickException
        Where the file cannot be read, or a key or value does not exist.
    """
    try:
        stated = {} if file is None else contract_file(file)
        stated.update(assigned(text) for text in assignments)
        contract_of(stated)
    except ContractError as error:
        raise click.ClickException(str(error)) from None
    return stated


def dtypes(values: Iterable[str]) -> tuple[str, ...] | None:
    """Return the dtypes asked for, or None for those of the contract."""
    chosen = listed(values)
    for item in chosen:
        if item not in DTYPES:
            raise click.ClickException(f"There is no dtype {item!r}; the dtypes are {', '.join(DTYPES)}.")
    return chosen or None


def laws(values: Iterable[str]) -> tuple[str, ...] | None:
    """Return the names of the laws asked for by name or number, or None for all."""
    chosen = listed(values)
    if not chosen:
        return None
    from xentcheck.properties.registry import UnknownPropertyError, choose

    try:
        return tuple(law.name for law in choose(chosen))
    except UnknownPropertyError as error:
        raise click.ClickException(str(error)) from None


def waivers(file: str | None) -> tuple[Waiver, ...]:
    """Return the waivers of a file; raises click.ClickException."""
    if file is None:
        return ()
    from xentcheck.report.waiver_file import read
    from xentcheck.report.waiver_table import WaiverError

    try:
        return read(file)
    except WaiverError as error:
        raise click.ClickException(str(error)) from None


def tell_not_heeded(waivers: Sequence[Waiver], reports: Sequence[Report]) -> None:
    """Tell of waivers whose target looks like a mistake, as none that was judged has that name."""
    from xentcheck.report.waivers import not_heeded

    sentence = not_heeded(waivers, [report.target.name for report in reports])
    if sentence:
        click.echo(harmless(f"xentcheck: {sentence}", len(sentence) + 20), err=True)


def memory(given: str | None) -> None:
    """Refuse what is no limit of memory; raises click.ClickException."""
    if given is None:
        return
    from xentcheck.targets.errors import TargetError
    from xentcheck.targets.host.memory import memory_limit

    try:
        memory_limit(given)
    except TargetError as error:
        raise click.ClickException(str(error)) from None


def not_empty(_: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the value of an option, and refuse one of no characters, as "$ENV" is where ENV is not set."""
    if value == "":
        raise click.ClickException(f"{parameter.opts[0]} is empty; give a path, or leave it out.")
    return value
