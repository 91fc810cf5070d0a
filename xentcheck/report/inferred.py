"""What was inferred of a contract that nobody declared, in words: what was taken, and what a mistake looks like."""

from __future__ import annotations

import json

from xentcheck.report.results import CONVENTION, FACT, OPEN, SUSPICION, UNEXPLAINED, InferredKey, ReportData


def rows(report: ReportData) -> list[tuple[str, str]]:
    """Return what the head of a report says of it: a word, and a text."""
    target = report.target
    if target.not_inferred:
        return [("probed", f"nothing could be inferred, so that the defaults hold: {target.not_inferred}")]
    if target.contract_source != "inferred":
        return []
    by_standing = {
        name: [one for one in target.inferred if one.standing == name]
        for name in (FACT, CONVENTION, SUSPICION, OPEN, UNEXPLAINED)
    }
    facts = ", ".join(f"{one.key}={_value(one)}" for one in by_standing[FACT])
    taken = f"nobody declared a contract; taken from its answers: {facts}" if facts else "nobody declared a contract"
    if not facts:
        taken += (
            "; its answers are those of the defaults"
            if not target.inferred
            else "; the defaults hold" + (", but for what is taken below" if by_standing[CONVENTION] else "")
        )
    advice = (
        ". `xentcheck probe` prints it whole, to be read and declared by --contract-file" if target.inferred else ""
    )
    found = [("probed", f"{taken}{advice}.")]
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


def _said(one: InferredKey) -> str:
    return f"{one.key}={_value(one)}, by {one.evidence.rstrip('.')}"


def _value(one: InferredKey) -> str:
    return one.value if isinstance(one.value, str) else json.dumps(one.value)


def _option(one: InferredKey) -> str:
    return f"--contract '{one.key}={_value(one)}'"
