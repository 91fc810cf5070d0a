"""A batch as a table: the row and the cell at fault marked, the middle of what is large left out and counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xentcheck.report import arrays
from xentcheck.report.returned import index
from xentcheck.truth.formats import FORMATS

COLUMNS = 12
ROWS = 10
_NO_LABELS: Mapping[str, Any] = {"shape": [0, 0], "dtype": "int64", "values": []}
_MEANINGS = {"fault": "Marked: where the answer is wrong.", "label": "Underlined: the class of the label."}


@dataclass(frozen=True)
class Cell:
    """What stands in a cell; `marks` are "fault" where the wrong element is, and "label" at the true class."""

    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of a table: `head` in its first cell, `label` behind its cells; `left_out` is the note of a gap."""

    head: str = ""
    cells: tuple[Cell, ...] = ()
    label: str = ""
    fault: bool = False
    left_out: str = ""


@dataclass(frozen=True)
class BatchTable:
    """A table of a batch; a head of None stands for columns left out. `labelled`: labels have a column of their own."""

    caption: str
    heads: tuple[str | None, ...]
    rows: tuple[Row, ...]
    labelled: bool
    notes: tuple[str, ...]


def batch_table(batch: Mapping[str, Any], part: str = "", noun: str = "logits") -> BatchTable:
    """Return the table of a stored batch.

    Parameters
    ----------
    batch : mapping
        As `Finding.batch`; it may be one that no law allows, with more labels than rows or fewer.
    part : str
        The element that is wrong, as `Finding.part`.
    noun : str
        What the scores are: the contract's `input`.
    """
    scores, form = _Stored(batch["scores"]), batch.get("label_form", "sparse")
    labels = _Stored(batch["labels"] if arrays.labelled(batch) else _NO_LABELS)
    sparse, dense = form == "sparse", form in ("onehot", "soft")
    fault = index(part)
    wanted = {fault[1]} if len(fault) > 1 else set()
    wrong_row = fault[0] if fault else None
    rows = chosen(scores.rows, ROWS, set() if wrong_row is None else {wrong_row})
    true = {row: _true_class(labels, row, sparse) for row in rows if row is not None}
    wanted |= {column for column in list(true.values())[:ROWS] if column is not None}
    columns = chosen(max(scores.columns, labels.columns if dense else 0), COLUMNS, wanted)
    made: list[Row] = []
    for position, row in enumerate(rows):
        if row is None:
            left = _between(rows, position, scores.rows)
            made.append(Row(left_out=f"{left:,} rows more, in the JSON report"))
            continue
        wrong = row == wrong_row
        cells = tuple(
            Cell("…") if column is None else _cell(scores.at(row, column), (row, column) == fault, column == true[row])
            for column in columns
        )
        label = ", ".join(labels.row(row)) or "none" if sparse else ""
        made.append(Row(f"row {row}", cells, label, wrong))
        if dense:
            shown = tuple(Cell("…" if column is None else labels.at(row, column)) for column in columns)
            made.append(Row("labels", shown, "", wrong))
    if sparse:
        made += [
            Row("no row", tuple(Cell("") for _ in columns), ", ".join(labels.row(row)))
            for row in range(scores.rows, min(labels.rows, scores.rows + ROWS))
        ]
    gaps = [position for position, column in enumerate(columns) if column is None]
    left = sum(_between(columns, position, scores.columns) for position in gaps)
    marks = {mark for row in made for cell in row.cells for mark in cell.marks}
    notes = [said for mark, said in _MEANINGS.items() if mark in marks]
    notes += [f"{left:,} classes are left out here; the JSON report has them all."] if left else []
    notes += [f"{key} = {arrays.option(value)}" for key, value in batch.get("options", {}).items()]
    return BatchTable(
        arrays.heading(batch, arrays.NAMES.get(noun, noun)),
        tuple(None if column is None else str(column) for column in columns),
        tuple(made),
        sparse,
        tuple(notes),
    )


def chosen(length: int, limit: int, wanted: Iterable[int]) -> list[int | None]:
    """Return which of `length` places are shown, about `limit`: the ends and what is wanted; None for each gap."""
    if length <= limit:
        return list(range(length))
    kept = {place for place in sorted(wanted)[: limit // 2] if 0 <= place < length}
    for place in (0, length - 1, *range(1, length)):
        if len(kept) >= limit:
            break
        kept.add(place)
    found: list[int | None] = []
    for place in sorted(kept):
        if found and place != (found[-1] or 0) + 1:
            found.append(None)
        found.append(place)
    return found


class _Stored:
    """A stored array by row and column; only the elements asked for are turned into text."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        shape = [int(size) for size in stored["shape"]]
        self.dtype = str(stored["dtype"])
        self.values = arrays.numbers(stored)
        self.rows = shape[0] if shape else 1
        self.columns = math.prod(shape[1:])

    def at(self, row: int, column: int) -> str:
        place = row * self.columns + column
        if not (0 <= row < self.rows and 0 <= column < self.columns and place < len(self.values)):
            return ""
        value = self.values[place]
        return arrays.decimal(value, self.dtype) if self.dtype in FORMATS else str(value)

    def row(self, row: int) -> list[str]:
        return [self.at(row, column) for column in range(min(self.columns, COLUMNS))] if row < self.rows else []

    def number(self, row: int, column: int) -> float:
        return float(self.values[row * self.columns + column])


def _cell(text: str, fault: bool, label: bool) -> Cell:
    return Cell(text, (*(("fault",) if fault else ()), *(("label",) if label else ())))


def _true_class(labels: _Stored, row: int, sparse: bool) -> int | None:
    """Return the class of a row, the one with the largest share of soft labels; None where there is none."""
    if row >= labels.rows or not labels.columns or (row + 1) * labels.columns > len(labels.values):
        return None
    if sparse:
        value = labels.number(row, 0)
        return int(value) if math.isfinite(value) and value >= 0 else None
    shares = [labels.number(row, column) for column in range(labels.columns)]
    return max(range(labels.columns), key=lambda column: shares[column])


def _between(places: Sequence[int | None], position: int, length: int) -> int:
    """Return how many places a gap leaves out."""
    before = places[position - 1] if position else -1
    after = places[position + 1] if position + 1 < len(places) else length
    return (length if after is None else after) - (-1 if before is None else before) - 1
