"""Every number of a 16-bit format as a common offset of a few small batches.

A shift of all logits of a row changes neither loss nor gradient, but for what the rounding of the shifted logits does;
code that forms logsumexp(z) - z_y without care loses its digits here. The rounded logits are the question that is put:
their own enclosures and allowances judge each answer, as `xentcheck check` would. A kind of campaign is the functions
here, with parameters and results in the types of JSON; those of targets and settings are as for `exhaustive`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from xentcheck.campaign import rows
from xentcheck.campaign.exhaustive.pairs import numbers
from xentcheck.campaign.exhaustive.subject import opened, stated
from xentcheck.targets import TargetError

ROWS = 4096
"""Offsets in a unit of work."""
BASES = (
    (0.0, 1.0),
    (0.0, -9.5, 0.25),
    (3.0, -7.0, 0.5, 2.75, -0.125, -20.0, 1.0, 3.0, -1.5, 0.0),
)
"""The rows that are shifted: 2, 3 and 10 classes, each a label once."""


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
    """Return what is found of one unit of work (see `rows.Found.stated`). The target is called in this process."""
    subject = opened(target, settings)
    found = rows.Found(subject)
    ascending = subject.numbers.values[subject.numbers.finite]
    offsets = ascending[unit["first"] : unit["first"] + unit["rows"]]
    for base in BASES:
        with np.errstate(over="ignore"):
            scores = (offsets[:, None] + np.array(base)).astype(subject.numbers.format.dtype)
        fits = np.isfinite(scores.astype(np.float64)).all(axis=1)
        found.counts["overflowed"] += len(base) * int((~fits).sum())
        for label in range(len(base)) if fits.any() else ():
            found.judge(scores[fits], label, float(offsets[fits][0]))
    return {**unit, **found.stated()}


def merge(settings: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is found of all offsets; the order of results does not matter, nor that some are doubled."""
    return rows.merged(settings, results, "offsets", _offsets(settings))


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the report of what `merge` returned."""
    which = "all" if not result["missing"] else f"{result['offsets'] - result['missing']:,} of the"
    said = f"finite {result['format']} numbers as a common offset of the logits, {result['part']}"
    yield f"{which} {result['offsets']:,} {said}"
    yield from rows.sentences(result, "offset")


def _offsets(settings: Mapping[str, Any]) -> int:
    finite = numbers(settings["format"]).finite
    return int(finite.stop - finite.start)
