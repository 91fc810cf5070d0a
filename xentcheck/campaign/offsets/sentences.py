"""A campaign of offsets in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xentcheck.campaign.exhaustive.sentences import VERDICTS, at, share
from xentcheck.contract.harmless import harmless

_REST = (
    ("unbounded", "without a bound (docs/bounds.md, section 10)"),
    ("overflowed", "shifted beyond the format"),
    ("unanswered", "without an answer"),
    ("undecided", "judged, but left undecided"),
)


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the report of what `merge` returned."""
    counts, part, missing = result["counts"], result["part"], result["missing"]
    which = "all" if not missing else f"{result['offsets'] - missing:,} of the"
    yield f"{which} {result['offsets']:,} finite {result['format']} numbers as a common offset of the logits, {part}"
    rest = [f"{counts[key]:,} {said}" for key, said in _REST if counts[key]]
    yield ", ".join([f"{counts['judged']:,} rows judged", *rest])
    worst, trouble = result["worst"], result["trouble"]
    if "ulps" in worst:
        yield f"largest error: {float(worst['ulps']['ulps']):.6g} ulp of the exact {part}, {at(worst['ulps'])}"
    if "share" in worst:
        yield f"largest share of an allowance: {share(worst['share']['share'])}, {at(worst['share'])}"
    if trouble is not None:
        yield f"no answer from offset {trouble['first']} on, label {trouble['label']}: {harmless(trouble['said'])}"
    yield f"{counts['violations']:,} {'violation' if counts['violations'] == 1 else 'violations'}"
    for example in result["examples"]:
        yield f"- {share(example['share'])} allowances, {at(example)}"
    yield VERDICTS[result["verdict"]].format(part=part)
