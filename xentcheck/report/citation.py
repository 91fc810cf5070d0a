"""How xentcheck is cited: the facts of CITATION.cff, for which a test cares."""

from __future__ import annotations

AUTHORS = "The xentcheck developers"
TITLE = "xentcheck: certified verdicts on cross-entropy losses"


def citation(version: str) -> str:
    """Return the line that cites the version which made a report."""
    return f"{AUTHORS}. {TITLE}" + (f", version {version}." if version else ".")
