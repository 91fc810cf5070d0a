"""What mistake would give just the values that a target returned: a name for it, where the pattern is known."""

from __future__ import annotations

from xentcheck.engine.causes.diagnosis import Cause, likely_cause

__all__ = ["Cause", "likely_cause"]
