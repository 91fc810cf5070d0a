"""What of a module's source an older Python refuses when it runs it, though its grammar may allow it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

GENERICS = {"dict", "list", "tuple", "set", "frozenset", "type"}
NEWER_MODULES = {"tomllib", "graphlib", "zoneinfo"}
NEWER_NAMES = {("functools", "cache"), ("itertools", "pairwise"), ("typing", "Self"), ("typing", "TypeAlias")}
NEWER_METHODS = {"removeprefix", "removesuffix", "add_note", "bit_count", "is_relative_to", "hardlink_to"}


def newer_than_3_8(source: str) -> list[str]:
    """Return what Python 3.8 cannot parse, or cannot run: "line N: ..." each.

    Annotations, and what is imported for types alone, never run. What only runs where a function is called is
    looked at as well, but for the modules that it imports.
    """
    try:
        tree = ast.parse(source, feature_version=(3, 8))
    except SyntaxError as error:
        return [f"line {error.lineno}: {error.msg}"]
    generic = GENERICS | {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "collections.abc"
        for alias in node.names
    }
    found = [f"line {node.lineno}: {ast.unparse(node)}" for node in _run(tree) if _is_newer(node, generic)]
    return found + [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in tree.body
        if (isinstance(node, ast.Import) and {alias.name for alias in node.names} & NEWER_MODULES)
        or (isinstance(node, ast.ImportFrom) and node.module in NEWER_MODULES)
    ]


def _run(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield the nodes that are carried out at some time."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, (ast.expr, ast.stmt)):
                yield child
            yield from _run(child)


def _is_newer(node: ast.expr | ast.stmt, generic: set[str]) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id in generic
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return any(isinstance(side, (ast.Dict, ast.DictComp)) for side in (node.left, node.right))
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitOr):
        return isinstance(node.value, (ast.Dict, ast.DictComp))
    if isinstance(node, ast.Call):
        given = {keyword.arg for keyword in node.keywords}
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        union = name in ("isinstance", "issubclass") and isinstance(node.args[-1], ast.BinOp)
        return union or (name == "zip" and "strict" in given) or (name == "dataclass" and bool(given & {"slots"}))
    if isinstance(node, ast.ImportFrom):
        return any((node.module, alias.name) in NEWER_NAMES for alias in node.names)
    return isinstance(node, ast.Attribute) and node.attr in NEWER_METHODS
