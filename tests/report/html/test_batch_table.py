"""A batch as a table: what is at fault is marked, what is large is cut and counted, what is odd is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import to_mapping
from xentcheck.report.html.batch_table import COLUMNS, ROWS, BatchTable, batch_table, chosen
from xentcheck.report.report import Report


def table(scores: Any, labels: Any, form: str = "sparse", part: str = "", **changes: Any) -> BatchTable:
    """Return the table of a batch."""
    return batch_table(to_mapping(Batch(np.asarray(scores), np.asarray(labels), form, **changes)), part)


def texts(made: BatchTable) -> list[list[str]]:
    """Return the texts of the cells, row by row."""
    return [[cell.text for cell in row.cells] for row in made.rows]


def marked(made: BatchTable, mark: str) -> list[tuple[str, str | None]]:
    """Return the heads of the cells with a mark."""
    cells = [(row.head, head, cell) for row in made.rows for cell, head in zip(row.cells, made.heads, strict=False)]
    return [(row, head) for row, head, cell in cells if mark in cell.marks]


def test_the_cell_at_fault_and_the_true_class_are_marked() -> None:
    """Of a gradient it is one cell, of a loss its row."""
    scores = np.array([[0.5, 1.0], [-2.0, 0.1]], np.float32)
    made = table(scores, [1, 0], part="gradient[1, 1]")
    assert texts(made) == [["0.5", "1.0"], ["-2.0", "0.1"]]
    assert [row.label for row in made.rows] == ["1", "0"]
    assert marked(made, "fault") == [("row 1", "1")]
    assert marked(made, "label") == [("row 0", "1"), ("row 1", "0")]
    assert [row.fault for row in made.rows] == [False, True]
    loss = table(scores, [1, 0], part="loss[0]")
    assert marked(loss, "fault") == []
    assert [row.fault for row in loss.rows] == [True, False]
    assert not any(row.fault for row in table(scores, [1, 0], part="loss").rows)


def test_dense_labels_stand_beneath_their_scores() -> None:
    """The class with the largest share is the true one."""
    made = table([[0.25, 0.75]], np.array([[0.75, 0.25]]), "soft")
    assert [(row.head, *(cell.text for cell in row.cells)) for row in made.rows] == [
        ("row 0", "0.25", "0.75"),
        ("labels", "0.75", "0.25"),
    ]
    assert marked(made, "label") == [("row 0", "0")]
    assert not made.labelled


def test_a_hundred_thousand_classes_are_cut() -> None:
    """The ends, the true class and the cell at fault are among those shown; the others are counted."""
    scores = np.zeros((1, 100_000), np.float32)
    scores[0, [70_000, 90_000]] = 3.0, 7.0
    made = table(scores, [90_000], part="gradient[0, 70000]")
    heads = [head for head in made.heads if head is not None]
    assert {"0", "70000", "90000", "99999"} <= set(heads)
    assert len(heads) == COLUMNS
    assert made.heads.count(None) == 3
    assert marked(made, "fault") == [("row 0", "70000")]
    assert made.notes[-1:] == (f"{100_000 - COLUMNS:,} classes are left out here; the JSON report has them all.",)


def test_many_rows_are_cut() -> None:
    """The row at fault is among those shown."""
    made = table(np.zeros((4097, 2)), np.zeros(4097, np.int64), part="loss[2048]")
    heads = [row.head for row in made.rows if row.head]
    assert len(heads) == ROWS
    assert {"row 0", "row 2048", "row 4096"} <= set(heads)
    left = [int(row.left_out.split()[0].replace(",", "")) for row in made.rows if row.left_out]
    assert sum(left) == 4097 - ROWS


def test_what_no_law_allows_is_shown() -> None:
    """Labels that are too many or too few, fractional, negative, beyond the classes; no rows, no classes."""
    more = table(np.ones((1, 2)), [0, 1, 1])
    assert [(row.head, row.label) for row in more.rows] == [("row 0", "0"), ("no row", "1"), ("no row", "1")]
    assert [row.label for row in table(np.ones((2, 2)), [1]).rows] == ["1", "none"]
    assert [row.label for row in table(np.ones((2, 2)), [0.5, np.nan]).rows] == ["0.5", "nan"]
    assert marked(table(np.ones((2, 2)), [-1, 7]), "label") == []
    assert table(np.ones((0, 3)), np.zeros(0, np.int64)).rows == ()
    assert table(np.ones((2, 0)), np.zeros(2, np.int64)).heads == ()
    assert texts(table(np.ones((2, 1)), np.ones((2, 3)), "onehot"))[:2] == [["1.0", "", ""], ["1.0", "1.0", "1.0"]]
    assert table(np.ones((1, 2)), np.array(0)).rows[0].label == "0"


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16])
def test_half_formats_and_what_is_not_finite(kind: Any) -> None:
    """The shortest decimal of the format, nan and infinities by name."""
    made = table(np.array([[0.1, np.nan, np.inf, -np.inf]]).astype(kind), [2])
    assert texts(made) == [["0.1", "nan", "inf", "-inf"]]
    assert made.caption.startswith(f"logits 1 x 4, {np.dtype(kind).name}")


def test_options_are_told() -> None:
    """Beneath the table."""
    made = table(np.ones((1, 2)), [0], options={"label_smoothing": 0.1, "class_weights": np.array([1.0, 2.5])})
    assert made.notes[-2:] == ("label_smoothing = 0.1", "class_weights = [1.0, 2.5] float64")


@pytest.mark.parametrize("length", [0, 1, 12, 13, 14, 1000])
@pytest.mark.parametrize("wanted", [set(), {5}, {500, 501}, set(range(100, 200)), {-1, 10**6}])
def test_what_is_chosen_is_in_order_with_its_gaps(length: int, wanted: set[int]) -> None:
    """At most the limit, each gap between two that are not neighbours."""
    found = chosen(length, 12, wanted)
    places = [place for place in found if place is not None]
    assert places == sorted(set(places))
    assert len(places) == min(length, 12)
    assert all(0 <= place < length for place in places)
    gaps = sum(after != before + 1 for before, after in pairwise(places))
    assert found.count(None) == gaps


def test_a_page_of_any_batch_is_made(violating: Report, taken_apart: Callable[[str], Any]) -> None:
    """Without rows, and with a hundred thousand classes; the page stays small."""
    batches = [
        Batch(np.ones((0, 3)), np.zeros(0, np.int64)),
        Batch(np.zeros((2, 100_000), np.float32), np.array([99_999, 3])),
        Batch(np.array([[np.nan, np.inf]]).astype(ml_dtypes.bfloat16), np.array([1])),
    ]
    for batch in batches:
        finding = dataclasses.replace(violating.findings[-1], batch=to_mapping(batch), part="gradient[0, 1]")
        source = dataclasses.replace(violating, findings=(finding,)).to_html()
        assert taken_apart(source).all("table", class_="batch")
        assert len(source) < 50_000


def test_what_is_marked_is_explained() -> None:
    """And nothing that is not there."""
    scores = {"dtype": "float64", "shape": [1, 2], "layout": "C", "values": ["0x0.0p+0", "0x1.0p+0"]}
    labels = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    batch = {"scores": scores, "labels": labels, "label_form": "sparse", "options": {}, "layout": "C"}
    assert batch_table(batch).notes == ("Underlined: the class of the label.",)
    assert batch_table(batch, "gradient[0, 1]").notes[0] == "Marked: where the answer is wrong."
