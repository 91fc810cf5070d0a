"""A finding as a Python script that shows it on its own.

Where the target is a plain function of a known framework, the script calls it directly: whoever maintains it
needs nothing of ours. Elsewhere (classes, crashes, side effects) the script calls it as xentcheck does. Its exit status
is 1 while the defect is there, and 0 when it is mended.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xentcheck.contract.declaration import OPTIONS
from xentcheck.contract.harmless import harmless
from xentcheck.report import arrays, literals
from xentcheck.report.finding import Finding
from xentcheck.report.importable import named
from xentcheck.report.reproducer_direct import differs_again, direct_call, is_direct, misshapen, narrowed, raises
from xentcheck.report.reproducer_hosted import call_by_hand, hosted_call
from xentcheck.report.reproducer_parts import along_axes, as_rows, comparison, in_order

if TYPE_CHECKING:
    from xentcheck.contract import Contract
    from xentcheck.targets.specification import BuildPlan, TargetSpecification

_OURS = """
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.targets import TargetSpecification, open_host
"""

_NOTHING = {"label_smoothing": 0.0, "z_loss": 0.0, "temperature": 1.0}

_LAWS = """\
from xentcheck.engine.order import capabilities_of
from xentcheck.properties.case import Case
from xentcheck.properties.registry import choose
"""


def script(
    specification: TargetSpecification,
    contract: Contract,
    finding: Finding,
    *,
    framework: str = "",
    by_method: bool = False,
) -> str:
    """Return the source of a script that repeats the call of a finding and says how far its answer is off.

    Parameters
    ----------
    specification : TargetSpecification
    contract : Contract
        Of the target, as it was judged.
    finding : Finding
    framework : str
        What the target was found to take, such as "numpy" and "torch"; "" where that is not known.
    by_method : bool
        Whether the loss is a method of what the target is named by.

    Raises
    ------
    SyntaxError, ValueError
        Rather than that the source could not be compiled.
    """
    if not finding.batch:
        return ""
    heading = _heading(specification, finding)
    known = _plan(specification)
    if known is None:
        calls = call_by_hand(contract, finding)
        return _whole(heading, "", _data(finding, contract, calls) + "\n" + calls)
    framework = framework or known.framework
    if finding.certified is not None and is_direct(known, contract, finding, framework, by_method):
        call = direct_call(known, contract, finding, framework)
        read = f"returned = {call.idiom.read}\n"
        folded = as_rows(contract, finding, contract.axis)
        heading = _heading(specification, finding, known.python)
        return _whole(heading, call.imports, f"{call.lines}\n{read}{folded}\n{comparison(finding)}")
    calls = hosted_call(known, contract, finding)
    ours = _OURS + (_LAWS if "choose(" in calls else "")
    return _whole(heading, ours, _data(finding, contract) + "\n" + calls)


def short_script(
    specification: TargetSpecification,
    contract: Contract,
    finding: Finding,
    remark: str,
    *,
    bare: bool = False,
    usual: bool = False,
) -> str:
    """Return what a user of the framework would write to show what is wrong of an answer, or an exception.

    Parameters
    ----------
    specification, contract, finding
        As for `script`.
    remark : str
        A comment beside the number that is printed, or the call that raises.
    bare : bool
        Whether options that do nothing are left out, as a user would: that the number is still the same has to be seen.
    usual : bool
        Whether arrays lie in memory as most do, whatever their layout in the finding; likewise.

    Returns
    -------
    str
        "" where `script` calls the target as xentcheck does, or the number is not one element of what is returned.
    """
    known = _plan(specification) if finding.batch else None
    if known is None or not is_direct(known, contract, finding, known.framework):
        return ""
    index = finding.part.partition("[")[2].rstrip("]")
    if ":" in index or as_rows(contract, finding, contract.axis):
        return ""
    finding = _bare(finding) if bare else finding
    if usual:
        finding = replace(finding, batch={**finding.batch, "layout": "C"})
    call = direct_call(known, contract, finding, known.framework, gaps=not usual)
    if raises(finding):
        return _whole("", call.imports, call.lines) + f"  # {harmless(remark)}\n"
    number = call.idiom.number.format(f"returned[{index}]" if index and not differs_again(finding) else "returned")
    printed = "returned.dtype" if narrowed(finding) else "tuple(returned.shape)" if misshapen(finding) else number
    return _whole("", call.imports, f"{call.lines}\nprint({printed})\n").rstrip() + f"  # {harmless(remark)}\n"


def _bare(finding: Finding) -> Finding:
    """Return a finding whose batch has no options that do nothing."""
    options = finding.batch.get("options", {})
    kept = {key: value for key, value in options.items() if not _idle(key, value, finding.batch["labels"])}
    return replace(finding, batch={**finding.batch, "options": kept})


def _idle(key: str, value: Any, labels: Mapping[str, Any]) -> bool:
    """Return whether an option, as a report keeps it, does nothing to a batch with these labels."""
    if isinstance(value, Mapping):  # weights
        return all(one == 1.0 for one in arrays.numbers(value))
    number = float.fromhex(value) if isinstance(value, str) else value
    if key == "ignore_index":
        return number not in arrays.numbers(labels)
    return bool(number == _NOTHING.get(key))


def _plan(specification: TargetSpecification) -> BuildPlan | None:
    """Return how the target is built, None where it exists in a running session only."""
    from xentcheck.targets.specification import build_plan

    folder = ""
    if specification.in_process:
        specification, folder = named(specification)
    return None if specification.in_process else build_plan(specification, folder or None)


def _whole(heading: str, imports: str, lines: str) -> str:
    """Return a script with the imports that it needs, as Python reads it.

    Parameters
    ----------
    heading : str
        The docstring, or "".
    imports : str
        Those of the target, and its shim.
    lines : str
    """
    text = imports + lines
    names = [name for name in ("fsum", "inf", "isfinite", "isnan", "nan") if re.search(rf"(?<![\w.]){name}\b", lines)]
    first = f"from math import {', '.join(names)}\n\n" if names else ""
    first += "import ml_dtypes\n" if "ml_dtypes." in text else ""
    first += "import numpy as np\n" if re.search(r"\bnp\.", text) and "import numpy as np\n" not in imports else ""
    gap = "\n" if "\ndef " in imports else ""
    begin = in_order(first + imports.strip("\n")) + "\n" + gap
    source = "\n".join(part for part in (heading, begin, lines) if part.strip())
    compile(source, "<reproducer>", "exec")
    return source


def _heading(specification: TargetSpecification, finding: Finding, python: str = "") -> str:
    name = specification.name or next(iter(specification.given.values()), "")
    lines = [
        f"{harmless(name if isinstance(name, str) else getattr(name, '__name__', 'a function'))}: {finding.title}.",
        "",
        f"Law {finding.number}, {finding.property}: {finding.law}",
    ]
    if finding.cause:
        lines += ["", f"Likely cause: {finding.cause}"]
    if python:
        lines += ["", f"To be run by {harmless(python)}"]
    text = "\n".join(textwrap.fill(line, 100) for line in lines)
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n\nWritten by xentcheck.\n"""\n'


def _data(finding: Finding, contract: Contract, by_hand: str = "") -> str:
    """Return the lines that make scores, labels and options as a Batch has them, or as they are given by hand."""
    batch = finding.batch
    lines = []
    for name in ("scores", "labels") if arrays.labelled(batch) else ("scores",):
        source = literals.array_source(batch[name])
        if by_hand:
            sparse = name == "labels" and batch.get("label_form", "sparse") == "sparse"
            source = along_axes(source, contract, batch, batch[name]["shape"], sparse=sparse)
        lines.append(f"{name} = {source}")
        lines.append(literals.layout_source(name, batch.get("layout", "C"), batch[name]) if by_hand else "")
    pairs = ""
    for key, value in batch.get("options", {}).items():
        source = literals.option_source(value)
        if by_hand and OPTIONS[key].kind == "rows":
            source = along_axes(source, contract, batch, value["shape"])
        pairs += f"\n    {contract.arguments.get(key, key)!r}: {source},"
    if not by_hand or re.search(r"\boptions\b", by_hand):
        lines.append(f"options = {{{pairs}\n}}" if pairs else "options = {}")
    return "\n".join(filter(None, lines)) + "\n"
