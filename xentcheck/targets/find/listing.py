"""Which targets there are, without importing any of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec

from xentcheck.targets.find import declared
from xentcheck.targets.find.registered import TARGETS


@dataclass(frozen=True)
class Available:
    """A target that can be asked for by name.

    Parameters
    ----------
    name, description, location : str
    source : {"registered", "pyproject.toml", "entry point"}
    importable : bool
        Whether the modules that it needs are installed; nothing has been imported.
    install : str
        How to install what is missing, or "".
    requirements : tuple of str
        What pip has to install beside numpy in an environment of the target's own.
    python : str
        The newest Python in which the target runs, such as "3.9", where xentcheck needs a newer one, or "".
    """

    name: str
    description: str
    location: str
    source: str
    importable: bool
    install: str = ""
    requirements: tuple[str, ...] = ()
    python: str = ""


def available(directory: str | None = None) -> list[Available]:
    """Return the registered targets, then those of the project here, then those of installed packages.

    Raises
    ------
    TargetError
        If the project's pyproject.toml cannot be read.
    """
    listed = [
        Available(
            target.name,
            target.description,
            target.loss,
            "registered",
            all(_installed(module) for module in target.requires),
            target.advice(),
            target.requirements,
            target.python,
        )
        for target in TARGETS
    ]
    project = declared.project_targets(os.path.abspath(directory or os.getcwd()))
    for name, table in project.targets.items():
        location = str(next(table[key] for key in declared.KEYS if key in table))
        listed.append(Available(name, "declared by this project", location, "pyproject.toml", True))
    for name, location in declared.entry_points().items():
        root = location.partition(":")[0].partition(".")[0]
        listed.append(Available(name, f"registered by {root}", location, "entry point", _installed(root)))
    return listed


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
