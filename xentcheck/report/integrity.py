"""Whether a report that was read is whole: what its types alone do not tell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from xentcheck.report import arrays
from xentcheck.report.finding import Finding, Line
from xentcheck.report.results import VERDICTS, Points, ReportData


def require_whole(report: ReportData) -> None:
    """Raise ValueError, with one sentence, where a batch or the columns of a table cannot be read."""
    if report.verdict not in VERDICTS:
        raise ValueError(f"The report is damaged: its verdict is {report.verdict!r}.")
    for where, batch in _batches(report):
        for name in ("scores", "labels") if arrays.labelled(batch) else ("scores",):
            if not _is_array(batch.get(name)):
                raise ValueError(f"The report is damaged: {where} has no {name} that can be read.")
    tables = [
        (f"samples of {dtype}", _columns(one)) for dtype, parts in report.samples.items() for one in parts.values()
    ]
    tables += [("the line of a finding", _columns(one.line)) for one in report.findings if one.line is not None]
    for where, columns in tables:
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"The report is damaged: columns of {where} are of several lengths.")


def _batches(report: ReportData) -> Iterator[tuple[str, Mapping[str, Any]]]:
    every: list[Finding] = [one for finding in report.findings for one in (finding, *finding.also)]
    for one in every:
        yield from (
            (f"the batch of a finding on {one.property}", batch) for batch in (one.batch, one.derived_from) if batch
        )
    for dtype, parts in report.grades.items():
        for part, grade in parts.items():
            for stated in (grade, grade.max_error, grade.max_share):
                if stated is not None and stated.witness is not None:
                    yield f"a batch of the grade of {part} in {dtype}", stated.witness


def _is_array(stated: Any) -> bool:
    try:
        shape = [int(size) for size in stated["shape"]]
        return (
            len(arrays.numbers(stated)) == math.prod(shape)
            and isinstance(stated["dtype"], str)
            and min([0, *shape]) == 0
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return False


def _columns(table: Points | Line) -> list[tuple[Any, ...]]:
    if isinstance(table, Points):
        single = [table.gap, table.offset, table.classes, table.rows, table.ulp, table.share, table.grade]
        return [*single, *table.bounds.values()]
    slopes = [column for column in (table.slope, table.certified_slope) if column]
    return [table.t, table.loss, table.certified_loss, table.allowance, *slopes]
