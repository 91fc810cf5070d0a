"""Targets that others declare: projects in pyproject.toml, packages by an entry point."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xentcheck.contract.nearest import nearest
from xentcheck.contract.project import ProjectError, project_table, table_in
from xentcheck.targets.errors import TargetError

GROUP = "xentcheck.targets"
KEYS = ("loss", "gradient", "value_and_gradient", "hessian_vector", "vjp", "jvp", "contract", "python", "venv")


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
    try:
        path, stated = project_table(directory)
        targets = table_in(path, stated, "targets")
    except ProjectError as error:
        raise TargetError(str(error)) from None
    for name, table in targets.items():
        checked_declaration(f"[tool.xentcheck.targets.{name}]", table)
    return Project(os.path.dirname(path), targets)


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
