"""Three classes of which two have the same logit: pairs of the numbers of a 16-bit format on the diagonal planes.

The loss is a function of one difference, as that of two classes, but its sum has three terms, two of which are equal:
ties that code breaks, or counts once, and a maximum that stands in several places. Each row is judged by its own
enclosure, as `xentcheck check` would.

A kind of campaign is the functions here, with parameters and results in the types of JSON; those of targets are as for
`exhaustive`, and settings have a "step" beside: of all numbers in ascending order every so many-th is taken, the zeros
and the largest besides. With a step of 1 it is all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.campaign import rows
from xentcheck.campaign.exhaustive.pairs import Numbers, numbers
from xentcheck.campaign.exhaustive.subject import opened, stated
from xentcheck.targets import TargetError

ROWS = 1 << 16
"""About so many pairs in a unit of work, and in a call."""
PLANES = ((0, 1, 1), (0, 0, 1), (0, 1, 0))
"""Which of a pair (a, b) each class has: (a, b, b), (a, a, b) and (a, b, a)."""


def plan(target: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the units of work: so many pairs, from a first one on; all with the same a, or with neighbouring ones.

    Raises
    ------
    TargetError, ContractError
        If the target cannot be judged so; it is not imported.
    """
    planned, contract, _ = stated(target, settings)
    fewest, most = (contract.domain or {}).get("classes", (1, np.inf))
    if not fewest <= 3 <= most:
        raise TargetError(f"{planned.name} states a domain of {fewest} to {most} classes; planes are of 3.")
    pairs, of_one = _pairs(settings), len(chosen(numbers(settings["format"]), settings["step"]))
    each = of_one * max(1, ROWS // of_one)
    return [{"first": first, "rows": min(each, pairs - first)} for first in range(0, pairs, each)]


def run(target: Mapping[str, Any], settings: Mapping[str, Any], unit: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is found of one unit of work (see `rows.Found.stated`). The target is called in this process."""
    subject = opened(target, settings)
    found = rows.Found(subject)
    values = chosen(subject.numbers, settings["step"]).astype(subject.numbers.format.dtype)
    which = np.arange(unit["first"], unit["first"] + unit["rows"])
    pairs = np.stack([values[which // len(values)], values[which % len(values)]], axis=1)
    for plane in PLANES:
        scores = np.ascontiguousarray(pairs[:, plane])
        for label in range(3):
            found.judge(scores, label, float(scores[0, 0]))
    return {**unit, **found.stated()}


def merge(settings: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is found of all pairs; the order of results does not matter, nor that some are doubled."""
    return rows.merged(settings, results, "pairs", _pairs(settings))


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the report of what `merge` returned."""
    which = "all" if not result["missing"] else f"{result['pairs'] - result['missing']:,} of the"
    step = result["step"]
    of = f"{result['format']} numbers" if step == 1 else f"{len(chosen(numbers(result['format']), step)):,} numbers"
    numbered = "" if step == 1 else f", one in {step} of {result['format']}"
    yield f"{which} {result['pairs']:,} pairs (a, b) of {of}{numbered}, as (a, b, b), (a, a, b) and (a, b, a)"
    yield f"each with three labels, {result['part']}"
    yield from rows.sentences(result, "a =")


def chosen(of: Numbers, step: int) -> NDArray[np.float64]:
    """Return every `step`-th finite number in ascending order from the least on, the zeros and the largest besides."""
    ascending: NDArray[np.float64] = of.values[of.finite]
    zeros = np.flatnonzero(ascending == 0.0)
    return np.asarray(ascending[np.unique([*range(0, len(ascending), step), *zeros, len(ascending) - 1])])


def _pairs(settings: Mapping[str, Any]) -> int:
    return len(chosen(numbers(settings["format"]), settings["step"])) ** 2
