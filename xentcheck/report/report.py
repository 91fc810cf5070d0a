"""A report: everything about one run on one target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentcheck.contract.harmless import harmless
from xentcheck.report import encoding
from xentcheck.report.citation import citation
from xentcheck.report.files import write_whole
from xentcheck.report.integrity import require_whole
from xentcheck.report.results import CONFORMS, SCHEMA, ReportData
from xentcheck.report.terminal import findings_text, render, verdict_line

if TYPE_CHECKING:
    import pandas

_SHOWN = 3


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
        return {"schema": SCHEMA, **encoding.plain(self), "citation": citation(self.xentcheck)}

    def to_json(self) -> str:
        """Return the report as strict JSON text, which any parser reads."""
        return encoding.text(self.as_mapping())

    @classmethod
    def from_mapping(cls, stated: Mapping[str, Any]) -> Report:
        """Return the report that `as_mapping` gave; raises ValueError, with one sentence, for what is none."""
        schema = stated.get("schema")
        if schema != SCHEMA:
            name, _, version = str(schema).partition("/")
            if name == SCHEMA.partition("/")[0] and version.isdigit():
                raise ValueError(f"The report is a {schema}, and this xentcheck reads {SCHEMA}: use a newer one.")
            raise ValueError(f"This is no {SCHEMA} report: its schema is {schema!r}.")
        report = encoding.build(cls, stated)
        require_whole(report)
        return report

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Return the report that `to_json` gave; raises ValueError for text that is no such report."""
        return cls.from_mapping(encoding.parsed(text))

    def raise_for_findings(self) -> None:
        """Raise FindingsError if a law was broken, or if nothing was judged."""
        if self.findings or self.verdict != CONFORMS:
            raise FindingsError(findings_text(self), self)

    def to_html(self) -> str:
        """Return the report as one page of HTML, whole in itself; it takes the extra "html"."""
        from xentcheck.report.html.page import page

        return page(self)

    def save(self, path: str | Path) -> None:
        """Write the report to a file, whole or not at all, in the format that its name ends with.

        Parameters
        ----------
        path : str or Path
            Ends with .json, .html, or .txt, which is what the terminal shows.

        Raises
        ------
        ValueError
            For any other name.
        OSError
            Where the file cannot be written.
        """
        made: dict[str, Callable[[], str]] = {
            ".json": self.to_json,
            ".html": self.to_html,
            ".txt": lambda: render(self),
        }
        make = made.get(Path(path).suffix.lower())
        if make is None:
            raise ValueError(f"A report is saved as {', '.join(made)}, but the file is {str(path)!r}.")
        write_whole(Path(path), make())

    def to_dataframe(self) -> pandas.DataFrame:
        """Return a pandas DataFrame of the laws: one row for each law, dtype and label form, as `properties`."""
        try:
            import pandas
        except ImportError:
            raise ImportError(
                "report.to_dataframe() returns a DataFrame of pandas: python -m pip install pandas."
            ) from None
        return pandas.DataFrame([encoding.plain(law) for law in self.properties])

    def __repr__(self) -> str:
        lines = [verdict_line(self)]
        for dtype, parts in self.grades.items():
            lines.append(f"  {dtype}: " + ", ".join(f"{part} {grade.grade}" for part, grade in parts.items()))
        lines += [f"  {line}" for line in repr(self.findings[:_SHOWN]).splitlines()] if self.findings else []
        rest = len(self.findings) - _SHOWN
        lines += [f"  {rest} more in report.findings"] if rest > 0 else []
        return "\n".join(harmless(line) for line in lines)

    def _repr_html_(self) -> str:
        """Return the upper part of the page, for a notebook; as text where jinja2 is not installed."""
        from xentcheck.report.html.page import PageError, fragment

        try:
            return fragment(self)
        except PageError:
            return f"<pre>{escape(repr(self))}</pre>"
