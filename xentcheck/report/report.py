"""A report: everything about one run on one target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xentcheck.report import encoding
from xentcheck.report.results import CONFORMS, SCHEMA, ReportData
from xentcheck.report.terminal import findings_text


class FindingsError(AssertionError):
    """A target breaks a law. The message shows each finding; `report` holds everything that was seen."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


class BrokenOffError(RuntimeError):
    """A fault ended a run before its time. The message is the fault; `report` holds everything that was seen."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


class Report(ReportData):
    """Everything about one run on one target, in all its forms."""

    def as_mapping(self) -> dict[str, Any]:
        """Return the report as JSON types; numbers that are not finite are "inf", "-inf" and "nan"."""
        return {"schema": SCHEMA, **encoding.plain(self)}

    def to_json(self) -> str:
        """Return the report as strict JSON text, which any parser reads."""
        return encoding.text(self.as_mapping())

    @classmethod
    def from_mapping(cls, stated: Mapping[str, Any]) -> Report:
        """Return the report that `as_mapping` gave; raises ValueError for another schema."""
        if stated.get("schema") != SCHEMA:
            raise ValueError(f"This is no {SCHEMA} report: its schema is {stated.get('schema')!r}.")
        return encoding.build(cls, stated)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Return the report that `to_json` gave; raises ValueError for text that is no such report."""
        return cls.from_mapping(encoding.parsed(text))

    def raise_for_findings(self) -> None:
        """Raise FindingsError if a law was broken, or if nothing was judged."""
        if self.findings or self.verdict != CONFORMS:
            raise FindingsError(findings_text(self), self)
