"""What a project states about itself: the table [tool.xentcheck] of the nearest pyproject.toml."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from xentcheck.contract.harmless import harmless
from xentcheck.contract.nearest import nearest

FILE = "pyproject.toml"
KEYS = ("profile", "seed", "waivers", "targets")
PROFILES = ("quick", "standard", "thorough")


class ProjectError(ValueError):
    """A pyproject.toml that cannot be used; the message is one sentence."""


def project_table(directory: str) -> tuple[str, Mapping[str, Any]]:
    """Return the path of the nearest pyproject.toml, in a directory or above it, and its table [tool.xentcheck].

    Returns
    -------
    (str, mapping)
        "" and nothing where there is no such file.

    Raises
    ------
    ProjectError
        If the file is no TOML, or what stands there is no table.
    """
    while not os.path.isfile(os.path.join(directory, FILE)):
        above = os.path.dirname(directory)
        if above == directory:
            return "", {}
        directory = above
    path = os.path.join(directory, FILE)
    try:
        with open(path, "rb") as file:
            table: Any = tomllib.load(file)
    except RecursionError:
        raise ProjectError(f"{path} cannot be read: it is nested too deeply.") from None
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} cannot be read: {str(error).partition(';')[0]}.") from None
    for key in ("tool", "xentcheck"):
        table = table_in(path, table, key)
    return path, table


def table_in(path: str, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a table of a table, empty where there is none; raises ProjectError for what is no table."""
    found = table.get(key, {})
    if not isinstance(found, Mapping):
        raise ProjectError(f"{path} cannot be used: {key} is {str(found)[:80]!r}, but must be a table.")
    return found


def project_settings(directory: str) -> dict[str, Any]:
    """Return what a project states of "profile", "seed" and "waivers", of these the path as seen from here.

    Raises
    ------
    ProjectError
        If the file cannot be used, or has a key or a value that does not exist.
    """
    path, table = project_table(directory)
    for key in table:
        if key not in KEYS:
            raise ProjectError(
                f"[tool.xentcheck] of {path} has a key {key!r}{nearest(key, KEYS)}; the keys are {', '.join(KEYS)}."
            )
    stated = {key: value for key, value in table.items() if key != "targets"}
    wanted = {
        "profile": (stated.get("profile", "quick") in PROFILES, ", ".join(PROFILES)),
        "seed": (type(stated.get("seed", 0)) is int and stated.get("seed", 0) >= 0, "a number from 0 on"),
        "waivers": (isinstance(stated.get("waivers", ""), str), "the path of a file"),
    }
    for key, (right, must) in wanted.items():
        if not right:
            told = harmless(repr(stated[key]), 60)
            raise ProjectError(f"[tool.xentcheck] of {path}: {key} is {told}, but must be {must}.")
    if "waivers" in stated:
        stated["waivers"] = os.path.relpath(os.path.join(os.path.dirname(path), stated["waivers"]))
    return stated


def toml_key(name: str) -> str:
    """Return the name of a target as TOML has it in a header: in quotes only where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
