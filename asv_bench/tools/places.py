"""Where things lie."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "asv.conf.json"
SCRATCH = ROOT / ".asv"
"""Environments, pages and what is not kept; git ignores it."""
