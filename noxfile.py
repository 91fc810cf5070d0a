"""Environments of their own: for the libraries that are judged, of the Python that each needs, and for old versions.

    nox -s judge -- numpy_ml.CrossEntropy paddle.nn.functional.cross_entropy

installs each library under .nox, once, and has xentcheck, which stands in another environment, judge its loss there.
`xentcheck targets` lists the names.

    nox -s oldest

runs the tests with the oldest versions of what xentcheck needs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nox


@nox.session(python=False, default=False)
def environments(session: nox.Session) -> None:
    """Make the environments of the libraries named, and judge nothing."""
    for name, place in _made(session, sys.executable):
        session.log(f"{name}: xentcheck check {name} --venv {place}")


@nox.session(default=False, reuse_venv=True)
def judge(session: nox.Session) -> None:
    """Judge the losses named, each in an environment of its library."""
    session.install(".")
    for name, place in _made(session, str(Path(session.bin) / "python")):
        session.run("xentcheck", "check", name, "--venv", str(place), success_codes=[0, 1])  # 1: a law is broken


@nox.session(default=False, python="3.11", reuse_venv=True)
def oldest(session: nox.Session) -> None:
    """Run the tests, or those named, with the oldest versions that pyproject.toml allows."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    allowed = [*project["dependencies"], *extras["html"], *extras["test"]]
    session.install(
        *(one.replace(">=", "==") for one in allowed if not one.startswith("xentcheck[")),
        "pyparsing<3.3",  # of which an old matplotlib uses names that are deprecated since
    )
    session.install("--no-deps", ".")
    session.run("pytest", *session.posargs)


def _made(session: nox.Session, python: str) -> list[tuple[str, Path]]:
    """Return the targets named on the command line, each with the environment of its library."""
    if not session.posargs:
        session.error("name the losses, as `xentcheck targets` lists them: nox -s judge -- numpy_ml.CrossEntropy")
    listed = session.run(python, "-m", "xentcheck", "targets", "--json", silent=True, external=True)
    known = {one["name"]: one for one in json.loads(str(listed))}
    unknown = [name for name in session.posargs if name not in known]
    if unknown:
        session.error(f"{unknown[0]} is not among the losses that `xentcheck targets` lists")
    return [(name, _environment(session, name, known[name])) for name in session.posargs]


def _environment(session: nox.Session, name: str, target: dict[str, Any]) -> Path:
    """Return the environment of one library, made where it is not there yet."""
    place = session.cache_dir / "libraries" / "_".join(["numpy", *map(_plain, target["requirements"])])
    if (place / "made").exists():
        return place
    python = _interpreter(target["python"]) if target["python"] else sys.executable
    if not python:
        session.error(
            f"{name} runs in Python {target['python']} and older, and there is no python{target['python']} that runs, "
            "on the path or among the versions of pyenv"
        )
    session.run(python, "-m", "venv", "--clear", str(place), external=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    session.run(*pip, "numpy", *target["requirements"], external=True)
    (place / "made").touch()
    return place


def _interpreter(version: str) -> str:
    """Return an interpreter of a version such as "3.9": of the path, or one that pyenv keeps off it; "" for none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for command in (f"python{version}", *map(str, pyenv.glob(f"versions/{version}.*/bin/python"))):
        # What pyenv has on the path for a version that is not activated ends with an error.
        if shutil.which(command) and subprocess.run([command, "--version"], capture_output=True).returncode == 0:
            return command
    return ""


def _plain(requirement: str) -> str:
    """Return a requirement as a part of a file's name."""
    return re.sub(r"[^\w.-]+", "-", requirement).strip("-")
