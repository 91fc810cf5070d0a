"""One mistake is one finding, with the laws that it breaks beneath it; two mistakes stay two."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.batches.batch import Batch
from xentcheck.engine import conclusion
from xentcheck.engine.beside import Beside
from xentcheck.engine.roots import Found, gathered, shown_mechanism, whose_gradient_is_right
from xentcheck.engine.search import CellSearch
from xentcheck.engine.violation_kind import Kind
from xentcheck.report.finding import Finding
from xentcheck.report.report import Report

SMALL: dict[str, Any] = {
    "contract": {"domain": {"rows": [1, 4], "classes": [2, 6]}},
    "properties": ["value", "shift", "uniform"],
    "dtypes": ["float64"],
}


def found(law: str, number: int = 1, mechanism: str = "", promise: str = "", event: str = "a wrong number") -> Found:
    """Return a finding of which some things are known."""
    finding = Finding(law, number, law, "float64", "sparse", law, mechanism=mechanism, cause=mechanism)
    return Found(finding, mechanism, promise, (event, "loss", "1"))


def names(*of: Found) -> list[list[str]]:
    """Return the laws of each finding, its own first."""
    return [[one.property, *(other.property for other in one.also)] for one in gathered(of)]


def test_nothing_found_is_no_finding() -> None:
    assert gathered([]) == ()


def test_one_mechanism_is_one_finding_and_the_most_basic_law_leads() -> None:
    found_so = (found("shift", 3, "a"), found("value", 1, "a"), found("gibbs", 14, "b"))
    assert names(*found_so) == [["value", "shift"], ["gibbs"]]


def test_what_is_suspected_in_one_cell_and_shown_in_another_is_one_finding() -> None:
    """Infinities alone show no mechanism; where finite numbers do elsewhere, they are not another mistake."""
    shown, other = found("value", 1, "a"), found("value", 1)
    assert names(shown, replace(other, suspected="a")) == [["value", "value"]]
    assert names(shown, replace(other, suspected="b")) == [["value"], ["value"]]
    elsewhere = found("finite", 12, event="nan for a finite number")
    assert names(shown, replace(elsewhere, suspected="a")) == [["value"], ["finite"]]
    own = replace(found("shift", 3, "b"), suspected="a")
    assert names(shown, own) == [["value"], ["shift"]]


def test_a_known_cause_leads() -> None:
    assert names(found("value", 1, promise="p"), found("shift", 3, "a", "p")) == [["shift", "value"]]


def test_what_one_promise_would_mend_is_one_unless_two_mechanisms_are_shown() -> None:
    assert names(found("value", 1, promise="p"), found("shift", 3, promise="p")) == [["value", "shift"]]
    assert names(found("value", 1, promise="p"), found("shift", 3, promise="q")) == [["value"], ["shift"]]
    mixed = (found("value", 1, "a", "p"), found("shift", 3, "b", "p"), found("gibbs", 14, promise="p"))
    assert names(*mixed) == [["value"], ["shift"], ["gibbs"]]


def test_what_nothing_tells_apart_is_one_finding_and_another_event_another() -> None:
    assert names(found("value"), found("shift", 3), found("finite", 12, event="nan for a finite number")) == [
        ["value", "shift"],
        ["finite"],
    ]


def told(mechanism: str, *explains: object, told: bool = True, observation: object = "numbers") -> Any:
    """Return what is known of a finding of a cell: its mechanism, whether that is shown, and what it explains."""
    return SimpleNamespace(mechanism=mechanism, told=told, observation=observation, covers=explains.__contains__)


def test_a_finding_has_its_own_mechanism_or_one_that_is_shown_and_explains_its_numbers() -> None:
    """What is only suspected explains nothing, and an exception has no numbers to be explained."""
    seen = told("a", told=False, observation="seen")
    assert shown_mechanism(told("a"), [told("b", "numbers")]) == "a"
    assert shown_mechanism(seen, [told("c", "other"), told("b", "seen")]) == "b"
    assert shown_mechanism(seen, [seen, told("b", "seen", told=False), told("c", "other")]) == ""
    assert shown_mechanism(seen, [told("b", "seen", observation=None)]) == ""
    assert shown_mechanism(told("a", observation=None), [told("b", None)]) == ""


def _logsumexp(z: Any) -> Any:
    top = z.max(axis=1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(axis=1, keepdims=True))


def _class_c(z: Any, y: Any) -> Any:
    """A mean of logsumexp(z) - z_y, a difference of two large numbers."""
    rows = np.arange(len(z))
    return (_logsumexp(z)[:, 0] - z[rows, y]).mean()


@pytest.fixture(scope="module")
def class_c() -> Report:
    """The verdict on it."""
    return check(_class_c, **SMALL)


@pytest.mark.slow
def test_a_loss_of_class_c_is_one_finding_that_names_the_honest_promise(class_c: Report) -> None:
    assert len(class_c.findings) == class_c.counts.findings == 1
    one = class_c.findings[0]
    assert any(line.startswith("would conform here with accuracy=C") for line in one.detail)
    assert one.mechanism == "lse_minus_label"
    assert {one.property, *(other.property for other in one.also)} == {"value", "shift", "uniform"}
    declared = check(_class_c, **{**SMALL, "contract": {**SMALL["contract"], "accuracy": "C"}})
    assert declared.verdict == "conforms"


def test_every_broken_law_can_be_asked_for(class_c: Report) -> None:
    for name in ("value", "shift", "uniform"):
        (one,) = class_c.broken(name)
        assert one.property == name
        assert not one.also
        assert one.batch
    assert class_c.broken("gibbs") == ()


def test_what_lies_beneath_survives_json(class_c: Report) -> None:
    again = Report.from_json(class_c.to_json())
    assert again.findings == class_c.findings
    assert all(isinstance(other, Finding) for other in again.findings[0].also)


@pytest.mark.slow
def test_two_mistakes_are_two_findings() -> None:
    def loss(z: Any, y: Any) -> Any:
        rows = np.arange(len(z))
        return (_logsumexp(z)[:, 0] - z[rows, y]).sum()  # a sum, and a cancellation

    report = check(loss, **{**SMALL, "properties": ["value"]})
    assert {"sum_for_mean"} <= {one.mechanism for one in report.findings}


@pytest.mark.slow
def test_the_line_of_a_promise_is_told_of_nothing_else() -> None:
    def loss(z: Any, y: Any) -> Any:
        return 2 * (_logsumexp(z)[:, 0] - z[np.arange(len(z)), y]).mean()

    report = check(loss, **{**SMALL, "properties": ["value"]})
    (first, *_) = report.findings
    assert not any("accuracy=C" in line for line in first.detail)
    assert replace(first, also=()) in report.broken("value")


def test_ctrl_c_after_the_search_interrupts_the_run_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """While what is left open is tried beside, for one."""

    def interrupted(self: Beside, results: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Beside, "observe", interrupted)
    report = check(_class_c, **{**SMALL, "properties": ["answers"]})
    assert report.interrupted
    assert report.counts.skipped == 0


def test_after_ctrl_c_no_promise_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found is told, and the target is not asked any more."""
    asked: list[object] = []
    judge = CellSearch.judge

    def until_the_third(search: CellSearch, batch: Batch) -> None:
        judge(search, batch)
        if search.result.run == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(CellSearch, "judge", until_the_third)
    monkeypatch.setattr(conclusion, "weaker_promise", lambda *given: asked.append(given))
    report = check(lambda z, y: 2 * _class_c(z, y), **{**SMALL, "properties": ["value"]})
    assert report.interrupted
    assert report.findings
    assert not asked


