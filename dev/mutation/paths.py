"""Where a session is kept, and which parts of the package and which tests it is about."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".mutation"
COPY, SESSION, LINES, SECONDS, FAILED, NOTES = (
    KEPT / name for name in ("copy", "session.sqlite", "coverage", "seconds.json", "failed.txt", "notes")
)
ROOMS = ("xentcheck/truth", "xentcheck/properties", "xentcheck/engine")
TESTS = tuple(
    f"tests/{room}"
    for room in ("truth", "properties", "engine", "diagnosis", "selftest", "report", "zoo", "pytest_plugin")
)
# Assertions as they stand: nothing is kept of rewritten ones where no bytecode is written, and to rewrite takes longer.
PYTEST = ("-n0", "-q", "-p", "no:cacheprovider", "--assert=plain")
