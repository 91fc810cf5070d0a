"""Whose neighbours the files beside a target are: the target's, and nobody else's."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Collection, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_IMPORTLIB = os.path.dirname(importlib.__file__) + os.sep
_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


class _Installed:
    """A finder of what is installed, before what lies beside a target, for whoever is installed, too.

    Not of the class in `importlib.abc`, whose import costs 25 ms and loads `random`, of which a target may have one.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._path = sys.path[:]
        self._roots = tuple(os.path.join(entry, "") for entry in self._path if os.path.isabs(entry))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module on the path of before, for those to whom that comes first."""
        if path is not None:
            return None
        importer = _importer()
        if fullname in self._names:
            return PathFinder.find_spec(fullname, self._path)
        return PathFinder.find_spec(fullname, self._path_of(importer)) if self._is_installed(importer) else None

    def _path_of(self, importer: str) -> list[str]:
        """Return the path of before, behind what a package has put on it that lies within the package, as cv2 does."""
        folder = os.path.join(os.path.dirname(importer), "")
        own = [entry for entry in sys.path if entry not in self._path and os.path.join(entry, "").startswith(folder)]
        return [*own, *self._path]

    def _is_installed(self, file: str) -> bool:
        return file.startswith(self._roots) and not file.startswith(_OURS)  # we import on behalf of the target


def prefer_installed(names: Collection[str]) -> None:
    """Have installed modules import one another, whatever files are put before them on the path after this call.

    So a random.py beside a target is for the target's `import random`, and not for that of a library.

    Parameters
    ----------
    names : collection of str
        Modules that are the installed ones for the target, too.
    """
    sys.meta_path.insert(0, _Installed(names))


def _importer() -> str:
    """Return the file of the code that is importing."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename.startswith(("<frozen ", _IMPORTLIB)) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename
