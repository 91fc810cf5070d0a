"""The direct call of a loss in a script, as somebody who uses its framework would write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentcheck.report.finding import Finding
from xentcheck.report.idioms import IDIOMS, Idiom
from xentcheck.report.literals import keyword_source
from xentcheck.report.reproducer_arrays import TAKEN, Arrays
from xentcheck.report.reproducer_parts import DIRECTIONAL, order_of
from xentcheck.report.returned import role as role_of
from xentcheck.report.shim_adapter import Adapted, adapted
from xentcheck.report.shim_source import shim_member, shim_source
from xentcheck.truth.formats import FORMATS

if TYPE_CHECKING:
    from xentcheck.contract import Contract
    from xentcheck.targets.specification import BuildPlan

_WIDTH = 100
_IMPORT = ("import ", "from ")
_SHAPES = re.compile(
    r"the (?P<part>loss|gradient) has shape (?P<shape>\([\d, ]*\)), but must have (?P<right>\([\d, ]*\))"
)


@dataclass(frozen=True)
class Direct:
    """A direct call, as lines of source.

    Parameters
    ----------
    imports : str
        What is imported, and the function itself where it is one of a shim.
    lines : str
        The arrays and the call, which leave in `returned` what a finding is about.
    idiom : Idiom
        How that is read.
    """

    imports: str
    lines: str
    idiom: Idiom


def raises(finding: Finding) -> bool:
    """Return whether it is the call of the loss that gives no answer, but an exception."""
    return finding.property == "answers" and finding.title.startswith("the target raised from its loss")


def differs_again(finding: Finding) -> bool:
    """Return whether it is the backward pass that gives another gradient when the graph is gone through again."""
    return finding.got == "second-backward-differs" and finding.upstream is not None


def misshapen(finding: Finding) -> tuple[str, str, str] | None:
    """Return loss or gradient, its shape and the one that it must have, where it is the shape that is wrong."""
    found = _SHAPES.fullmatch(finding.title) if finding.certified is None else None
    return (found["part"], found["shape"], found["right"]) if found else None


def narrowed(finding: Finding) -> bool:
    """Return whether it is the dtype of what is returned that is wrong."""
    return finding.property == "precision" and finding.got in FORMATS


def is_direct(known: BuildPlan, contract: Contract, finding: Finding, framework: str, by_method: bool = False) -> bool:
    """Return whether a direct call is all that there is to show."""
    shown = finding.certified is not None or raises(finding) or differs_again(finding) or narrowed(finding)
    if not (shown or misshapen(finding)):
        return False
    role = _role(finding)
    if _adapted(known, role) is not None:
        return role in ("loss", "gradient") and contract.axis != 0
    differentiated = _differentiated(framework, role)
    location, _ = _called(known, framework, role)
    if not isinstance(location, str) or framework not in IDIOMS:
        return False
    if by_method and known.functions.get(role) in (None, known.functions.get("loss")):
        return False
    module, _, attribute = location.rpartition(":")
    if known.python and module.endswith(".py"):  # of a file here, in whose folder the other interpreter need not look
        return False
    words = [attribute, *([] if module.endswith(".py") else module.split("."))]
    plain = all(word.isidentifier() and not iskeyword(word) for word in words) and not attribute[:1].isupper()
    way = _way(finding, role)
    own = {"upstream": "vjp", "again": "vjp"}.get(way, way) in known.functions
    known_way = (
        not own and bool(getattr(IDIOMS[framework], way)) if differentiated else way not in ("upstream", "again")
    )
    return plain and known_way and contract.axis != 0


def _adapted(known: BuildPlan, role: str) -> Adapted | None:
    """Return how a script calls a loss that a shim makes by an `Adapter`, None for another."""
    target = known.functions.get("loss")
    module, _, attribute = target.rpartition(":") if isinstance(target, str) else ("", "", "")
    return adapted(module, attribute, role) if {*known.functions} == {"loss"} else None


def _differentiated(framework: str, role: str) -> bool:
    """Return whether it is the framework that makes a derivative of the loss."""
    return framework != "numpy" and role in ("gradient", *DIRECTIONAL)


def _called(known: BuildPlan, framework: str, role: str) -> tuple[Any, str]:
    """Return where the function is that a script calls, and what it takes of its answer: "", or "[0]" and "[1]"."""
    location = known.functions.get("loss" if _differentiated(framework, role) else role)
    target = known.functions.get("loss")
    module, _, attribute = target.rpartition(":") if isinstance(target, str) else ("", "", "")
    both = shim_member(module, attribute, "value_and_gradient")
    if both and set(known.functions) == {"loss"} and role in ("loss", "gradient"):
        return f"{module}:{both}", "[0]" if role == "loss" else "[1]"
    return location, ""


def _role(finding: Finding) -> str:
    shape = misshapen(finding)
    return "gradient" if differs_again(finding) else shape[0] if shape else role_of(finding.part) or "loss"


def _way(finding: Finding, role: str) -> str:
    """Return by which of the statements of an idiom a part comes."""
    return "again" if differs_again(finding) else "upstream" if finding.upstream is not None else role


def direct_call(known: BuildPlan, contract: Contract, finding: Finding, framework: str, *, gaps: bool = True) -> Direct:
    """Return the lines that import the target, and call it or have it differentiated.

    Parameters
    ----------
    known, contract, finding, framework
        As for `is_direct`.
    gaps : bool
        Whether an upstream gradient of some rows lies in memory as xentcheck hands it on.
    """
    role = _role(finding)
    through = _adapted(known, role)
    differentiated = _differentiated(framework, role) if through is None else role == "gradient"
    location, part = _called(known, framework, role)
    module, _, attribute = location.rpartition(":") if through is None else ("", "", through.loss)
    function = "target" if attribute in TAKEN and through is None else attribute
    idiom = IDIOMS[framework] if through is None else through.idiom
    made = Arrays(idiom, contract, finding)
    scores, labels = made.scores(), made.labels()
    made.lines.append(idiom.leaf.format(scores=scores) if differentiated else _assigned("scores", scores))
    if labels:
        made.lines.append(_assigned("labels", labels))
    keywords = {key: keyword_source(value) for key, value in known.keywords.items()} | made.options()
    direction = made.direction()
    if finding.upstream is not None:
        made.lines.append(f"upstream = np.array({finding.upstream!r}, np.float64)")
    elif direction and differentiated:
        made.lines.append(f"direction = {direction}")
    order = order_of(contract, "z" if differentiated else "scores", "labels").split(", ")
    order += [direction] if direction and not differentiated else []
    call = _call(function, [*order, *(f"{name}={value}" for name, value in keywords.items())])
    answer = f"returned = {{call}}{part}" if through is None else through.returned
    statements = getattr(idiom, _way(finding, role)) if differentiated else answer
    apart = idiom.gaps if gaps and isinstance(finding.upstream, list | tuple) else ""
    made.lines.append(statements.format(call=call, gaps=apart))
    lines = "\n".join(filter(None, made.lines))
    if through is not None:
        return Direct(through.imports, lines, idiom)
    imports = _imported(module, attribute, function, known.base)
    own = [
        line for line in imports.split("\n") if not line.startswith(_IMPORT) or line not in idiom.imports.split("\n")
    ]
    return Direct(idiom.imports + "\n".join(own), lines, idiom)


def _assigned(name: str, source: str) -> str:
    """Return the assignment of an expression, "" where it is that name already."""
    return "" if source == name else f"{name} = {source}"


def _call(function: str, arguments: list[str]) -> str:
    """Return a call, over several lines where one would be long."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return line
    return f"{function}(\n    " + ",\n    ".join(arguments) + ",\n)"


def _imported(module: str, attribute: str, function: str, base: str) -> str:
    name = attribute if function == attribute else f"{attribute} as {function}"
    if shim := shim_source(module, attribute):
        return shim if function == attribute else f"{shim}{function} = {attribute}\n"
    if not module.endswith(".py"):
        place = f"import sys\n\nsys.path.insert(0, {base!r})\n" if base else ""
        return f"{place}from {module} import {name}\n"
    file = Path(base) / module
    folders = list(dict.fromkeys((str(file.parent), base)))  # where it may import its neighbours from
    lines = [
        "import runpy\nimport sys\n",
        f"sys.path[:0] = {folders!r}",
        f"{function} = runpy.run_path({str(file)!r})[{attribute!r}]",
    ]
    return "\n".join(lines) + "\n"
