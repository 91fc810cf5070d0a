"""The command line. Each command lives in a module of its own, which is imported when it is called."""

from __future__ import annotations

from xentcheck.cli.main import main

__all__ = ["main"]
