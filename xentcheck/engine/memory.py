"""The records of the units of a run that are done, by the units' names."""

from __future__ import annotations

from collections.abc import Mapping

from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.shard_record import Record

CONCLUSION = "conclusion"


class Memory:
    """The records of units that are done; `journal` has one that outlives the process.

    Parameters
    ----------
    records : mapping, optional
        Those that are there from the start, by the unit's name.
    """

    def __init__(self, records: Mapping[str, Record] | None = None) -> None:
        self.records: dict[str, Record] = dict(records or {})
        self.noted: dict[str, Record] = {}
        self.remarks: list[str] = []
        self.folder = ""

    def keep(self, unit: str, record: Record) -> None:
        """Keep what came of a unit; what was ended early is not kept, since more is to come of it."""
        if unit not in self.records and not record.get("interrupted") and not record.get("fault"):
            self.records[unit] = record
            self.write(unit, record)

    def forget(self, unit: str) -> None:
        """Drop the record of a unit that is not asked for again: a long run takes no more memory than a short one."""
        self.records.pop(unit, None)

    def write(self, unit: str, record: Record) -> None:
        """Write a record where it outlives the process; here nowhere."""

    def write_note(self, unit: str, result: CellResult) -> None:
        """Write what has been found by a unit that is not done where it outlives the process; here nowhere."""


def shard_name(cell: int, number: int) -> str:
    """Return the name of the unit that is a shard."""
    return f"{cell}/{number}"


def conclusion_name(cell: int) -> str:
    """Return the name of the unit that is the conclusion of a cell."""
    return f"{cell}/{CONCLUSION}"
