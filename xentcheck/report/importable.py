"""Where a script finds the functions of a target that was given as objects, not by name."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xentcheck.targets.specification import TargetSpecification


def named(specification: TargetSpecification) -> tuple[TargetSpecification, str]:
    """Return a target with its callables named as "module:attribute", and the folder from which they are imported.

    Where one of them cannot be imported again (a closure, an object, a cell of a notebook), or they lie in several
    folders, the target is returned as it is, with "".
    """
    places = {role: _place(value) for role, value in specification.given.items()}
    folders = {place[0] for place in places.values()}
    if len(folders) != 1 or folders == {""}:
        return specification, ""
    locations = {role: location for role, (_, location) in places.items()}
    return replace(specification, **locations), folders.pop()  # type: ignore[arg-type]


def _place(value: Any) -> tuple[str, str]:
    """Return the folder and the location of a callable; two "" unless an import there gives this very object."""
    name, attribute = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    module = sys.modules.get(name) if isinstance(name, str) and name != "__main__" else None
    if module is None or not isinstance(name, str) or not isinstance(attribute, str):
        return "", ""
    found: Any = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    file, words = getattr(module, "__file__", None), name.split(".")
    if found is not value or not file:
        return "", ""
    path = Path(file).resolve()
    path = path.parent if path.stem == "__init__" else path
    if len(path.parents) < len(words) or [*path.parts[-len(words) : -1], path.name.partition(".")[0]] != words:
        return "", ""
    return str(path.parents[len(words) - 1]), f"{name}:{attribute}"
