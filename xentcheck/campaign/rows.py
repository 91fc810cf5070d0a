"""Rows of logits of a 16-bit format, judged one by one by their own enclosures: what is found, and put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.campaign.exhaustive.exact import described_row, judge_rows, number
from xentcheck.campaign.exhaustive.sentences import VERDICTS, at, share
from xentcheck.campaign.exhaustive.subject import Subject
from xentcheck.contract.harmless import harmless

COUNTS = ("judged", "unbounded", "overflowed", "unanswered", "undecided", "violations")
SHOWN = 5
_REST = (
    ("unbounded", "without a bound (docs/bounds.md, section 10)"),
    ("overflowed", "shifted beyond the format"),
    ("unanswered", "without an answer"),
    ("undecided", "judged, but left undecided"),
)


class Found:
    """What a unit of work has found of a target, which is called in this process."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.counts = dict.fromkeys(COUNTS, 0)
        self._worst: dict[str, tuple[float, dict[str, Any]]] = {}
        self._examples: list[dict[str, Any]] = []
        self._trouble: dict[str, Any] | None = None

    def judge(self, scores: NDArray[Any], label: int, first: float) -> None:
        """Ask for rows, shape (n, m), all with one label; `first` tells where they begin, if there is no answer."""
        subject, counts = self.subject, self.counts
        answered = subject.answered(subject.batch(scores, label))
        if isinstance(answered, str):
            counts["unanswered"] += len(scores)
            self._trouble = self._trouble or {"said": answered, "first": number(first), "label": label}
            return
        got, _ = answered
        found = judge_rows(subject, scores, label, got)
        counts["judged"] += int(found.bounded.sum())
        counts["unbounded"] += int((~found.bounded).sum())
        counts["undecided"] += found.undecided
        counts["violations"] += int(found.failed.sum())
        for k in np.flatnonzero(found.failed)[: SHOWN - len(self._examples)]:
            self._examples.append(described_row(subject, scores[[k]], label, got[[k]]))
        for kind, values in (("ulps", found.ulps), ("share", found.share)):
            k = int(np.argmax(values))
            if values[k] > (self._worst[kind][0] if kind in self._worst else 0.0):  # what has no bound has no error
                self._worst[kind] = (float(values[k]), described_row(subject, scores[[k]], label, got[[k]]))

    def stated(self) -> dict[str, Any]:
        """Return it in JSON types.

        Returns
        -------
        dict
            "counts" of rows by COUNTS ("overflowed": a logit left the format, so that nothing is asked), "worst" by
            "ulps" and by "share", the first violations as "examples", "trouble": why there was no answer, where the
            call began, and the label; "version" of the target.
        """
        return {
            "counts": self.counts,
            "worst": {kind: described for kind, (_, described) in self._worst.items()},
            "examples": self._examples,
            "trouble": self._trouble,
            "version": self.subject.version,
        }


def merged(
    settings: Mapping[str, Any], results: Sequence[Mapping[str, Any]], what: str, planned: int
) -> dict[str, Any]:
    """Return what is found in all units of work; their order does not matter, nor that some are doubled.

    Parameters
    ----------
    settings : mapping
    results : sequence of mapping
        Of each unit "first" and "rows", by which it is known, and what `Found.stated` says.
    what : str
        The name of that of which a unit has so many "rows": a key of the result.
    planned : int
        How many there are.
    """
    by_unit = {(result["first"], result["rows"]): result for result in results}
    units = [by_unit[key] for key in sorted(by_unit)]
    counts = {name: sum(unit["counts"][name] for unit in units) for name in COUNTS}
    tried = sum(unit["rows"] for unit in units)
    verdict = "conforms" if counts["judged"] else "nothing-judged"
    if tried < planned:
        verdict = "interrupted"
    if counts["violations"] or counts["unanswered"]:
        verdict = "violates"
    return {
        **settings,
        what: planned,
        "missing": planned - tried,
        "counts": counts,
        "worst": {
            kind: max(found, key=lambda one: float(one[kind]))
            for kind in ("ulps", "share")
            if (found := [unit["worst"][kind] for unit in units if kind in unit["worst"]])
        },
        "examples": [example for unit in units for example in unit["examples"]][:SHOWN],
        "trouble": next((unit["trouble"] for unit in units if unit["trouble"] is not None), None),
        "versions": sorted({unit["version"] for unit in units}),
        "verdict": verdict,
    }


def sentences(result: Mapping[str, Any], begun: str) -> Iterator[str]:
    """Yield the lines of the report of what `merged` returned; `begun` names what a call without an answer began at."""
    counts, part = result["counts"], result["part"]
    rest = [f"{counts[key]:,} {said}" for key, said in _REST if counts[key]]
    yield ", ".join([f"{counts['judged']:,} rows judged", *rest])
    worst, trouble = result["worst"], result["trouble"]
    if "ulps" in worst:
        yield f"largest error: {float(worst['ulps']['ulps']):.6g} ulp of the exact {part}, {at(worst['ulps'])}"
    if "share" in worst:
        yield f"largest share of an allowance: {share(worst['share']['share'])}, {at(worst['share'])}"
    if trouble is not None:
        yield f"no answer from {begun} {trouble['first']} on, label {trouble['label']}: {harmless(trouble['said'])}"
    yield f"{counts['violations']:,} {'violation' if counts['violations'] == 1 else 'violations'}"
    for example in result["examples"]:
        yield f"- {share(example['share'])} allowances, {at(example)}"
    yield VERDICTS[result["verdict"]].format(part=part)
