"""The tests: `pip install ".[test]"` is enough for all of them to be read; what more one needs, it says itself."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TESTS = Path(__file__).parent


def installed() -> set[str]:
    """Return the packages that the README has a tester install."""
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return {
        canonicalize_name(Requirement(one).name) for one in (*project["dependencies"], *extras["html"], *extras["test"])
    }


def imported_at_once(path: Path) -> set[str]:
    """Return the first names of the modules that a file imports when it is read, those of Python left out."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names


def test_no_file_needs_a_framework_to_be_read() -> None:
    """Else `pytest` of the README would end with an error where there is none."""
    ours, known, providers = {"xentcheck", "tests", "asv_bench"}, installed(), packages_distributions()
    wrong = [
        (path.relative_to(TESTS).as_posix(), name)
        for path in sorted(TESTS.rglob("*.py"))
        if path.name.startswith("test_") or path.name == "conftest.py"
        for name in sorted(imported_at_once(path) - ours)
        if not known.intersection(map(canonicalize_name, providers.get(name, ())))
    ]
    assert wrong == []
