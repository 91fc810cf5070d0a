"""Every number of a 16-bit format as a common offset of a few small batches.

A shift of all logits of a row changes neither loss nor gradient, but for what the rounding of the shifted logits does;
code that forms logsumexp(z) - z_y without care loses its digits here. The rounded logits are the question that is put:
their own enclosures and allowances judge each answer, as `xentcheck check` would. A kind of campaign is the three
functions here, with parameters and results in the types of JSON; those of targets and settings are as for `exhaustive`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xentcheck.campaign.exhaustive.exact import described_row, judge_rows, number
from xentcheck.campaign.exhaustive.pairs import numbers
from xentcheck.campaign.exhaustive.subject import opened, stated
from xentcheck.campaign.offsets.sentences import sentences
from xentcheck.targets import TargetError

__all__ = ["merge", "plan", "run", "sentences"]

ROWS = 4096
"""Offsets in a unit of work."""
BASES = (
    (0.0, 1.0),
    (0.0, -9.5, 0.25),
    (3.0, -7.0, 0.5, 2.75, -0.125, -20.0, 1.0, 3.0, -1.5, 0.0),
)
"""The rows that are shifted: 2, 3 and 10 classes, each a label once."""
COUNTS = ("judged", "unbounded", "overflowed", "unanswered", "undecided", "violations")
SHOWN = 5


def plan(target: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the units of work: so many offsets, from a first one on in ascending order.

    Raises
    ------
    TargetError, ContractError
        If the target cannot be judged so; it is not imported.
    """
    planned, contract, _ = stated(target, settings)
    fewest, most = (contract.domain or {}).get("classes", (1, np.inf))
    if not all(fewest <= len(base) <= most for base in BASES):
        raise TargetError(
            f"{planned.name} states a domain of {fewest} to {most} classes; offsets are tried of 2, 3 and 10."
        )
    count = _offsets(settings)
    return [{"first": first, "rows": min(ROWS, count - first)} for first in range(0, count, ROWS)]


def run(target: Mapping[str, Any], settings: Mapping[str, Any], unit: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is found of one unit of work. The target is called in this process.

    Returns
    -------
    dict
        "counts" of rows by COUNTS ("overflowed": a shifted logit left the format, so that nothing is asked), "worst" by
        "ulps" and by "share", the first violations as "examples", "trouble": why there was no answer, the first
        offset of the call, and the label.
    """
    subject = opened(target, settings)
    counts = dict.fromkeys(COUNTS, 0)
    worst: dict[str, tuple[float, dict[str, Any]]] = {}
    examples: list[dict[str, Any]] = []
    trouble: dict[str, Any] | None = None
    ascending = subject.numbers.values[subject.numbers.finite]
    offsets = ascending[unit["first"] : unit["first"] + unit["rows"]]
    for base in BASES:
        with np.errstate(over="ignore"):
            scores = (offsets[:, None] + np.array(base)).astype(subject.numbers.format.dtype)
        fits = np.isfinite(scores.astype(np.float64)).all(axis=1)
        counts["overflowed"] += len(base) * int((~fits).sum())
        scores = scores[fits]
        for label in range(len(base)) if len(scores) else ():
            answered = subject.answered(subject.batch(scores, label))
            if isinstance(answered, str):
                counts["unanswered"] += len(scores)
                trouble = trouble or {"said": answered, "first": number(float(offsets[fits][0])), "label": label}
                continue
            got, _ = answered
            found = judge_rows(subject, scores, label, got)
            counts["judged"] += int(found.bounded.sum())
            counts["unbounded"] += int((~found.bounded).sum())
            counts["undecided"] += found.undecided
            counts["violations"] += int(found.failed.sum())
            for k in np.flatnonzero(found.failed)[: SHOWN - len(examples)]:
                examples.append(described_row(subject, scores[[k]], label, got[[k]]))
            for kind, values in (("ulps", found.ulps), ("share", found.share)):
                k = int(np.argmax(values))
                if kind not in worst or values[k] > worst[kind][0]:
                    worst[kind] = (float(values[k]), described_row(subject, scores[[k]], label, got[[k]]))
    return {
        **unit,
        "counts": counts,
        "worst": {kind: described for kind, (_, described) in worst.items()},
        "examples": examples,
        "trouble": trouble,
        "version": subject.version,
    }


def merge(settings: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is found of all offsets; the order of results does not matter, nor that some are doubled."""
    by_unit = {(result["first"], result["rows"]): result for result in results}
    units = [by_unit[key] for key in sorted(by_unit)]
    counts = {name: sum(unit["counts"][name] for unit in units) for name in COUNTS}
    tried = sum(unit["rows"] for unit in units)
    offsets = _offsets(settings)
    verdict = "conforms" if counts["judged"] else "nothing-judged"
    if tried < offsets:
        verdict = "interrupted"
    if counts["violations"] or counts["unanswered"]:
        verdict = "violates"
    return {
        "format": settings["format"],
        "part": settings["part"],
        "offsets": offsets,
        "missing": offsets - tried,
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


def _offsets(settings: Mapping[str, Any]) -> int:
    finite = numbers(settings["format"]).finite
    return int(finite.stop - finite.start)
