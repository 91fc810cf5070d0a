"""A loss of a shim that is called through an `Adapter`: how a script calls and differentiates it without one."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from xentcheck.report.idioms import Idiom
from xentcheck.report.shim_source import shim_names, shim_source, shim_value

_COPY = "np.array"
"""What makes an array for frameworks that take those of numpy."""


@dataclass(frozen=True)
class Adapted:
    """A loss as its framework has it.

    Parameters
    ----------
    loss : str
        The expression that names it.
    imports : str
        What a script needs of the shim.
    idiom : Idiom
        What is called leaves a numpy array in `returned`.
    returned : str
        The statement that leaves the answer to {call} there.
    """

    loss: str
    imports: str
    idiom: Idiom
    returned: str


def adapted(module: str, attribute: str, role: str) -> Adapted | None:
    """Return how a script calls the loss of a target; None where a shim does not make it by an `Adapter`.

    Parameters
    ----------
    module, attribute : str
        Where the target is.
    role : str
        "gradient", or another part of an answer, for which no derivative is needed.
    """
    target = shim_value(module, attribute)
    if not isinstance(target, ast.Call) or not isinstance(target.func, ast.Attribute) or target.func.attr != "target":
        return None
    named = target.func.value
    maker = shim_value(module, named.id) if isinstance(named, ast.Name) else named
    parts = {each.arg: each.value for each in maker.keywords} if isinstance(maker, ast.Call) else {}
    if not {"put", "get", "vjp"} <= {*parts} or not target.args:
        return None
    loss, put, get, vjp = target.args[0], parts["put"], parts["get"], ast.unparse(parts["vjp"])
    needed = (loss, put, get, *([parts["vjp"]] if role == "gradient" else []))
    read = {each.id for one in needed for each in ast.walk(one) if isinstance(each, ast.Name)}
    imports = shim_source(module, *sorted(read & shim_names(module)))
    wrap = "{array}" if ast.unparse(put) == _COPY else _applied(put, "{array}")
    value, derivative = _applied(get, "of_scores(z)"), _applied(get, f"{vjp}(of_scores, z, upstream)")
    head = "\n\ndef of_scores(z):\n    return {call}\n\n\n"
    ones = wrap.format(array=f"np.ones_like({value})")
    given = wrap.format(array="upstream.reshape(value.shape).astype(value.dtype)")
    idiom = Idiom(
        wrap=wrap,
        gradient=f"{head}upstream = {ones}\nreturned = {derivative}",
        upstream=f"{head}value = {value}\nupstream = {given}\nreturned = {derivative}",
    )
    return Adapted(ast.unparse(loss), imports, idiom, f"returned = {_applied(get, '{call}')}") if imports else None


def _applied(function: ast.expr, argument: str) -> str:
    """Return a call of an expression; of a lambda that reads its argument once, what it returns."""
    if isinstance(function, ast.Lambda) and len(function.args.args) == 1:
        name, body = function.args.args[0].arg, ast.unparse(function.body)
        places = [each for each in ast.walk(function.body) if isinstance(each, ast.Name) and each.id == name]
        if len(places) == 1:
            start = places[0].col_offset - function.body.col_offset
            if places[0].lineno == function.body.lineno and body[start : start + len(name)] == name:
                return body[:start] + argument + body[start + len(name) :]
    words = ast.unparse(function)
    return f"({words})({argument})" if isinstance(function, ast.Lambda) else f"{words}({argument})"
