"""Targets that others declare: projects in pyproject.toml, packages by an entry point."""

from __future__ import annotations

import importlib.metadata
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xentcheck.targets.errors import TargetError
from xentcheck.targets.find.locate import nearest

GROUP = "xentcheck.targets"
KEYS = ("loss", "gradient", "value_and_gradient", "hessian_vector", "vjp", "contract", "python", "venv")


@dataclass(frozen=True)
class Project:
    """The targets of a pyproject.toml.

    Parameters
    ----------
    directory : str
        Where the file lies; "" where there is none.
    targets : mapping
        Name to table.
    """

    directory: str = ""
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def project_targets(directory: str) -> Project:
    """Return the targets of the nearest pyproject.toml, in this directory or above it.

    Raises
    ------
    TargetError
        If the file is no TOML or a table of a target has a key that does not exist.
    """
    while not os.path.isfile(os.path.join(directory, "pyproject.toml")):
        above = os.path.dirname(directory)
        if above == directory:
            return Project()
        directory = above
    path = os.path.join(directory, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except RecursionError:
        raise TargetError(f"{path} cannot be read: it is nested too deeply.") from None
    except (OSError, ValueError) as error:
        raise TargetError(f"{path} cannot be read: {str(error).partition(';')[0]}.") from None
    targets: Any = content
    for key in ("tool", "xentcheck", "targets"):
        targets = targets.get(key, {})
        if not isinstance(targets, Mapping):
            raise TargetError(f"{path} cannot be used: {key} is {str(targets)[:80]!r}, but must be a table.")
    for name, table in targets.items():
        checked_declaration(f"[tool.xentcheck.targets.{name}]", table)
    return Project(directory, targets)


def checked_declaration(where: str, table: Any) -> Mapping[str, Any]:
    """Return a declaration if its keys exist and it has a function; raises TargetError."""
    if not isinstance(table, Mapping):
        raise TargetError(f"{where} is {table!r}, but must be a table with loss, gradient or value_and_gradient.")
    for key in table:
        if key not in KEYS:
            raise TargetError(
                f"{where} has a key {key!r}{nearest(str(key), list(KEYS))}; the keys are {', '.join(KEYS)}."
            )
    if not any(key in table for key in KEYS[:3]):
        raise TargetError(f"{where} has none of loss, gradient and value_and_gradient; give one.")
    return table


def entry_points() -> dict[str, str]:
    """Return the targets that installed packages register: name to "module:attribute"."""
    return {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}
