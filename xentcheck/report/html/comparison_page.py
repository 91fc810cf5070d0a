"""Comparisons of reports as a page."""

from __future__ import annotations

from collections.abc import Sequence

from xentcheck.report.comparison import Comparison
from xentcheck.report.html.page import require, templates

_TONES = {"broke": "bad", "worse": "bad", "mended": "good", "better": "good"}


def page(tables: Sequence[Comparison]) -> str:
    """Return a page with all rows of each comparison; raises PageError where jinja2 is not installed."""
    require(drawing=False)
    return templates().get_template("comparison.html.j2").render(tables=tables, tones=_TONES)
