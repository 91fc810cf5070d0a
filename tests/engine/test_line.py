"""The target along a line through the batch of a finding."""

from __future__ import annotations

import math
import os
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.engine import line as lines
from xentcheck.engine.line import LARGEST, POINTS, line_through
from xentcheck.engine.run import check_target
from xentcheck.report.finding import Finding, Line
from xentcheck.report.report import Report
from xentcheck.report.results import Counts, TargetSummary
from xentcheck.targets import TargetSpecification, open_host

LINE = Line("all scores times t", 1.0, (1.0,), (0.0,), (0.0,), (0.0,))


def right(scores: Any, labels: Any) -> Any:
    """The mean cross-entropy."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]).mean()


def gradient(scores: Any, labels: Any) -> Any:
    """Its gradient."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)


def naive(scores: Any, labels: Any) -> Any:
    """Wrong as soon as an exponential overflows."""
    e = np.exp(scores)
    return -np.log(e[np.arange(len(labels)), labels] / e.sum(axis=1)).mean()


def line(scores: Any, labels: Any, part: str = "loss", loss: Any = right, **target: Any) -> Line | None:
    """Return the line through a batch."""
    from xentcheck.batches.batch import Batch
    from xentcheck.batches.storage import to_mapping

    stored = to_mapping(Batch(np.asarray(scores), np.asarray(labels)))
    finding = Finding("value", 1, "law", "float64", "sparse", "wrong", stored, part, 0.0, (0.0, 1.0))
    with open_host(TargetSpecification(loss=loss, **target)) as host:
        return line_through(finding, host)


