"""A comparison of reports for the terminal, and in Markdown."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from xentcheck.report.comparison import Comparison, Row
from xentcheck.report.markdown import plain
from xentcheck.report.tables import columned
from xentcheck.report.terminal import console

_STYLES = {"broke": "bold red", "worse": "bold red", "mended": "green", "better": "green"}


def write(table: Comparison, stream: TextIO, whole: bool = False) -> None:
    """Print a comparison: the rows that differ, or all."""
    out = console(stream)
    last = [("", "left")] if table.changed else []
    columns = columned([("", "left"), *((name, "left") for name in table.names), *last])
    for row in _shown(table, whole):
        change = [Text(row.change, _STYLES.get(row.change, ""))] if table.changed else []
        columns.add_row(Text(row.name), *map(Text, row.cells), *change)
    out.print(columns)
    for line in _below(table, whole):
        out.print(Text(line, "dim"))


def markdown(table: Comparison, whole: bool = False) -> str:
    """Return a comparison as a table in Markdown: the rows that differ, or all."""
    lines = [["", *map(plain, table.names)], ["---"] * (len(table.names) + 1)]
    lines += [list(map(plain, (row.name, *row.cells))) for row in _shown(table, whole)]
    if table.changed:
        changes = ["", "---", *(f"**{row.change}**" if row.change else "" for row in _shown(table, whole))]
        lines = [[*line, change] for line, change in zip(lines, changes, strict=True)]
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([*rows, *("\n" + plain(line) for line in _below(table, whole))]) + "\n"


def _shown(table: Comparison, whole: bool) -> list[Row]:
    return [row for row in table.rows if whole or not row.alike or row.name == "verdict"]


def _below(table: Comparison, whole: bool) -> list[str]:
    alike = len(table.rows) - len(_shown(table, whole))
    same = [f"{alike} more rows are alike; --all shows them."] if alike else []
    return [*same, *table.remarks]
