"""The house: which room may import which, and that nothing runs in a circle, imports within functions included."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import xentcheck

PACKAGE = Path(xentcheck.__file__).parent
ROOMS = (
    "cli",
    "pytest_plugin",
    "api",
    "selftest",
    "survey",
    "campaign",
    "bench",
    "probing",
    "engine",
    "diagnosis",
    "report",
    "properties",
    "zoo",
    "targets",
    "batches",
    "witnesses",
    "reference",
    "truth",
    "contract",
    "processes",
    "version",
)
"""From the top to the bottom of docs/architecture.md: a room imports from those below it."""
ALONE = {"truth": {"contract"}, "reference": set(), "witnesses": {"processes"}, "contract": set(), "processes": set()}
"""What some rooms may import, so that they cannot share a mistake."""
ASKED_BY = {"engine": {"cli", "api", "selftest", "survey"}, "selftest": {"cli"}, "diagnosis": {"engine", "selftest"}}
"""Who may ask some rooms."""


@cache
def modules() -> dict[str, Path]:
    """Return the files of the package by module name; the template of a benchmark suite is other people's code."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if "template" not in parts:
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


def _named(node: ast.AST) -> list[str]:
    """Return the modules of the package that an import statement names."""
    if isinstance(node, ast.ImportFrom) and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in modules() else node.module for name in names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _for_types_alone(tree: ast.Module) -> set[ast.AST]:
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    named = [node for node in blocks if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"]
    return {inner for node in named for inner in ast.walk(node)}


@cache
def imports() -> dict[str, set[str]]:
    """Return what each module imports of the package, at any depth; what is imported for types alone never runs."""
    found = {}
    for name, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        left = set(ast.walk(tree)) - _for_types_alone(tree)
        found[name] = {other for node in left for other in _named(node) if other in modules()} - {name}
    return found


def room(module: str) -> str:
    """Return the room of a module; the package itself is that of its version."""
    return [*module.split("."), "version"][1]


@pytest.mark.slow
def test_no_module_imports_itself_in_a_circle() -> None:
    """From no module is there a way back to it."""
    reach = {name: set(direct) for name, direct in imports().items()}
    for _ in modules():
        grown = {name: found.union(*(reach[other] for other in found)) for name, found in reach.items()}
        if grown == reach:
            break
        reach = grown
    assert sorted(name for name, found in reach.items() if name in found) == []


def test_rooms_import_downward_only() -> None:
    """And all rooms are known."""
    assert {room(name) for name in modules()} - {"__main__"} == set(ROOMS)
    upward = [
        (name, other)
        for name, found in imports().items()
        for other in found
        if room(name) != "__main__" and ROOMS.index(room(other)) < ROOMS.index(room(name))
    ]
    assert upward == []


@pytest.mark.parametrize("name", ALONE)
def test_what_must_not_share_a_mistake_shares_no_code(name: str) -> None:
    """Truth, reference and witnesses are apart."""
    found = {room(other) for module, others in imports().items() if room(module) == name for other in others}
    assert found - {name} <= ALONE[name]


@pytest.mark.parametrize("name", ASKED_BY)
def test_who_asks_a_room(name: str) -> None:
    """Nothing but the doors and the self-test asks the engine."""
    asking = {room(module) for module, others in imports().items() if any(room(other) == name for other in others)}
    assert asking - {name} <= ASKED_BY[name]


@pytest.mark.parametrize("name", ["diagnosis"])
def test_one_door(name: str) -> None:
    """From outside a room is imported by its door alone."""
    inside = [
        (module, other)
        for module, others in imports().items()
        for other in others
        if room(module) != name and room(other) == name and other != f"xentcheck.{name}"
    ]
    assert inside == []