def test_scores_are_multiplied_and_the_batch_is_in_the_middle() -> None:
    """Losses, slopes and exact values are those of the points."""
    found = line([[2.0, -1.0], [0.5, 1.0]], [0, 1], gradient=gradient)
    assert found is not None
    assert found.direction == "all scores times t"
    assert len(found.t) == POINTS
    assert found.t[POINTS // 2] == found.at == 1.0
    scores = np.array([[2.0, -1.0], [0.5, 1.0]])
    wanted = [right(t * scores, np.array([0, 1])) for t in found.t]
    assert found.loss == pytest.approx(wanted, rel=1e-12)
    assert found.certified_loss == pytest.approx(wanted, rel=1e-12)
    slopes = [(gradient(t * scores, np.array([0, 1])) * scores).sum() for t in found.t]
    assert found.slope == pytest.approx(slopes, rel=1e-9, abs=1e-12)
    assert found.certified_slope == pytest.approx(slopes, rel=1e-9, abs=1e-12)
    assert found.of_loss
    assert all(0 < one < 1e-13 for one in found.allowance)


def test_of_zeros_the_score_at_fault_is_moved() -> None:
    """By up to 8 to either side."""
    found = line(np.zeros((2, 3)), [0, 1], "gradient[1, 2]")
    assert found is not None
    assert (found.direction, found.at, min(found.t), max(found.t)) == ("score [1, 2] plus t", 0.0, -8.0, 8.0)
    rows = [(math.log(3.0) + math.log(2.0 + math.exp(t))) / 2 for t in found.t]
    assert found.certified_loss == pytest.approx(rows, rel=1e-12)
    assert found.slope == ()
    loss = line(np.zeros((1, 2)), [0])
    assert loss is not None
    assert loss.direction == "score [0, 0] plus t"


def test_where_the_target_gives_no_number_there_is_nan() -> None:
    """The exact values are there all the same."""
    found = line([[800.0, 0.0]], [0], loss=naive)
    assert found is not None
    lost = [math.isnan(value) for value in found.loss]
    assert any(lost)
    assert not all(lost)
    assert all(map(math.isfinite, found.certified_loss))


def test_what_the_format_does_not_hold_is_left_out() -> None:
    """Scores near the largest number of float16 are not multiplied by three."""
    found = line(np.array([[60000.0, 0.0]], np.float16), [0])
    assert found is not None
    known = [t for t, value in zip(found.t, found.certified_loss, strict=True) if math.isfinite(value)]
    assert 1.0 in known
    assert max(known) < 1.1


def test_the_domain_is_kept_to() -> None:
    """A target is not asked beyond what it states."""
    asked = []

    def loss(scores: Any, labels: Any) -> Any:
        asked.append(np.abs(scores).max())
        return right(scores, labels)

    contract = Contract(domain={"magnitude": 5.0})
    assert line([[4.0, 0.0]], [0], loss=loss, contract=contract) is not None
    assert max(asked) <= 5.0
    assert len(asked) < POINTS


def test_infinite_scores_stay() -> None:
    """A class that is not there stays away, whatever t is."""
    found = line([[1.0, -np.inf, 0.0]], [0], contract=Contract(nonfinite=["-inf"]))  # type: ignore[arg-type]
    assert found is not None
    assert found.certified_loss == pytest.approx([math.log1p(math.exp(-t)) for t in found.t], rel=1e-12)


def test_where_there_is_nothing_to_draw_there_is_no_line() -> None:
    """Probabilities, a target without a loss, large batches."""
    assert line([[0.5, 0.5]], [0], contract=Contract(input="probabilities")) is None
    assert line([[1.0, 0.5]], [0], loss=None, gradient=gradient) is None
    assert line(np.ones((1, LARGEST + 1)), [0]) is None
    assert line(np.zeros((0, 3)), []) is None


def test_a_batch_as_large_as_may_be_has_a_line() -> None:
    """The limit is how many scores are asked about so often."""
    assert line(np.zeros((1, LARGEST)), [0]) is not None


def test_a_slope_is_of_the_scores_that_move() -> None:
    """A derivative that is nan at another score is none of it."""

    def slopes(scores: Any, labels: Any) -> Any:
        found = gradient(scores, labels)
        found[0, 0] = np.nan
        return found

    found = line([[0.0, 2.0]], [0], gradient=slopes)
    assert found is not None
    assert found.slope == pytest.approx([2.0 / (1.0 + math.exp(-2.0 * t)) for t in found.t], rel=1e-9)


def test_where_nothing_is_promised_nothing_is_drawn() -> None:
    """Of a mean of nothing, whatever the target makes of it."""
    contract = Contract(ignore_index=0, mean_over="kept")
    found = line([[1.0, 2.0]], [0], loss=lambda scores, labels: 0.5, contract=contract)
    assert found is not None
    assert all(map(math.isnan, (*found.loss, *found.certified_loss, *found.allowance)))


@pytest.mark.parametrize(("raised", "remarks"), [(KeyboardInterrupt(), 0), (RuntimeError("a fault"), 1)])
def test_what_ends_the_lines_costs_nothing_that_was_found(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, remarks: int
) -> None:
    """The first lines are kept; of all findings that say what is certified a few have one."""
    drawn: list[Finding] = []

    def some(finding: Finding, *given: object) -> Line:
        if len(drawn) == 2:
            raise raised
        drawn.append(finding)
        return LINE

    monkeypatch.setattr(lines, "line_through", some)
    batch = {"scores": {"shape": [1, 1]}}
    one = Finding("value", 1, "law", "float64", "sparse", "wrong", batch, certified=(0.0, 1.0))
    others = [replace(one, number=number, certified=None if number == 2 else (0.0, 1.0)) for number in range(1, 12)]
    report = Report(TargetSummary("loss"), counts=Counts(), verdict="violates", findings=tuple(others))
    order = SimpleNamespace(host=nullcontext, costs=None)
    ended = lines.with_lines(report, order)  # type: ignore[arg-type]
    assert [finding.number for finding in ended.findings if finding.line is not None] == [1, 3]
    assert len(ended.observations) == remarks
    monkeypatch.setattr(lines, "line_through", lambda *given: LINE)
    whole = lines.with_lines(report, order)  # type: ignore[arg-type]
    assert [finding.number for finding in whole.findings if finding.line is not None] == [1, *range(3, 10)]
    assert whole.observations == ()


def test_a_gradient_of_another_reduction_is_not_that_of_the_loss() -> None:
    """Differences of the losses are no slope then."""
    contract = Contract(gradient_reduction="sum")
    found = line([[1.0, 0.5]], [0], gradient=gradient, contract=contract)
    assert found is not None
    assert not found.of_loss


def test_p_minus_t_is_not_the_gradient_of_the_loss() -> None:
    """Nor are they where p - t is promised for rows of any sum."""
    keys: dict[str, Any] = {"labels": ["sparse", "soft"], "soft_rows": "any"}
    for more, same in (({}, True), ({"gradient_of": "p - t"}, False)):
        contract = Contract(**keys, **more)
        found = line([[1.0, 0.5]], [0], gradient=gradient, contract=contract)
        assert found is not None
        assert found.of_loss == same


def test_the_process_of_a_target_may_die(tmp_path: Any) -> None:
    """Then there is no line, and nothing else is lost."""
    body = "    if z[0, 0] == 4.5:\n        os._exit(3)\n    return 0.0\n"
    (tmp_path / "dies.py").write_text(f"import os\n\ndef loss(z, y):\n{body}")
    specification = TargetSpecification(loss=f"{tmp_path}{os.sep}dies.py:loss")
    with open_host(specification) as host:
        from xentcheck.batches.batch import Batch
        from xentcheck.batches.storage import to_mapping

        stored = to_mapping(Batch(np.array([[1.5, 1.0]]), np.array([0])))
        finding = Finding("value", 1, "law", "float64", "sparse", "wrong", stored, "loss", 0.0, (0.5, 0.5))
        assert line_through(finding, host) is None


def test_a_run_has_lines_where_they_are_asked_for() -> None:
    """The finding, and all that is said of it, is the same without."""
    specification = TargetSpecification(loss=naive)
    plain, drawn = (
        check_target(specification, properties=["value"], dtypes=["float32"], fail_fast=True, lines=lines)
        for lines in (False, True)
    )
    assert [finding.line for finding in plain.findings] == [None]
    (finding,) = drawn.findings
    assert finding.line is not None
    assert finding.digest == plain.findings[0].digest
    assert finding.line.loss[POINTS // 2] == pytest.approx(float(finding.got or 0), nan_ok=True)
