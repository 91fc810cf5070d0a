"""What the calls in reproducers have in common: the arrays as a target has them, and the comparison of what came."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xentcheck.batches.extra_axes import number_of, split
from xentcheck.report.finding import Finding
from xentcheck.report.returned import role as role_of

if TYPE_CHECKING:
    from xentcheck.contract import Contract

DIRECTIONAL = ("hessian_vector", "jvp")
"""The parts that are asked for along a direction."""
WHILE = "1 while the defect is there"


def along_axes(
    source: str, contract: Contract, batch: Mapping[str, Any], shape: Sequence[int], *, sparse: bool = False
) -> str:
    """Return the expression of an array of a batch with rows and classes where the target has them."""
    sizes, axis = axes_of(contract, batch, shape, sparse=sparse)
    if len(shape) == 2 and (len(sizes) > 1 or axis == 0):
        return f"np.ascontiguousarray(np.moveaxis({source}.reshape({(*sizes, shape[1])}), -1, {axis}))"
    return f"{source}.reshape({sizes})" if len(sizes) > 1 else source


def axes_of(
    contract: Contract, batch: Mapping[str, Any], shape: Sequence[int], *, sparse: bool = False
) -> tuple[tuple[int, ...], int]:
    """Return over which sizes the rows of an array are spread, and the axis of its classes."""
    n, m = batch["scores"]["shape"]
    sizes = split(shape[0], m, number_of(contract.extra_axes, n, m)) if shape else ()
    return sizes, -1 if sparse and contract.axis == 0 else contract.axis


def as_rows(contract: Contract, finding: Finding, axis: int = -1) -> str:
    """Return the line that makes rows of what was returned, where the element at fault is one of a row."""
    n, m = finding.batch["scores"]["shape"]
    if "[" not in finding.part or (number_of(contract.extra_axes, n, m) == 0 and axis != 0):
        return ""
    if role_of(finding.part) in ("loss", "jvp"):
        return "returned = returned.reshape(-1)\n"
    return f"returned = np.moveaxis(np.asarray(returned), {axis}, -1).reshape({n}, {m})\n"


def order_of(contract: Contract, scores: str, labels: str) -> str:
    """Return the arguments of a call before its options."""
    if contract.is_entropy:
        return scores
    return f"{labels}, {scores}" if contract.argument_order == "labels_first" else f"{scores}, {labels}"


def direction_of(finding: Finding) -> tuple[Any, str, str]:
    """Return the direction that was passed, or None, the part that it is for, and how `evaluate` has it."""
    if finding.tangent is not None:
        return finding.tangent, "jvp", "tangent"
    return finding.vector, "hessian_vector", "vector"


def along(contract: Contract, finding: Finding) -> str | None:
    """Return the expression of the direction that was passed, as the target has it, or None where there was none."""
    direction = direction_of(finding)[0]
    if direction is None:
        return None
    source, batch = f"np.array({direction!r}, scores.dtype)", finding.batch
    return along_axes(source, contract, batch, batch["scores"]["shape"])


def comparison(finding: Finding) -> str:
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
            "error = 0.0 if low <= got <= high else max(low - got, got - high) if isfinite(got) else inf",
            "times = error / allowance if allowance else inf if error else 0.0",
            'print(f"error      {error:.3g}, which is {times:.5g} times the allowance {allowance:.3g}")',
            "wrong = error > allowance",
        ]
    else:
        lines.append("wrong = not (low <= got <= high or (isnan(low) and isnan(got)))")
    lines.append(f"raise SystemExit(1 if wrong else 0)  # {WHILE}")
    return "\n".join(lines) + "\n"


def in_order(source: str) -> str:
    """Return source whose first imports stand in the usual order: those of Python's own library before the others."""
    lines = source.split("\n")
    first = next((place for place, line in enumerate(lines) if not _imports(line)), len(lines))
    own, other = set[str](), set[str]()
    for line in filter(None, lines[:first]):
        (own if line.split()[1].partition(".")[0] in sys.stdlib_module_names else other).add(line)
    groups = ["\n".join(sorted(some, key=_place)) for some in (own, other) if some]
    rest = "\n".join(lines[first:])
    whole = "\n\n".join(filter(None, groups))
    return whole + ("\n\n\n" if rest.startswith(("def ", "@")) else "\n\n" if rest and whole else "") + rest


def _imports(line: str) -> bool:
    return not line or (line.startswith(("import ", "from ")) and not line.endswith("("))


def _place(line: str) -> tuple[bool, str]:
    """Return where an import stands among others: whole modules first."""
    return line.startswith("from "), line.split()[1].casefold()
