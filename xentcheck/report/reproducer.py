"""A finding as a Python script that shows it on its own.

Where the target is a plain function of a known framework, the script calls it directly: whoever maintains it
needs nothing of ours. Elsewhere (classes, crashes, side effects) the script calls it as xentcheck does. Its exit status
is 1 while the defect is there, and 0 when it is mended.
"""

from __future__ import annotations

import pprint
import re
import textwrap
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentcheck.batches.extra_axes import number_of, split
from xentcheck.contract.declaration import OPTIONS
from xentcheck.contract.harmless import harmless
from xentcheck.report import arrays, literals
from xentcheck.report.idioms import IDIOMS
from xentcheck.report.importable import named
from xentcheck.report.results import Finding
from xentcheck.report.returned import role as role_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xentcheck.contract import Contract
    from xentcheck.targets.specification import BuildPlan, TargetSpecification

_OURS = """
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.targets import TargetSpecification, open_host
"""
_LOSS = {"loss": "loss      ", "log_probability": "log p     ", "entropy": "entropy   "}
_ALONG = {"hessian_vector": "H v       ", "jvp": "jvp       "}
_WHILE = "1 while the defect is there"


def script(specification: TargetSpecification, contract: Contract, finding: Finding, *, framework: str = "") -> str:
    """Return the source of a script that repeats the call of a finding and says how far its answer is off.

    Parameters
    ----------
    specification : TargetSpecification
    contract : Contract
        Of the target, as it was judged.
    finding : Finding
    framework : str
        What the target was found to take, such as "numpy" and "torch"; "" where that is not known.

    Raises
    ------
    SyntaxError, ValueError
        Rather than that the source could not be compiled.
    """
    from xentcheck.targets.specification import build_plan

    if not finding.batch:
        return ""
    role = role_of(finding.part)
    heading, folder = _heading(specification, finding), ""
    if specification.in_process:
        specification, folder = named(specification)
    if specification.in_process:
        calls = _by_hand(contract, finding)
    else:
        known = build_plan(specification, folder or None)
        framework = framework or known.framework
        if _direct(known, contract, finding, framework, role):
            folded = _as_rows(contract, finding, contract.axis)
            calls = "\n".join([_call(known, contract, finding, framework, role), folded + _compare(finding)])
        else:
            calls = _through_xentcheck(known, contract, finding)
    data = _data(finding, contract, "open_host(" not in calls)
    if not re.search(r"\boptions\b", calls):
        data = data.replace("options = {}\n", "")
    names = [name for name in ("inf", "nan") if re.search(rf"\b{name}\b", data + calls)]
    imports = "from math import fsum\n\n" if "fsum(" in calls else ""
    imports += "import numpy as np\n" + (f"from numpy import {', '.join(names)}\n" if names else "")
    future = "from __future__ import annotations\n" if "lay_out" in data else ""
    imports += _OURS if "open_host(" in calls else ""
    half = "import ml_dtypes\n" if "ml_dtypes" in data else ""
    source = "\n".join([heading, future + half + imports, data, calls])
    compile(source, "<reproducer>", "exec")
    return source


