"""Where the interpreter is that is asked for: by its path, the name of a command, or a virtual environment."""

from __future__ import annotations

import os
import shutil

from xentcheck.targets.errors import TargetError

_WANTED = {"python": "an interpreter", "venv": "a virtual environment"}


def interpreter_path(python: str | None, venv: str | None, base: str) -> str:
    """Return the path of the interpreter that is asked for, or "" for none.

    Parameters
    ----------
    python : str or None
        A path, or the name of a command such as "python3.8".
    venv : str or None
        The directory of a virtual environment.
    base : str
        The directory that paths are relative to.

    Raises
    ------
    TargetError
        If there is no such interpreter, or both are given.
    """
    for key, given in (("python", python), ("venv", venv)):
        if given is not None and (not isinstance(given, str) or not given or "\0" in given):
            raise TargetError(f"{key} is {given!r}, but must be the path of {_WANTED[key]}.")
    if python and venv:
        raise TargetError("Both an interpreter and a virtual environment were given (python, venv); give one of them.")
    if venv:
        return _of_environment(venv, base)
    return _of_path(python, base) if python else ""


def _of_environment(venv: str, base: str) -> str:
    folder = os.path.abspath(os.path.join(base, os.path.expanduser(venv)))
    if not os.path.isdir(folder):
        hint = "; an interpreter itself is given as python" if os.path.isfile(folder) else ""
        what = "is no directory" if os.path.exists(folder) else "does not exist"
        raise TargetError(f"The virtual environment {venv} {what} (looked for {folder}){hint}.")
    path = os.path.join(folder, "bin", "python")
    marks = (os.path.join(folder, "pyvenv.cfg"), os.path.join(folder, "conda-meta"))
    if not os.access(path, os.X_OK) or not any(map(os.path.exists, marks)):
        raise TargetError(
            f"The directory {venv} is no virtual environment: it has no pyvenv.cfg with bin/python beside it."
        )
    return path


def _of_path(python: str, base: str) -> str:
    if os.sep not in python:
        found = shutil.which(python)
        if found is None and not os.path.exists(os.path.join(base, python)):
            raise TargetError(f"There is no interpreter {python}: no command has this name; give its path.")
        if found is not None:
            return os.path.abspath(found)
    path = os.path.abspath(os.path.join(base, os.path.expanduser(python)))
    if os.path.isdir(path):
        raise TargetError(f"The interpreter {python} is a directory; a virtual environment is given as venv.")
    if not os.path.exists(path):
        raise TargetError(f"The interpreter {python} does not exist (looked for {path}).")
    if not os.access(path, os.X_OK):
        raise TargetError(f"The interpreter {python} cannot be run: it is no executable file.")
    return path
