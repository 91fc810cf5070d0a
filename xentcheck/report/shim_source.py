"""What of a shim a script needs, so that it runs where xentcheck is not."""

from __future__ import annotations

import ast
from importlib import util
from pathlib import Path

_SHIMS = "xentcheck.targets.shims."


def shim_source(module: str, attribute: str) -> str:
    """Return the lines that define a function of a shim: those it needs of the shim's file, which is not imported.

    Parameters
    ----------
    module, attribute : str
        Where the function is.

    Returns
    -------
    str
        "" where the module is no shim, or one that needs more of xentcheck.
    """
    found = util.find_spec(module) if module.startswith(_SHIMS) else None
    if found is None or found.origin is None:
        return ""
    text = Path(found.origin).read_text(encoding="utf-8")
    statements = [one for one in ast.parse(text).body if not _is_of_the_file(one)]
    by_name = {name: one for one in statements for name in _bound(one)}
    needed, open_names = set[ast.stmt](), [attribute]
    while open_names:
        one = by_name.get(open_names.pop())
        if one is not None and one not in needed:
            needed.add(one)
            open_names += [each.id for each in ast.walk(one) if isinstance(each, ast.Name)]
    kept = [one for one in statements if one in needed]
    unnamed = any(not _bound(one) for one in statements)  # a call or a setting, of which nobody knows who needs it
    if unnamed or attribute not in by_name or any(_is_of_xentcheck(one) for one in kept):
        return ""
    lines = text.split("\n")
    source = ""
    for one in kept:
        space = "\n\n" if source and isinstance(one, ast.FunctionDef) else ""
        source += space + "\n".join(lines[_first(one) - 1 : one.end_lineno]) + "\n"
    return source + "\n\n"


def _is_of_the_file(one: ast.stmt) -> bool:
    """Return whether a statement is the docstring or an import from __future__."""
    docstring = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
    return docstring or (isinstance(one, ast.ImportFrom) and one.module == "__future__")


def _is_of_xentcheck(one: ast.stmt) -> bool:
    return isinstance(one, ast.ImportFrom) and (one.module or "").partition(".")[0] == "xentcheck"


def _bound(one: ast.stmt) -> list[str]:
    """Return the names that a statement of a module binds."""
    if isinstance(one, ast.Import | ast.ImportFrom):
        return [(each.asname or each.name).partition(".")[0] for each in one.names]
    if isinstance(one, ast.FunctionDef):
        return [one.name]
    targets = one.targets if isinstance(one, ast.Assign) else []
    return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]


def _first(one: ast.stmt) -> int:
    """Return the first line of a statement, decorators included."""
    decorators = one.decorator_list if isinstance(one, ast.FunctionDef) else []
    return min([one.lineno, *(each.lineno for each in decorators)])