def _heading(specification: TargetSpecification, finding: Finding) -> str:
    name = specification.name or next(iter(specification.given.values()), "")
    lines = [
        f"{harmless(name if isinstance(name, str) else getattr(name, '__name__', 'a function'))}: {finding.title}.",
        "",
        f"Law {finding.number}, {finding.property}: {finding.law}",
    ]
    if finding.cause:
        lines += ["", f"Likely cause: {finding.cause}"]
    text = "\n".join(textwrap.fill(line, 100) for line in lines)
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n\nWritten by xentcheck.\n"""\n'


def _data(finding: Finding, contract: Contract, as_given: bool) -> str:
    """Return the lines that make scores, labels and options: as the target is given them, or as a Batch has them."""
    batch = finding.batch
    memory = batch.get("layout", "C")
    lines = [] if memory == "C" else [literals.layout_source().rstrip(), "", ""]
    for name in ("scores", "labels") if arrays.labelled(batch) else ("scores",):
        source = literals.array_source(batch[name])
        if as_given:
            sparse = name == "labels" and batch.get("label_form", "sparse") == "sparse"
            source = _along_axes(source, contract, batch, batch[name]["shape"], sparse=sparse)
        lines.append(f"{name} = {source}" if memory == "C" else f"{name} = lay_out({source}, {memory!r})")
    pairs = ""
    for key, value in batch.get("options", {}).items():
        source = literals.option_source(value)
        if as_given and OPTIONS[key].kind == "rows":
            source = _along_axes(source, contract, batch, value["shape"])
        pairs += f"\n    {contract.arguments.get(key, key)!r}: {source},"
    lines.append(f"options = {{{pairs}\n}}" if pairs else "options = {}")
    return "\n".join(lines) + "\n"


def _along_axes(
    source: str, contract: Contract, batch: Mapping[str, Any], shape: Sequence[int], *, sparse: bool = False
) -> str:
    """Return the expression of an array of a batch with rows and classes where the target has them."""
    n, m = batch["scores"]["shape"]
    sizes = split(shape[0], m, number_of(contract.extra_axes, n, m)) if shape else ()
    axis = -1 if sparse and contract.axis == 0 else contract.axis
    if len(shape) == 2 and (len(sizes) > 1 or axis == 0):
        return f"np.ascontiguousarray(np.moveaxis({source}.reshape({(*sizes, shape[1])}), -1, {axis}))"
    return f"{source}.reshape({sizes})" if len(sizes) > 1 else source


def _as_rows(contract: Contract, finding: Finding, axis: int = -1) -> str:
    """Return the line that makes rows of what was returned, where the element at fault is one of a row."""
    n, m = finding.batch["scores"]["shape"]
    if "[" not in finding.part or (number_of(contract.extra_axes, n, m) == 0 and axis != 0):
        return ""
    if role_of(finding.part) in ("loss", "jvp"):
        return "returned = returned.reshape(-1)\n"
    return f"returned = np.moveaxis(np.asarray(returned), {axis}, -1).reshape({n}, {m})\n"


def _direct(known: BuildPlan, contract: Contract, finding: Finding, framework: str, role: str) -> bool:
    """Return whether a direct call is all that there is to show."""
    differentiated = _differentiated(framework, role)
    location = known.functions.get("loss" if differentiated else role)
    if not isinstance(location, str) or framework not in IDIOMS or finding.certified is None or known.python:
        return False
    module, _, attribute = location.rpartition(":")
    words = [attribute, *([] if module.endswith(".py") else module.split("."))]
    plain = all(word.isidentifier() and not iskeyword(word) for word in words) and not attribute[:1].isupper()
    way = _way(finding, role)
    own = {"upstream": "vjp"}.get(way, way) in known.functions
    shown = not own and bool(getattr(IDIOMS[framework], way)) if differentiated else way != "upstream"
    return plain and shown and contract.axis != 0


def _differentiated(framework: str, role: str) -> bool:
    """Return whether it is the framework that makes a derivative of the loss."""
    return framework != "numpy" and role in ("gradient", *_ALONG)


def _way(finding: Finding, role: str) -> str:
    """Return by which of the statements of an idiom a part comes."""
    return "upstream" if finding.upstream is not None else role


def _call(known: BuildPlan, contract: Contract, finding: Finding, framework: str, role: str) -> str:
    differentiated = _differentiated(framework, role)
    location = known.functions["loss" if differentiated else role]
    module, _, attribute = location.rpartition(":")
    keywords = "".join(f", {key}={value!r}" for key, value in known.keywords.items())
    idiom = IDIOMS[framework]
    value = f"{idiom.wrap.format('value')} if isinstance(value, np.ndarray) else value"
    options = "options" if idiom.wrap == "{}" else f"{{name: {value} for name, value in options.items()}}"
    keywords += f", **{options}" if finding.batch.get("options") else ""
    lines = [idiom.imports + _imported(module, attribute, known.base), idiom.present]
    along = _along(contract, finding)
    scores, labels = idiom.wrap.format("scores"), idiom.wrap.format("labels")
    if differentiated:
        unwrapped = labels == "labels" or contract.is_entropy
        lines += [idiom.leaf.format(scores=scores), "" if unwrapped else f"labels = {labels}"]
        if finding.upstream is not None:
            lines.append(f"upstream = np.array({finding.upstream!r}, np.float64)")
        elif along is not None:
            lines.append(f"direction = {idiom.wrap.format(along)}")
        statements, order = getattr(idiom, _way(finding, role)), _order(contract, "z", "labels")
        lines.append(statements.format(call=f"target({order}{keywords})"))
    else:
        order = _order(contract, scores, labels)
        order += "" if along is None else f", {along}"
        lines.append(f"returned = target({order}{keywords})")
    lines.append(f"returned = {idiom.read}")
    return "\n".join(line for line in lines if line) + "\n"


def _order(contract: Contract, scores: str, labels: str) -> str:
    """Return the arguments of a call before its options."""
    if contract.is_entropy:
        return scores
    return f"{labels}, {scores}" if contract.argument_order == "labels_first" else f"{scores}, {labels}"


def _imported(module: str, attribute: str, base: str) -> str:
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


def _compare(finding: Finding) -> str:
    """Return the lines that hold what is returned against the certified interval."""
    assert finding.certified is not None
    index = finding.part.partition("[")[2].rstrip("]")
    element = f"returned[{index}]" if index else "returned"
    low, high = (end + 0.0 for end in finding.certified)  # -0 + 0 is 0
    lines = [
        f"got = fsum({element})" if ":" in index else f"got = float({element})",  # a law is about the sum of a row
        f"low, high = {low!r}, {high!r}  # the exact value lies between them",
        'print(f"got        {got!r}")',
        'print(f"certified  [{low!r}, {high!r}]")',
    ]
    if finding.allowance is not None and finding.certified[0] == finding.certified[0]:
        lines += [
            f"allowance = {finding.allowance!r}  # how far any good algorithm may be off on this input",
            "error = 0.0 if low <= got <= high else max(low - got, got - high) if np.isfinite(got) else inf",
            "times = error / allowance if allowance else inf if error else 0.0",
            'print(f"error      {error:.3g}, which is {times:.3g} times the allowance {allowance:.3g}")',
            "wrong = error > allowance",
        ]
    else:
        lines.append("wrong = not (low <= got <= high or (np.isnan(low) and np.isnan(got)))")
    lines.append(f"raise SystemExit(1 if wrong else 0)  # {_WHILE}")
    return "\n".join(lines) + "\n"


def _through_xentcheck(known: BuildPlan, contract: Contract, finding: Finding) -> str:
    """Return the lines that call the target as xentcheck calls it, in a process of its own."""
    from xentcheck.contract import Contract

    batch = finding.batch
    usual = Contract().as_mapping()
    declared = {key: value for key, value in contract.as_mapping().items() if value != usual[key]}
    stated = pprint.pformat(declared, width=100, sort_dicts=False)
    locations = {**_locations(known), **({"python": known.python} if known.python else {})}
    roles = ", ".join(f"{role}={location!r}" for role, location in locations.items())
    named = {key: name for key, name in contract.arguments.items() if key in batch.get("options", {})}
    drawn = ", ".join(f"{key!r}: options[{name!r}]" for key, name in named.items())
    form = batch.get("label_form", "sparse")
    given = f"scores, labels, {form!r}" if arrays.labelled(batch) else "scores, np.zeros(len(scores), int), 'sparse'"
    further = "" if finding.upstream is None else f", upstream=np.array({finding.upstream!r})"
    if finding.property == "bad-input" and finding.part:
        further = f", ({role_of(finding.part)!r},)"  # the call for one part alone
    direction, part, name = _direction(finding)
    if direction is not None:
        further = f", ({part!r},), {name}=np.array(direction, scores.dtype)"
    lines = [
        f"contract = Contract.from_mapping({stated})",
        f"batch = Batch({given}, {{{drawn}}}, {batch.get('layout', 'C')!r})",
        f"target = TargetSpecification({roles}, contract=contract)",
        *([f"direction = {direction!r}"] if direction is not None else []),
        f"with open_host(target, directory={known.base!r}) as host:",
        f"    outcome = host.evaluate(batch{further})",
        *(
            [f'print("{_ALONG[part]}", outcome.{part})']
            if direction is not None
            else [f'print("{_LOSS[contract.output]}", outcome.loss)', 'print("gradient  ", outcome.gradient)']
        ),
        'print("raised    ", outcome.raised)',
        'print("died      ", outcome.died or "no")',
        'print("seen      ", ", ".join(outcome.observations) or "no side effect")',
    ]
    if finding.certified is not None:
        part = role_of(finding.part)
        lines += [f"returned = outcome.{part}", f"if returned is None:\n    raise SystemExit(1)  # {_WHILE}"]
        rows = _as_rows(contract, finding)
        return "\n".join([*lines, "returned = returned.astype(np.float64)", rows + _compare(finding)])
    wrong = {"answers": "outcome.died or outcome.raised", "purity": "outcome.observations"}.get(finding.property)
    if finding.property == "bad-input" and not isinstance(contract.invalid, float):
        wrong = "outcome.died or not outcome.raised"
    if wrong is not None:
        lines.append(f"raise SystemExit(1 if {wrong} else 0)  # {_WHILE}")
    return "\n".join(lines) + "\n"


def _direction(finding: Finding) -> tuple[Any, str, str]:
    """Return the direction that was passed, or None, the part that it is for, and how `evaluate` has it."""
    if finding.tangent is not None:
        return finding.tangent, "jvp", "tangent"
    return finding.vector, "hessian_vector", "vector"


def _along(contract: Contract, finding: Finding) -> str | None:
    """Return the expression of the direction that was passed, as the target has it, or None where there was none."""
    direction = _direction(finding)[0]
    if direction is None:
        return None
    source, batch = f"np.array({direction!r}, scores.dtype)", finding.batch
    return _along_axes(source, contract, batch, batch["scores"]["shape"])


def _locations(known: BuildPlan) -> dict[str, Any]:
    """Return what names the target: its registered name where it has one, since that brings its keywords."""
    from xentcheck.targets.find.registered import by_name

    if by_name(known.name) is not None:
        return {"loss": known.name}
    return {role: location for role, location in known.functions.items() if isinstance(location, str)}


def _by_hand(contract: Contract, finding: Finding) -> str:
    """Return the lines for a function that exists in a session only: its call is left to the reader."""
    order = _order(contract, "scores", "labels")
    along = _along(contract, finding)
    order += "" if along is None else f", {along}"
    lines = [
        "# The target was a function of a running session. Define or import it here, under the name target:",
        f"# what is called below returns the {role_of(finding.part).replace('_', ' ') or 'loss'}.",
        f"returned = np.asarray(target({order}, **options)).astype(np.float64)  # noqa: F821",
    ]
    if finding.certified is None or role_of(finding.part) not in ("loss", "gradient", *_ALONG):
        return "\n".join([*lines, "print(returned)"]) + "\n"
    return "\n".join(lines) + "\n" + _as_rows(contract, finding, contract.axis) + _compare(finding)
