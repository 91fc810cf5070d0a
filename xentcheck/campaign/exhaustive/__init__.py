"""Exhaustive campaigns: every pair of logits of a 16-bit format, with both labels, judged against certified bounds.

Read `pairs` (the numbering), `bound` (what is proved of all pairs at once), `judge` (one row of the plane), `exact`
(what is left to `truth`), `tally` (what is found). The target is called in the process that calls `run`, with 65,536
rows at a time, and has to return one loss a row. A kind of campaign is the three functions here; their parameters and
results are in the types of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xentcheck.campaign.exhaustive.judge import Row
from xentcheck.campaign.exhaustive.merge import firsts, merged
from xentcheck.campaign.exhaustive.sentences import sentences
from xentcheck.campaign.exhaustive.subject import opened, stated
from xentcheck.campaign.exhaustive.tally import SIDE, Tally

__all__ = ["merge", "plan", "run", "sentences"]


def plan(target: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the units of work: so many rows of the plane, from a first position of z0 on.

    Parameters
    ----------
    target : mapping
        "loss", "gradient", "value_and_gradient": names or locations, as far as there are; "changes": keys laid over
        the contract; "directory": what paths are relative to.
    settings : mapping
        "format": "float16" or "bfloat16"; "part": "loss" or "gradient"; "every": of so many units one is planned, for a
        first try; by default each.

    Raises
    ------
    TargetError, ContractError
        If the target cannot be judged so; it is not imported.
    """
    stated(target, settings)
    return [{"first": first, "rows": SIDE} for first in firsts(settings)]


def run(target: Mapping[str, Any], settings: Mapping[str, Any], unit: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is found of one unit of work; see `Tally.result`. The target is called in this process."""
    subject = opened(target, settings)
    tally = Tally(subject)
    for i in range(unit["first"], unit["first"] + unit["rows"]):
        Row(subject, i, tally).judge()
    return {**unit, **tally.result(), "version": subject.version}


def merge(settings: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is found of the units planned; the order of results does not matter, nor that some are doubled."""
    return merged(settings, results)
