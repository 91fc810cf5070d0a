"""What was tried, as a table: on how many batches each thing occurred, and what on none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from rich.padding import Padding
from rich.text import Text

from xentcheck.report.tables import columned, title
from xentcheck.report.terminal import console


def write(coverage: Mapping[str, Mapping[str, int]], stream: IO[str]) -> None:
    """Print one line for each aspect of the batches.

    Parameters
    ----------
    coverage : mapping
        As `Report.coverage`.
    stream : file
    """
    if not coverage:
        return
    out = console(stream)
    title(out, "Tried", "batches judged in which it occurs; never: nothing of it has been tried")
    rows = columned([("", "left"), ("batches", "left"), ("never", "left")])
    for aspect, levels in coverage.items():
        tried = ", ".join(f"{level}: {count:,}" for level, count in levels.items() if count)
        never = ", ".join(level for level, count in levels.items() if not count)
        rows.add_row(aspect, tried, Text(never, "yellow"))
    out.print(Padding(rows, (0, 0, 0, 2)))
