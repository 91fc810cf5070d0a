"""What of a shim a script needs, so that it runs where xentcheck is not."""

from __future__ import annotations

import ast
from importlib import util
from pathlib import Path

_SHIMS = "xentcheck.targets.shims."


def shim_source(module: str, *attributes: str) -> str:
    """Return the lines that define functions of a shim: those they need of the shim's file, which is not imported.

    Parameters
    ----------
    module : str
        Where the functions are.
    *attributes : str

    Returns
    -------
    str
        "" where the module is no shim, or one that needs more of xentcheck than other shims.
    """
    blocks = _blocks(module, [*attributes])
    if not blocks:
        return ""
    source, of_function = "", False
    for block in dict.fromkeys(blocks):
        before, of_function = of_function, block.startswith(("def ", "@"))
        source += ("\n\n" if source and (before or of_function) else "") + block + "\n"
    return source + "\n\n"


def shim_value(module: str, name: str) -> ast.expr | None:
    """Return the expression that a shim binds a name to, by itself or beside others; None for a function or none."""
    wanted = _statements(module)[1].get(name)
    if not isinstance(wanted, ast.Assign):
        return None
    if isinstance(wanted.value, ast.Tuple) and isinstance(wanted.targets[0], ast.Tuple):
        names = [each.id for each in wanted.targets[0].elts if isinstance(each, ast.Name)]
        return dict(zip(names, wanted.value.elts, strict=False)).get(name)
    return wanted.value


def shim_names(module: str) -> set[str]:
    """Return the names that a shim binds, imported ones counted."""
    return {*_statements(module)[1]}


def shim_member(module: str, attribute: str, key: str) -> str:
    """Return the function that a target of a shim has under a key, as in TARGET = {"loss": function}; "" for none."""
    value = shim_value(module, attribute)
    if isinstance(value, ast.Dict):
        for name, function in zip(value.keys, value.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key and isinstance(function, ast.Name):
                return function.id
    return ""


def _statements(module: str) -> tuple[list[ast.stmt], dict[str, ast.stmt], list[str]]:
    """Return the statements of a shim, those that bind each name, and the lines of its file; nothing of another."""
    found = util.find_spec(module) if module.startswith(_SHIMS) else None
    if found is None or found.origin is None:
        return [], {}, []
    text = _without_annotations(Path(found.origin).read_text(encoding="utf-8"))
    statements = [one for one in ast.parse(text).body if not _is_of_the_file(one)]
    return statements, {name: one for one in statements for name in _bound(one)}, text.split("\n")


def _without_annotations(text: str) -> str:
    """Return a module without the types that its functions state, which no script has to import."""
    lines = text.split("\n")
    functions = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef)]
    for one in sorted(functions, key=lambda one: -one.lineno):
        if one.body[0].lineno > one.lineno:
            arguments = one.args
            for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                each.annotation = None
            for rest in filter(None, (arguments.vararg, arguments.kwarg)):
                rest.annotation = None
            stated = ast.unparse(arguments).replace("'", '"')
            lines[one.lineno - 1 : one.body[0].lineno - 1] = [f"{' ' * one.col_offset}def {one.name}({stated}):"]
    for local in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(local, ast.AnnAssign) and isinstance(local.target, ast.Name) and local.value is not None:
            line, value = lines[local.lineno - 1], local.value.col_offset
            lines[local.lineno - 1] = f"{line[: local.col_offset]}{local.target.id} = {line[value:]}"
    return "\n".join(lines)


def _blocks(module: str, attributes: list[str]) -> list[str]:
    """Return the statements that functions of a shim need, each as its lines; none where that is not to be had."""
    statements, by_name, lines = _statements(module)
    settings = [one for one in statements if _is_setting(one, by_name)]
    needed = set[ast.stmt](settings)
    open_names = [*attributes, *(name for one in settings for name in _read(one))]
    while open_names:
        one = by_name.get(open_names.pop())
        if one is not None and one not in needed:
            needed.add(one)
            open_names += _read(one)
    names = {name for one in needed for name in _read(one)} | {*attributes}
    unnamed = (one for one in statements if not _bound(one) and one not in needed)
    if any(not _is_check(one, by_name) for one in unnamed) or not {*attributes} <= {*by_name}:
        return []
    blocks = list[str]()
    for one in statements:
        if one in needed and _is_of_xentcheck(one):
            assert isinstance(one, ast.ImportFrom)
            more = _blocks(one.module or "", [each.name for each in one.names if each.name in names])
            if not more or any(each.asname for each in one.names):
                return []
            blocks += more
        elif one in needed and isinstance(one, ast.ImportFrom) and not one.level:
            used = [each for each in one.names if (each.asname or each.name) in names]
            blocks.append(ast.unparse(ast.ImportFrom(one.module, used, 0)))
        elif one in needed:
            blocks.append("\n".join(lines[_first(one) - 1 : one.end_lineno]))
    return blocks


def _read(one: ast.AST) -> list[str]:
    return [each.id for each in ast.walk(one) if isinstance(each, ast.Name)]


def _is_setting(one: ast.stmt, by_name: dict[str, ast.stmt]) -> bool:
    """Return whether a statement sets something of the environment or of a library, and binds no name."""
    call = isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) and not _is_check(one, by_name)
    return call or (isinstance(one, ast.Assign) and not _bound(one))


def _is_check(one: ast.stmt, by_name: dict[str, ast.stmt]) -> bool:
    """Return whether a statement calls a function of xentcheck and binds nothing: a script can do without."""
    names = _read(one.value.func) if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) else []
    return any(name in by_name and _is_of_xentcheck(by_name[name]) for name in names)


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
    names = (each for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
    return [each.id for each in names if isinstance(each.ctx, ast.Store)]


def _first(one: ast.stmt) -> int:
    """Return the first line of a statement, decorators included."""
    decorators = one.decorator_list if isinstance(one, ast.FunctionDef) else []
    return min([one.lineno, *(each.lineno for each in decorators)])