def test_a_shape_of_the_loss_is_that_of_its_derivative_along_a_tangent() -> None:
    """Which is no mistake of its own, where it is the same."""

    def of_shape(law: str, number: int, part: str, shape: str) -> Found:
        one = found(law, number)
        title = f"the {part} has shape {shape}, but must have (0,)"
        return replace(one, finding=replace(one.finding, title=title, part=part), event=("a wrong shape", part, "1"))

    loss, alike = of_shape("layout", 22, "loss", "(0, 1)"), of_shape("forward-mode", 15, "jvp", "(0, 1)")
    assert names(alike, loss) == [["layout", "forward-mode"]]
    assert names(loss, of_shape("forward-mode", 15, "jvp", "()")) == [["layout"], ["forward-mode"]]
    gradient = of_shape("layout", 22, "gradient", "(0, 1)")
    assert names(loss, gradient) == [["layout"], ["layout"]]
    assert sorted(names(alike, gradient)) == [["forward-mode"], ["layout"]]


@pytest.mark.parametrize(
    ("law", "wrong", "others", "expected"),
    [
        ("own-gradient", (), [("shift", "loss"), ("value", "gradient"), ("value", "loss")], 3),
        ("own-gradient", ("an element",), [("value", "loss")], 0),
        ("own-gradient", None, [("value", "loss")], 0),
        ("own-gradient", (), [("value", "gradient")], 0),
        ("gradient", (), [("value", "loss")], 0),
    ],
    ids=["a right gradient", "a wrong one", "no numbers", "no wrong loss", "another law"],
)
def test_beside_a_right_gradient_the_law_of_values_shows_the_mistake(
    law: str, wrong: Any, others: list[tuple[str, str]], expected: int
) -> None:
    """Of a pair of loss and gradient the loss is wrong then; else each finding shows its own."""

    def shown(name: str, part: str, elements: Any = ("an element",)) -> Any:
        seen = None if elements is None else SimpleNamespace(wrong=elements)
        return SimpleNamespace(law=SimpleNamespace(name=name), kind=Kind("a wrong number", part), observation=seen)

    cell = [shown(law, "gradient", wrong), *(shown(*one) for one in others)]
    assert whose_gradient_is_right(cell[0], cell) is cell[expected]
