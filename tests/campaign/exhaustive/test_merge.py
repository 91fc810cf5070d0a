"""Results are put together in any order, doubled or not; what is missing is said."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from xentcheck.campaign.exhaustive import merge, plan
from xentcheck.campaign.exhaustive.pairs import PAIRS, PATTERNS
from xentcheck.campaign.exhaustive.sentences import sentences
from xentcheck.campaign.exhaustive.tally import CELLS, COUNTS, SIDE

SETTINGS = {"format": "float16", "part": "loss"}


def pair(first: int, ulps: float, share: float | str) -> dict[str, Any]:
    return {
        "positions": [first, 7],
        "bits": ["0x0001", "0x0002"],
        "logits": [1.5, "-inf"],
        "label": 1,
        "element": None,
        "got": 0.25,
        "certified": [0.5, 0.5],
        "allowance": 0.1,
        "ulps": ulps,
        "share": share,
        "failed": False,
    }


def unit(k: int) -> dict[str, Any]:
    """Return a result: as unit 3 is worst by ulp and unit 5, with unit 6 the same, by its share."""
    counts = {name: [0, 0] for name in COUNTS}
    counts["judged"] = [k, 2 * k]
    return {
        "first": k * SIDE,
        "rows": SIDE,
        "counts": counts,
        "worst": {
            "ulps": pair(k * SIDE, 0.5 + (k == 3), 0.1),
            "share": pair(k * SIDE, 0.1, 0.9 if k in (5, 6) else 0.2),
        },
        "examples": [],
        "trouble": None,
        "shares": [k / CELLS] * CELLS,
        "version": "1.0",
    }


def units() -> list[dict[str, Any]]:
    return [unit(k) for k in range(CELLS)]


def test_order_and_doubled_results_do_not_matter() -> None:
    """The same, to the byte of its JSON."""
    whole = merge(SETTINGS, units())
    assert whole["verdict"] == "conforms"
    assert whole["missing"] == 0
    assert whole["counts"]["judged"] == [sum(range(CELLS)), 2 * sum(range(CELLS))]
    assert whole["worst"]["ulps"]["positions"][0] == 3 * SIDE
    assert whole["worst"]["share"]["positions"][0] == 5 * SIDE
    assert [row[0] for row in whole["map"]] == [k / CELLS for k in range(CELLS)]
    shuffled = [*units()[200:], *units()[:200][::-1], *units()[50:90]]
    assert json.dumps(merge(SETTINGS, shuffled)) == json.dumps(whole)


def test_missing_units_are_said() -> None:
    """A unit without a result leaves the verdict open, and its row of the map."""
    found = merge(SETTINGS, units()[1:])
    assert found["verdict"] == "interrupted"
    assert found["missing"] == SIDE * PATTERNS
    assert found["map"][0] is None
    told = list(sentences(found))
    assert told[0] == f"{PAIRS - SIDE * PATTERNS:,} of the {PAIRS:,} pairs of float16 logits, loss"
    assert "8,388,608 pairs have not been tried" in told
    assert told[-1] == "NOT COMPLETE: nothing wrong in what was tried."


@pytest.mark.parametrize("count", ["violations", "unanswered"])
def test_what_is_wrong_is_the_verdict(count: str) -> None:
    """One violation, or one pair without an answer, in any unit; before anything is complete."""
    given = units()[:4]
    given[2]["counts"][count] = [0, 1]
    assert merge(SETTINGS, given)["verdict"] == "violates"


def test_nothing_judged() -> None:
    """All pairs tried, and nothing promised of any."""
    given = units()
    for one in given:
        one["counts"]["judged"] = [0, 0]
        one["worst"] = {}
    found = merge(SETTINGS, given)
    assert found["verdict"] == "nothing-judged"
    assert list(sentences(found))[-1] == "NOTHING JUDGED"


def test_sentences() -> None:
    """Counts by label, the worst pairs with bits and numbers, the first violations in the order of pairs."""
    given = units()
    wrong = copy.deepcopy(pair(4 * SIDE, 9.0, "inf"))
    given[4]["counts"]["violations"] = [1, 0]
    given[4]["examples"] = [wrong]
    given[4]["counts"]["undeclared"] = [1234, 0]
    told = list(sentences(merge(SETTINGS, reversed(given))))
    where = "at z = (1.5, -inf) [0x0001, 0x0002], label 1: got 0.25, certified [0.5, 0.5], allowance 0.1"
    assert told == [
        "all 4,294,967,296 pairs of float16 logits, loss",
        "label 0: 130,816 judged, 1,234 not judged (nan, infinities: not declared)",
        "label 1: 261,632 judged",
        f"largest error: 1.5 ulp of the exact loss, {where}",
        f"largest share of an allowance: 0.9, {where}",
        "1 violation",
        f"- inf allowances, {where}",
        "VIOLATES",
    ]


def test_a_reason_without_an_answer_is_harmless() -> None:
    """What a target says of itself is shown escaped."""
    given = units()
    given[0]["counts"]["unanswered"] = [5, 0]
    given[0]["trouble"] = {"said": "\x1b[2Jgone", "first": 1.0, "label": 0}
    told = list(sentences(merge(SETTINGS, given)))
    assert "no answer for z0 = 1.0, label 0: \\x1b[2Jgone" in told


def test_an_infinite_error_is_told() -> None:
    """JSON has it as a text."""
    given = units()
    given[4]["worst"]["ulps"] = pair(4 * SIDE, "inf", "inf")
    assert any(line.startswith("largest error: inf ulp of") for line in sentences(merge(SETTINGS, given)))


@pytest.mark.parametrize(("every", "count", "first"), [(1, 512, 0), (3, 171, 1), (64, 8, 0), (512, 1, 256)])
def test_a_sample_is_planned_and_whole(every: int, count: int, first: int) -> None:
    """One unit of every so many, that which begins with the positive zero among them; it is said to be a sample."""
    settings = {**SETTINGS, "every": every}
    begun = [planned["first"] // SIDE for planned in plan({"loss": "reference"}, settings)]
    assert (len(begun), begun[0]) == (count, first)
    assert 256 in begun
    found = merge(settings, [unit(k) for k in begun])
    assert (found["verdict"], found["missing"], found["pairs"]) == ("conforms", 0, count * SIDE * PATTERNS)
    assert [row is not None for row in found["map"]] == [k in begun for k in range(CELLS)]
    told = next(sentences(found))
    whole = f"{count * SIDE * PATTERNS:,} pairs of float16 logits, loss"
    assert told == (f"all {whole}" if every == 1 else f"the {whole}, a sample: one in {every} of the ranges of z0")
    assert every == 512 or merge(settings, [unit(begun[0])])["verdict"] == "interrupted"
