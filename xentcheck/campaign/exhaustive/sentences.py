"""An exhaustive campaign in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xentcheck.contract.harmless import harmless

_REST = (
    ("unbounded", "without a bound (docs/bounds.md, section 10)"),
    ("undeclared", "not judged (nan, infinities: not declared)"),
    ("unanswered", "without an answer"),
    ("undecided", "judged, but left undecided"),
)
VERDICTS = {
    "conforms": "CONFORMS: every {part} judged is within its allowance of the certified one.",
    "violates": "VIOLATES",
    "interrupted": "NOT COMPLETE: nothing wrong in what was tried.",
    "nothing-judged": "NOTHING JUDGED",
}


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the report of what `merge` returned."""
    counts, part = result["counts"], result["part"]
    missing = result["missing"]
    every = result["every"]
    whole = "all" if every == 1 else "the"
    which = whole if not missing else f"{result['pairs'] - missing:,} of the"
    sample = "" if every == 1 else f", a sample: one in {every} of the ranges of z0"
    yield f"{which} {result['pairs']:,} pairs of {result['format']} logits, {part}{sample}"
    for label in (0, 1):
        numbers = {key: counts[key][label] for key in counts}
        rest = [f"{numbers[key]:,} {said}" for key, said in _REST if numbers[key]]
        yield ", ".join([f"label {label}: {numbers['judged']:,} judged", *rest])
    if missing:
        yield f"{missing:,} pairs have not been tried"
    worst = result["worst"]
    if "ulps" in worst:
        yield f"largest error: {float(worst['ulps']['ulps']):.6g} ulp of the exact {part}, {at(worst['ulps'])}"
    if "share" in worst:
        yield f"largest share of an allowance: {share(worst['share']['share'])}, {at(worst['share'])}"
    if result["trouble"] is not None:
        trouble = result["trouble"]
        yield f"no answer for z0 = {trouble['first']}, label {trouble['label']}: {harmless(trouble['said'])}"
    violations = sum(counts["violations"])
    yield f"{violations:,} violations" if violations != 1 else "1 violation"
    for example in result["examples"]:
        yield f"- {share(example['share'])} allowances, {at(example)}"
    yield VERDICTS[result["verdict"]].format(part=part)


def at(found: Mapping[str, Any]) -> str:
    """Return where something was found, and what."""
    element = "" if found["element"] is None else f" element {found['element']}"
    z = ", ".join(str(value) for value in found["logits"])
    low, high = found["certified"]
    return (
        f"at z = ({z}) [{', '.join(found['bits'])}], label {found['label']}{element}: got {found['got']}, "
        f"certified [{low}, {high}], allowance {share(found['allowance'])}"
    )


def share(value: float | str) -> str:
    """Return a figure as it is shown."""
    return f"{float(value):.4g}"
