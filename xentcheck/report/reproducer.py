"""A finding as a Python script that shows it on its own.

Where the target is a plain function of a known framework, the script calls it directly: whoever maintains it
needs nothing of ours. Elsewhere (classes, crashes, side effects) the script calls it as xentcheck does. Its exit status
is 1 while the defect is there, and 0 when it is mended.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from xentcheck.contract.declaration import OPTIONS
from xentcheck.contract.harmless import harmless
from xentcheck.report import arrays, literals
from xentcheck.report.finding import Finding
from xentcheck.report.importable import named
from xentcheck.report.reproducer_direct import direct_call, is_direct
from xentcheck.report.reproducer_hosted import call_by_hand, hosted_call
from xentcheck.report.reproducer_parts import along_axes, as_rows, comparison
from xentcheck.report.returned import role as role_of

if TYPE_CHECKING:
    from xentcheck.contract import Contract
    from xentcheck.targets.specification import TargetSpecification

_OURS = """
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.targets import TargetSpecification, open_host
"""

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
    from xentcheck.targets.specification import build_plan

    if not finding.batch:
        return ""
    role = role_of(finding.part)
    heading, folder = _heading(specification, finding), ""
    if specification.in_process:
        specification, folder = named(specification)
    if specification.in_process:
        calls = call_by_hand(contract, finding)
    else:
        known = build_plan(specification, folder or None)
        framework = framework or known.framework
        of_object = by_method and known.functions.get(role) in (None, known.functions.get("loss"))
        if not of_object and is_direct(known, contract, finding, framework, role):
            folded = as_rows(contract, finding, contract.axis)
            calls = "\n".join([direct_call(known, contract, finding, framework, role), folded + comparison(finding)])
        else:
            calls = hosted_call(known, contract, finding)
    data = _data(finding, contract, "open_host(" not in calls, bool(re.search(r"\boptions\b", calls)))
    names = [name for name in ("inf", "nan") if re.search(rf"\b{name}\b", data + calls)]
    imports = "from math import fsum\n\n" if "fsum(" in calls else ""
    imports += "import numpy as np\n" + (f"from numpy import {', '.join(names)}\n" if names else "")
    future = "from __future__ import annotations\n" if "lay_out" in data or ") -> " in calls else ""
    imports += _OURS if "open_host(" in calls else ""
    imports += _LAWS if "choose(" in calls else ""
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


def _data(finding: Finding, contract: Contract, as_given: bool, with_options: bool) -> str:
    """Return the lines that make scores, labels and options: as the target is given them, or as a Batch has them."""
    batch = finding.batch
    memory = batch.get("layout", "C")
    lines = [] if memory == "C" else [literals.layout_source().rstrip(), "", ""]
    for name in ("scores", "labels") if arrays.labelled(batch) else ("scores",):
        source = literals.array_source(batch[name])
        if as_given:
            sparse = name == "labels" and batch.get("label_form", "sparse") == "sparse"
            source = along_axes(source, contract, batch, batch[name]["shape"], sparse=sparse)
        lines.append(f"{name} = {source}" if memory == "C" else f"{name} = lay_out({source}, {memory!r})")
    pairs = ""
    for key, value in batch.get("options", {}).items():
        source = literals.option_source(value)
        if as_given and OPTIONS[key].kind == "rows":
            source = along_axes(source, contract, batch, value["shape"])
        pairs += f"\n    {contract.arguments.get(key, key)!r}: {source},"
    if with_options:
        lines.append(f"options = {{{pairs}\n}}" if pairs else "options = {}")
    return "\n".join(lines) + "\n"
