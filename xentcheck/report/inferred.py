"""What was inferred of a contract that nobody declared, in words: what was taken, and what a mistake looks like."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from xentcheck.report.results import CONVENTION, FACT, OPEN, STANDINGS, SUSPICION, UNEXPLAINED, InferredKey, ReportData


def rows(report: ReportData) -> list[tuple[str, str]]:
    """Return what the head of a report says of it: a word, and a text."""
    target = report.target
    if target.not_inferred:
        return [("probed", f"nothing could be inferred, so that the defaults hold: {target.not_inferred}")]
    if target.contract_source != "inferred":
        return []
    by_standing = {name: [one for one in target.inferred if one.standing == name] for name in STANDINGS}
    found = [("probed", _summary(target.inferred, by_standing))]
    found += [("taken", f"{_said(one)}. If nobody meant it, it is a defect.") for one in by_standing[CONVENTION]]
    found += [
        (
            "suspected",
            f"{_said(one)}. A mistake looks so, and it was not taken; declare it with {_option(one)} if meant.",
        )
        for one in by_standing[SUSPICION]
    ]
    found += [
        ("left open", f"{_said(one)}. Nothing that was judged depends on it; {_option(one)} has it judged, too.")
        for one in by_standing[OPEN]
    ]
    return found + [
        ("unclear", f"{one.key}: {one.evidence.rstrip('.')}. No convention explains it.")
        for one in by_standing[UNEXPLAINED]
    ]


def _summary(inferred: Sequence[InferredKey], by_standing: Mapping[str, Sequence[InferredKey]]) -> str:
    """Return what was taken as it is, or why nothing was."""
    if not inferred:
        return "nobody declared a contract; its answers are those of the defaults."
    if by_standing[FACT]:
        facts = ", ".join(f"{one.key}={_value(one)}" for one in by_standing[FACT])
        taken = f"taken from its answers: {facts}"
    else:
        taken = "the defaults hold" + (", but for what is taken below" if by_standing[CONVENTION] else "")
    return (
        f"nobody declared a contract; {taken}. `xentcheck probe` prints it whole, to be read and declared by "
        "--contract-file."
    )


def _said(one: InferredKey) -> str:
    return f"{one.key}={_value(one)}, by {one.evidence.rstrip('.')}"


def _value(one: InferredKey) -> str:
    return one.value if isinstance(one.value, str) else json.dumps(one.value)


def _option(one: InferredKey) -> str:
    return f"--contract '{one.key}={_value(one)}'"
