"""The call of a target in a script where it is not called directly: as xentcheck calls it, or left to the reader."""

from __future__ import annotations

import pprint
from typing import TYPE_CHECKING, Any

from xentcheck.properties.side_effects import ALONE
from xentcheck.report import arrays
from xentcheck.report.finding import Finding
from xentcheck.report.reproducer_parts import DIRECTIONAL, WHILE, along, as_rows, comparison, direction_of, order_of
from xentcheck.report.returned import role as role_of

if TYPE_CHECKING:
    from xentcheck.contract import Contract
    from xentcheck.targets.specification import BuildPlan

_PRINTED = {
    "loss": "loss      ",
    "log_probability": "log p     ",
    "entropy": "entropy   ",
    "hessian_vector": "H v       ",
    "jvp": "jvp       ",
}
"""What is printed before a part, by the contract's output or the part."""

_BY_ITSELF = ("answers", "purity", "precision", "bad-input")
"""Laws whose findings about no number show in the answer itself; another law is asked again by the script."""
_JUDGED = """\
    case = Case(contract, capabilities_of(host), host, batch)
    broken = [violation.title for law in choose([{law!r}]) for violation in law.judge(case)]"""


def hosted_call(known: BuildPlan, contract: Contract, finding: Finding) -> str:
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
    alone = finding.property == "determinism" and finding.title.startswith(ALONE)
    if alone or (finding.property == "bad-input" and finding.part):
        further = f", ({role_of(finding.part)!r},)"  # the call for one part alone
    direction, part, name = direction_of(finding)
    if direction is not None:
        further = f", ({part!r},), {name}=np.array(direction, scores.dtype)"
    judged = finding.certified is None and finding.property not in _BY_ITSELF
    lines = [
        f"contract = Contract.from_mapping({stated})",
        f"batch = Batch({given}, {{{drawn}}}, {batch.get('layout', 'C')!r})",
        f"target = TargetSpecification({roles}, contract=contract)",
        *([f"direction = {direction!r}"] if direction is not None else []),
        f"with open_host(target, directory={known.base!r}) as host:",
        f"    outcome = host.evaluate(batch{further})",
        *([_JUDGED.format(law=finding.property)] if judged else []),
        *(
            [f'print("{_PRINTED[part]}", outcome.{part})']
            if direction is not None
            else [f'print("{_PRINTED[contract.output]}", outcome.loss)', 'print("gradient  ", outcome.gradient)']
        ),
        'print("raised    ", outcome.raised)',
        'print("died      ", outcome.died or "no")',
        'print("seen      ", ", ".join(outcome.observations) or "no side effect")',
    ]
    if finding.certified is not None:
        part = role_of(finding.part)
        lines += [f"returned = outcome.{part}", f"if returned is None:\n    raise SystemExit(1)  # {WHILE}"]
        rows = as_rows(contract, finding)
        return "\n".join([*lines, "returned = returned.astype(np.float64)", rows + comparison(finding)])
    wrong = {"answers": "outcome.died or outcome.raised", "purity": "outcome.observations"}.get(finding.property)
    if finding.property == "bad-input" and not isinstance(contract.invalid, float):
        wrong = "outcome.died or not outcome.raised"
    if finding.property == "precision" and isinstance(finding.got, str):
        came = f"outcome.{role_of(finding.part) or 'loss'}"
        wrong = f"{came} is not None and {came}.dtype.name == {finding.got!r}"
    if judged:
        lines.append('print("law       ", "; ".join(broken) or "holds on this batch")')
        wrong = "broken"
    if wrong is not None:
        lines.append(f"raise SystemExit(1 if {wrong} else 0)  # {WHILE}")
    return "\n".join(lines) + "\n"


def _locations(known: BuildPlan) -> dict[str, Any]:
    """Return what names the target: its registered name where it has one, since that brings its keywords."""
    from xentcheck.targets.find.registered import by_name

    if by_name(known.name) is not None:
        return {"loss": known.name}
    return {role: location for role, location in known.functions.items() if isinstance(location, str)}


def call_by_hand(contract: Contract, finding: Finding) -> str:
    """Return the lines for a function that exists in a session only: its call is left to the reader."""
    order = order_of(contract, "scores", "labels")
    direction = along(contract, finding)
    order += "" if direction is None else f", {direction}"
    lines = [
        "# The target was a function of a running session. Define or import it here, under the name target:",
        f"# what is called below returns the {role_of(finding.part).replace('_', ' ') or 'loss'}.",
        f"returned = np.asarray(target({order}, **options)).astype(np.float64)  # noqa: F821",
    ]
    if finding.certified is None or role_of(finding.part) not in ("loss", "gradient", *DIRECTIONAL):
        return "\n".join([*lines, "print(returned)"]) + "\n"
    return "\n".join(lines) + "\n" + as_rows(contract, finding, contract.axis) + comparison(finding)
