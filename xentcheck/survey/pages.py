"""The table as a page, as Markdown, as JSON, and a badge a target."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentcheck.contract.harmless import first_line
from xentcheck.report import encoding
from xentcheck.report.files import write_whole
from xentcheck.report.finding import times
from xentcheck.report.html.page import require, templates
from xentcheck.report.markdown import code, plain
from xentcheck.report.results import CONFORMS, VIOLATES
from xentcheck.survey import upstream
from xentcheck.survey.judging import file_name
from xentcheck.survey.rows import DISAGREES, SCHEMA, VERIFIED, Row
from xentcheck.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

_TONES = {CONFORMS: "#1a7f37", VIOLATES: "#b35900"}
_OTHER = "#57606a"


def write(rows: Sequence[Row], directory: Path, *, date: str, seed: int, profile: str) -> list[Path]:
    """Write the table in all its forms and a text for each finding, each whole or not at all, and remove further texts.

    Parameters
    ----------
    rows : sequence of Row
    directory : Path
    date : str
        Of the survey, "2026-11-29".
    seed : int
    profile : str

    Returns
    -------
    list of Path
        What was written.
    """
    said = {
        "rows": rows,
        "date": date,
        "seed": seed,
        "profile": profile,
        "version": __version__,
        "counts": counts(rows),
    }
    texts = {
        "table.html": _templates().get_template("table.html.j2").render(**said),
        "table.md": _templates().get_template("table.md.j2").render(**said).rstrip() + "\n",
        "table.json": as_json(rows, date=date, seed=seed, profile=profile),
    }
    for one in rows:
        texts[f"badges/{file_name(one.name)}.svg"] = badge(one)
        for place, line in enumerate(one.findings, 1):
            texts[f"upstream/{file_name(one.name)}-{place}.md"] = upstream.text(one, line)
    written = []
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
        written.append(path)
    for one in rows:  # an earlier survey may have had more findings
        place = len(one.findings) + 1
        while (stale := directory / f"upstream/{file_name(one.name)}-{place}.md").exists():
            stale.unlink()
            place += 1
    return written


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many targets conform, violate, were not judged; findings, and how many of them are verified."""
    lines = [line for one in rows for line in one.findings]
    return {
        "targets": len(rows),
        "conform": sum(one.verdict == CONFORMS for one in rows),
        "violate": sum(one.verdict == VIOLATES for one in rows),
        "not judged": sum(one.verdict not in (CONFORMS, VIOLATES) for one in rows),
        "findings": len(lines),
        "verified": sum(line.verification == VERIFIED for line in lines),
        "disagreeing": sum(line.verification == DISAGREES for line in lines),
    }


def as_json(rows: Sequence[Row], *, date: str, seed: int, profile: str) -> str:
    """Return the table as JSON text."""
    stated = {
        "schema": SCHEMA,
        "xentcheck": __version__,
        "date": date,
        "profile": profile,
        "seed": seed,
        "counts": counts(rows),
        "targets": [encoding.plain(one) for one in rows],
    }
    return encoding.text(stated)


def badge(row: Row) -> str:
    """Return a badge as SVG: the verdict on a target, and how many laws were held against it."""
    said = {CONFORMS: f"conforms, {len(row.laws_held)} laws", VIOLATES: f"{len(row.laws_broken)} laws broken"}
    text = said.get(row.verdict, "not judged")
    left, right = 66, 12 + 7 * len(text)
    return (
        _templates()
        .get_template("badge.svg.j2")
        .render(text=text, left=left, right=right, colour=_TONES.get(row.verdict, _OTHER), name=row.name)
    )


def shown(value: Any) -> str:
    """Return a number to three digits, a word as it is."""
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


@cache
def _templates() -> Environment:
    require(drawing=False)
    found = templates(__package__)
    found.filters |= {"shown": shown, "cell": cell, "code": code, "file": file_name, "microseconds": microseconds}
    found.filters |= {"pieces": pieces, "got": got, "multiple": multiple}
    return found


def got(value: Any) -> str:
    """Return what was got: a number with all its digits; of an exception the first line of its message."""
    return first_line(value) if isinstance(value, str) else "" if value is None else repr(value)


def multiple(value: float | None) -> str:
    """Return the error over the allowance, so that it can be seen to be above 1."""
    if value is None or not math.isfinite(value):
        return shown(value)
    return times(value).removesuffix(" times")


def cell(value: Any) -> str:
    """Return a number or words for a cell of a table in Markdown."""
    return plain(shown(value))


def pieces(name: str) -> list[str]:
    """Return a dotted name in pieces between which a line may end: after a dot, before an underscore."""
    return re.split(r"(?<=\.)|(?=_)", name)


def microseconds(value: float | None) -> str:
    """Return a time in microseconds."""
    return "" if value is None else f"{value * 1e6:,.0f}"
