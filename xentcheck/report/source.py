"""Where the source of a target stands: what an annotation points at."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A file, relative to the directory asked about where it lies inside it, with ``/`` between its parts; a line."""

    file: str
    line: int


def place_of(location: str, directory: str | None = None) -> Place | None:
    """Return where a target is defined, from its location in the report; nothing is imported.

    Parameters
    ----------
    location : str
        "path/file.py:attribute" or "package.module:attribute".
    directory : str, optional
        Where paths and modules begin; by default the current directory.

    Returns
    -------
    Place or None
        None where the module is not beneath the directory: a library is no file of the project. The line is 1 where
        the attribute is not found by reading the file.
    """
    base = Path(os.path.abspath(directory or os.getcwd()))
    module, colon, attribute = location.rpartition(":")
    if not colon:
        return None
    named = Path(module).expanduser() if module.endswith(".py") else Path(*module.split("."), "__init__.py")
    candidates = [base / named] if module.endswith(".py") else [(base / named.parent).with_suffix(".py"), base / named]
    path = next((candidate for candidate in candidates if _is_file(candidate)), None)
    if path is None:
        return None
    path = Path(os.path.abspath(path))
    inside = path.relative_to(base) if path.is_relative_to(base) else path
    return Place(inside.as_posix(), _line(path, attribute.split(".")))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _line(path: Path, names: list[str]) -> int:
    """Return the line of a definition or of an assignment, of attributes one in the other."""
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return 1
    line = 1
    for name in names:
        found = next((node for node in reversed(body) if name in _defined(node)), None)
        if found is None:
            return line
        line = found.lineno
        body = getattr(found, "body", [])
    return line


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
