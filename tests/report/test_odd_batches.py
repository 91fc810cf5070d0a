"""Whatever batch a law makes, a finding on it is reduced, stored, printed and written as a script."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.reduce import reduce
from xentcheck.contract import Contract
from xentcheck.engine.minimise import finding
from xentcheck.engine.plan import Cell
from xentcheck.properties.law import Violation
from xentcheck.properties.registry import choose
from xentcheck.report import findings, tables, terminal
from xentcheck.report.report import Report
from xentcheck.report.reproducer import script
from xentcheck.report.results import Counts, PropertyResult, TargetSummary
from xentcheck.targets import TargetSpecification

LAW = choose(["bad-input"])[0]
ODD = {
    "fewer labels than rows": Batch(np.ones((3, 2)), np.array([0, 1])),
    "no labels": Batch(np.ones((3, 2)), np.zeros(0, np.int64)),
    "more labels than rows": Batch(np.ones((1, 2)), np.array([0, 1, 1])),
    "no rows": Batch(np.ones((0, 2)), np.zeros(0, np.int64)),
    "no one-hot rows": Batch(np.ones((0, 2)), np.zeros((0, 2)), "onehot"),
    "no soft rows": Batch(np.ones((0, 3), np.float32), np.zeros((0, 3), np.float32), "soft"),
    "one class": Batch(np.ones((2, 1)), np.zeros(2, np.int64)),
    "one row of labels for several": Batch(np.ones((3, 2)), np.ones((1, 2)), "onehot"),
    "narrower labels": Batch(np.ones((2, 3)), np.ones((2, 2)), "onehot"),
    "fractions": Batch(np.ones((2, 3)), np.array([0.5, np.nan])),
    "bool": Batch(np.ones((2, 2)), np.eye(2, dtype=bool), "onehot"),
    "uint8": Batch(np.ones((2, 2)), np.eye(2, dtype=np.uint8), "onehot"),
    "beyond int32": Batch(np.ones((1, 2)), np.array([2**32])),
    "a scalar": Batch(np.ones((1, 2)), np.array(0)),
    "long rows, fewer labels": Batch(np.ones((9, 20)), np.array([0])),
}


def report_of(batch: Batch) -> Report:
    """Return a report with one finding on a batch."""
    violation = Violation("it is not refused", batch, got="returns a finite number")
    found = finding(LAW, Cell(batch.dtype, batch.label_form), violation, Contract())
    source = script(TargetSpecification(loss="reference"), Contract(), found, framework="numpy")
    compile(source, "reproducer", "exec")
    return Report(TargetSummary("t"), counts=Counts(1, 1, findings=1), verdict="violates", findings=(found,))


@pytest.mark.parametrize("kind", ODD)
def test_every_odd_batch_is_reported(kind: str) -> None:
    """The terminal shows it, and JSON gives it back."""
    report = report_of(ODD[kind])
    text = terminal.render(report)
    assert "it is not refused" in text
    assert "fault of xentcheck" not in text
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize("kind", [kind for kind, batch in ODD.items() if batch.labels.ndim])
def test_every_odd_batch_is_reduced(kind: str) -> None:
    """Reduction ends with a batch that still fails."""
    asked = []
    smallest = reduce(ODD[kind], lambda batch: asked.append(batch) is None, 20)
    assert smallest is ODD[kind] or any(smallest is one for one in asked)


def test_missing_labels_are_shown_as_such() -> None:
    """Rows without a label say so, and labels without a row are listed."""
    assert "label none" in terminal.render(report_of(ODD["fewer labels than rows"]))
    assert terminal.render(report_of(ODD["more labels than rows"])).count("no row    label 1") == 2


def test_a_fault_in_printing_costs_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding keeps its line, beside the fault."""

    def broken(*given: object) -> list[str]:
        raise IndexError("oops")

    monkeypatch.setattr(findings.arrays, "batch_lines", broken)
    text = terminal.render(report_of(ODD["one class"]))
    assert "law 21, bad-input (float64, sparse): it is not refused" in text
    assert "a fault of xentcheck in showing the rest of it: IndexError" in text


def test_laws_of_one_number_have_a_line_each() -> None:
    """Law 2 is two laws: one may be broken where the other holds."""
    broken = PropertyResult("gradient", 2, "", "float64", "sparse", "failed", 1)
    held = PropertyResult("own-gradient", 2, "", "float64", "sparse", "passed", 9)
    text = terminal.render(Report(TargetSummary("t"), verdict="violates", properties=(broken, held)))
    lines = [line.split() for line in text.splitlines() if line.strip().startswith("2 ")]
    assert lines == [["2", "gradient", "BROKEN", "1"], ["2", "own-gradient", "held", "9"]]
    assert tables.laws is not None
