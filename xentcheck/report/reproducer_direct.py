"""The direct call of a loss in a script, as somebody who uses its framework would write it."""

from __future__ import annotations

from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentcheck.report.finding import Finding
from xentcheck.report.idioms import IDIOMS
from xentcheck.report.reproducer_parts import DIRECTIONAL, along, order_of
from xentcheck.report.shim_source import shim_member, shim_source

if TYPE_CHECKING:
    from xentcheck.contract import Contract
    from xentcheck.targets.specification import BuildPlan


def is_direct(known: BuildPlan, contract: Contract, finding: Finding, framework: str, role: str) -> bool:
    """Return whether a direct call is all that there is to show."""
    differentiated = _differentiated(framework, role)
    location, _ = _called(known, framework, role)
    if not isinstance(location, str) or framework not in IDIOMS or finding.certified is None:
        return False
    module, _, attribute = location.rpartition(":")
    if known.python and not shim_source(module, attribute):
        return False
    words = [attribute, *([] if module.endswith(".py") else module.split("."))]
    plain = all(word.isidentifier() and not iskeyword(word) for word in words) and not attribute[:1].isupper()
    way = _way(finding, role)
    own = {"upstream": "vjp"}.get(way, way) in known.functions
    shown = not own and bool(getattr(IDIOMS[framework], way)) if differentiated else way != "upstream"
    return plain and shown and contract.axis != 0


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


def _way(finding: Finding, role: str) -> str:
    """Return by which of the statements of an idiom a part comes."""
    return "upstream" if finding.upstream is not None else role


def direct_call(known: BuildPlan, contract: Contract, finding: Finding, framework: str, role: str) -> str:
    """Return the lines that import the target, call it, or have it differentiated, and make numbers of what came."""
    differentiated = _differentiated(framework, role)
    location, part = _called(known, framework, role)
    module, _, attribute = location.rpartition(":")
    keywords = "".join(f", {key}={value!r}" for key, value in known.keywords.items())
    idiom = IDIOMS[framework]
    value = f"{idiom.wrap.format('value')} if isinstance(value, np.ndarray) else value"
    options = "options" if idiom.wrap == "{}" else f"{{name: {value} for name, value in options.items()}}"
    keywords += f", **{options}" if finding.batch.get("options") else ""
    lines = [idiom.imports + _imported(module, attribute, known.base), idiom.present]
    direction = along(contract, finding)
    scores, labels = idiom.wrap.format("scores"), idiom.wrap.format("labels")
    if differentiated:
        unwrapped = labels == "labels" or contract.is_entropy
        lines += [idiom.leaf.format(scores=scores), "" if unwrapped else f"labels = {labels}"]
        if finding.upstream is not None:
            lines.append(f"upstream = np.array({finding.upstream!r}, np.float64)")
        elif direction is not None:
            lines.append(f"direction = {idiom.wrap.format(direction)}")
        statements, order = getattr(idiom, _way(finding, role)), order_of(contract, "z", "labels")
        lines.append(statements.format(call=f"target({order}{keywords})"))
    else:
        order = order_of(contract, scores, labels)
        order += "" if direction is None else f", {direction}"
        lines.append(f"returned = target({order}{keywords}){part}")
    lines.append(f"returned = {idiom.read}")
    return "\n".join(line for line in lines if line) + "\n"


def _imported(module: str, attribute: str, base: str) -> str:
    if shim := shim_source(module, attribute):
        return f"{shim}target = {attribute}\n"
    if not module.endswith(".py"):
        place = f"import sys\n\nsys.path.insert(0, {base!r})\n" if base else ""
        return f"{place}from {module} import {attribute} as target\n"
    file = Path(base) / module
    folders = list(dict.fromkeys((str(file.parent), base)))  # where it may import its neighbours from
    lines = [
        "import runpy\nimport sys\n",
        f"sys.path[:0] = {folders!r}",
        f"target = runpy.run_path({str(file)!r})[{attribute!r}]",
    ]
    return "\n".join(lines) + "\n"
