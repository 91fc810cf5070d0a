"""Modules that are always those that are installed, whatever files of their names lie beside a target."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class _Installed(MetaPathFinder):
    def __init__(self, names: Collection[str], path: Sequence[str]) -> None:
        self._names, self._path = names, path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the names on the path of before; nothing else."""
        return PathFinder.find_spec(fullname, self._path) if fullname in self._names else None


def prefer_installed(names: Collection[str]) -> None:
    """Have modules of these names imported from what is on the path now, before all that is put there later."""
    sys.meta_path.insert(0, _Installed(names, sys.path[:]))
