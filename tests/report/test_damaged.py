"""Reports that are damaged, foreign or newer: one clear sentence, whatever is wrong with them."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from xentcheck.report.report import Report

Change = Callable[[dict[str, Any]], Any]


def set_at(path: str, value: Any) -> Change:
    """Return a change of one place, such as "findings.0.got"."""

    def change(stated: dict[str, Any]) -> None:
        *before, last = [int(word) if word.isdigit() else word for word in path.split(".")]
        place: Any = stated
        for word in before:
            place = place[word]
        place[last] = value

    return change


WRONG: dict[str, tuple[Change, str]] = {
    "another schema": (set_at("schema", "coverage/3"), "no xentcheck-report/1 report: its schema is 'coverage/3'"),
    "a later schema": (set_at("schema", "xentcheck-report/2"), "xentcheck-report/2, .*: use a newer one"),
    "several reports": (set_at("schema", "xentcheck-reports/1"), "no xentcheck-report/1 report"),
    "no target": (lambda stated: stated.pop("target"), "the report has no 'target'"),
    "no law of a finding": (lambda stated: stated["findings"][0].pop("law"), r"findings\[0\] has no 'law'"),
    "a verdict that does not exist": (set_at("verdict", "perhaps"), "its verdict is 'perhaps'"),
    "a text for a number": (set_at("seconds", "long"), "the report, seconds is 'long', but must be a number"),
    "a number for a text": (set_at("target.name", 3), "target, name is 3, but must be a text"),
    "a truth for a count": (set_at("counts.run", True), "counts, run is True, but must be an integer"),
    "a fraction for a count": (set_at("counts.run", 1.5), "counts, run is 1.5, but must be an integer"),
    "a list for an object": (set_at("grades", []), r"grades is \[\], but must be an object"),
    "an object for a list": (set_at("findings", {}), "findings is {}, but must be a list"),
    "an interval of three": (set_at("findings.0.certified", [1, 2, 3]), "certified is .* must be a list of 2"),
    "a batch without labels": (lambda stated: stated["findings"][0]["batch"].pop("labels"), "on value has no labels"),
    "too few values": (set_at("findings.0.batch.scores.values", ["0x1p0"]), "on value has no scores"),
    "a value that is none": (set_at("findings.0.batch.scores.values", ["one", "0x1p0"]), "on value has no scores"),
    "a batch of a grade": (set_at("grades.float32.loss.witness", {}), "the grade of loss in float32 has no scores"),
    "columns of two lengths": (set_at("samples.float32.loss.gap", [1.0]), "columns of samples of float32"),
    "a line of two lengths": (set_at("findings.0.line.loss", [1.0]), "columns of the line"),
}


@pytest.fixture
def stated(violating: Report) -> dict[str, Any]:
    """A whole report as JSON has it, with points and a line."""
    found: dict[str, Any] = json.loads(violating.to_json())
    found["findings"].reverse()
    number = {"gap": [], "offset": [], "classes": [], "rows": [], "ulp": [], "share": [], "grade": [], "bounds": {}}
    found["samples"] = {"float32": {"loss": number}}
    line = {"direction": "", "at": 0, "t": [], "loss": [], "certified_loss": [], "allowance": []}
    found["findings"][0]["line"] = line
    return found


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence(stated: dict[str, Any], name: str) -> None:
    """It names the place, what stands there, and what should."""
    Report.from_json(json.dumps(stated))
    change, words = WRONG[name]
    change(stated)
    with pytest.raises(ValueError, match=words) as caught:
        Report.from_json(json.dumps(stated))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def places(stated: Any, path: str = "") -> Iterator[str]:
    """Yield every place of a report."""
    items = stated.items() if isinstance(stated, dict) else enumerate(stated) if isinstance(stated, list) else ()
    for key, value in items:
        yield f"{path}{key}"
        yield from places(value, f"{path}{key}.")


@pytest.mark.parametrize("value", [None, "x", -1, math.pi, [], {}, ["\x1b[31m"], "\ud800"])
def test_whatever_stands_anywhere_is_read_or_refused(stated: dict[str, Any], value: Any) -> None:
    """In reading there is never another exception than ValueError; what is read can be shown."""
    sentences = []
    del stated["properties"][1:]
    for path in places(stated):
        if path.count(".") <= 4:
            broken = copy.deepcopy(stated)
            set_at(path, value)(broken)
            try:
                repr(Report.from_mapping(broken))
            except ValueError as error:
                sentences.append(str(error))
    assert sentences
    assert all(sentence.isprintable() for sentence in sentences)
