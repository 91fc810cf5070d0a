"""Waivers in a run: what was accepted is apart, what else is wrong is found, and what is mended is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xentcheck
from xentcheck.report import waiver_file
from xentcheck.report.finding import each_alone
from xentcheck.report.report import Report

pytestmark = pytest.mark.slow  # each judges a loss several times

Loss = Callable[[Any, Any], Any]
SMALL = {"rows": [1, 4], "classes": [1, 6]}
LAWS = {"properties": ["value"], "dtypes": ["float64"]}


def right(logits: Any, labels: Any) -> Any:
    """Return the mean loss."""
    return _rows(logits, labels).mean()


def guarded(eps: float) -> Loss:
    """Return a loss with a constant added to the probability: a mechanism that is told."""

    def loss(logits: Any, labels: Any) -> Any:
        return -np.log(np.exp(-_rows(logits, labels)) + eps).mean()

    return loss


def _rows(logits: Any, labels: Any) -> Any:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), np.asarray(labels, np.int64)]


def odd(*shapes: tuple[int, int]) -> Loss:
    """Return a loss that is wrong for from so many rows on of so many classes, in a way that no mechanism explains."""

    def loss(logits: Any, labels: Any) -> Any:
        rows, (n, m) = _rows(logits, labels), logits.shape
        wrong = any(n >= least and m == classes for least, classes in shapes)
        return (rows + (0.01 * m * (1.5 + np.sin(17.0 * rows)) if wrong else 0.0)).mean()

    return loss


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., Report]:
    """Judge a loss under the same name by small batches, with the waivers so far."""
    file = tmp_path / "waivers.toml"

    def judged(loss: Loss, contract: Any = None, **options: Any) -> Report:
        loss.__qualname__ = "loss"
        known = file if file.exists() else None
        stated = {"domain": SMALL, **(contract or {})}
        return xentcheck.check(loss, contract=stated, waivers=known, **{**LAWS, **options})

    judged.file = file  # type: ignore[attr-defined]
    return judged


def waive(file: Path, report: Report, **changes: Any) -> None:
    """Add waivers for all findings of a report."""
    given = {"reason": "known", "versions": "", "expires": None, **changes}
    for finding in report.findings:
        waiver_file.append(file, waiver_file.of_finding(report.target.name, finding, **given))


def test_what_is_waived_conforms_and_another_constant_does_not(judge: Any) -> None:
    """A mechanism is waived wherever it shows; with another constant it is another mistake."""
    first = judge(guarded(1e-7))
    assert [finding.mechanism for finding in first.findings] == ["eps_added"]
    waive(judge.file, first)
    again = judge(guarded(1e-7))
    assert (again.verdict, again.findings, len(again.waived)) == ("conforms", (), 1)
    assert [(one.status, one.reason) for one in again.waivers] == [("waives", "known")]
    assert {law.status for law in again.properties if law.name == "value"} == {"waived"}
    assert again.digest == first.digest
    worse = judge(guarded(1e-5))
    assert worse.verdict == "violates"
    assert [one.status for one in worse.waivers] == ["unmet"]


def test_another_mistake_under_the_same_law_is_found(judge: Any) -> None:
    """Also where no mechanism tells it from what is waived, and it comes later in the search."""
    waive(judge.file, judge(odd((1, 2))))
    for _ in range(3):
        report = judge(odd((1, 2)))
        if report.conforms:
            break
        waive(judge.file, report)
    assert report.conforms
    assert report.waived
    both = judge(odd((1, 2), (2, 1)))
    assert both.verdict == "violates"
    assert [finding.batch["scores"]["shape"] for finding in both.findings] == [[2, 1]]


@pytest.mark.parametrize(
    ("known", "beside", "reached"),
    [((1, 1), (3, 4), [3, 4]), ((1, 2), (4, 3), [4, 3])],
)
def test_what_is_reduced_by_way_of_a_waived_batch_is_found(judge: Any, known: Any, beside: Any, reached: Any) -> None:
    """Of more classes or rows: with those of the waived batch excluded it does not come down to that."""
    waive(judge.file, judge(odd(known)))
    for _ in range(3):
        report = judge(odd(known))
        if report.conforms:
            break
        waive(judge.file, report)
    assert report.conforms
    both = judge(odd(known, beside))
    assert reached in [finding.batch["scores"]["shape"] for finding in both.findings]


def test_a_mistake_at_all_sizes_is_waived_by_one_batch(judge: Any) -> None:
    """However it is reduced, it comes out at the nearest size, with nothing else about it."""
    everywhere = odd(*((1, m) for m in range(1, 7)))
    waive(judge.file, judge(everywhere))
    again = judge(everywhere)
    assert [finding.batch["scores"]["shape"] for finding in again.findings] == []


@pytest.mark.parametrize("gate", [(1, 4), (3, 1)])
def test_a_constant_that_is_waived_hides_no_other_one_of_larger_batches(judge: Any, gate: tuple[int, int]) -> None:
    """Reducing what another constant breaks would else end among small batches, which the waived one breaks."""
    waive(judge.file, judge(guarded(1e-7)))

    def both(logits: Any, labels: Any) -> Any:
        large = all(size >= least for size, least in zip(logits.shape, gate, strict=True))
        return guarded(1e-3 if large else 1e-7)(logits, labels)

    report = judge(both)
    assert report.verdict == "violates"
    assert [finding.batch["scores"]["shape"] for finding in report.findings] == [list(gate)]
    assert [finding.mechanism for finding in report.waived] == ["eps_added"]


def test_what_happens_beside_what_is_waived_has_its_cause(judge: Any) -> None:
    """Exponentials that overflow are left to law 12, unless what they are beside is waived."""
    known = odd((1, 3))

    def unshifted(logits: Any, labels: Any) -> Any:
        if logits.shape[1] == 3:
            return known(logits, labels)
        with np.errstate(all="ignore"):
            e = np.exp(logits)
            return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(labels)), labels]).mean()

    waive(judge.file, judge(known))
    found = {finding.event: finding.mechanism for finding in each_alone(judge(unshifted).findings)}
    assert found["an infinity for a finite number"] == "no_maximum"


def test_a_mended_mistake_makes_its_waiver_stale(judge: Any) -> None:
    waive(judge.file, judge(guarded(1e-7)))
    mended = judge(right)
    assert mended.conforms
    assert [(one.status, one.why) for one in mended.stale] == [("stale", "its batch passes")]


@pytest.mark.parametrize(
    ("changes", "status", "why"),
    [
        ({"expires": date(2001, 1, 1)}, "expired", "it held until 2001-01-01"),
        ({"versions": ">=1"}, "other-version", "it is for >=1, and the version of the target is not known"),
    ],
)
def test_a_waiver_that_does_not_hold_waives_nothing(judge: Any, changes: Any, status: str, why: str) -> None:
    waive(judge.file, judge(guarded(1e-7)), **changes)
    report = judge(guarded(1e-7))
    assert report.verdict == "violates"
    assert [(one.status, one.why) for one in report.waivers] == [(status, why)]


def test_a_waiver_of_another_target_is_none_of_this_one(judge: Any) -> None:
    waive(judge.file, judge(guarded(1e-7)))
    judge.file.write_text(judge.file.read_text("utf-8").replace('target = "', 'target = "not'), encoding="utf-8")
    report = judge(guarded(1e-7))
    assert (report.verdict, report.waivers) == ("violates", ())


def test_a_run_is_not_ended_by_what_is_waived(judge: Any) -> None:
    """With `fail_fast` it goes on to the first finding that is not waived, or to its end."""
    waive(judge.file, judge(guarded(1e-7)))
    report = judge(guarded(1e-7), fail_fast=True)
    assert report.conforms
    assert report.counts.run == report.counts.planned


def test_a_law_that_is_not_asked_for_leaves_its_waiver_unmet(judge: Any) -> None:
    """Its batch is put to the target all the same, and is still wrong."""
    waive(judge.file, judge(guarded(1e-7)))
    report = judge(guarded(1e-7), properties=["determinism"])
    assert [(one.status, one.why) for one in report.waivers] == [("unmet", "its batch is still wrong")]


def test_what_the_contract_does_not_promise_any_more_is_not_tried(judge: Any) -> None:
    waive(judge.file, judge(guarded(1e-7)))
    report = judge(right, contract={"dtypes": ["float32"]}, dtypes=["float32"])
    (waiver,) = report.waivers
    assert (waiver.status, waiver.why) == ("untried", "float64 with sparse labels is not promised any more")


def test_bad_input_that_is_not_refused_is_replayed(judge: Any) -> None:
    """The stored batch is the bad input itself, of which no truth is known."""

    def refusing(logits: Any, labels: Any) -> Any:
        if np.any((np.asarray(labels) < 0) | (np.asarray(labels) >= logits.shape[1])):
            raise IndexError("no such class")
        return right(logits, labels)

    def modular(logits: Any, labels: Any) -> Any:
        return right(logits, np.asarray(labels) % logits.shape[1])

    options = {"properties": ["bad-input"], "contract": {"invalid": ["label_out_of_range"]}}
    first = judge(modular, **options)
    assert first.findings
    waive(judge.file, first)
    assert {one.status for one in judge(modular, **options).waivers} == {"waives"}
    assert {one.status for one in judge(refusing, **options).waivers} == {"stale"}
