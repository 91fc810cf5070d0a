"""What mistake would give just the values that a target returned: a name for it, where the pattern is known."""

from __future__ import annotations

from xentcheck.engine.causes.diagnosis import Cause, Explanation, common_cause
from xentcheck.engine.causes.seen import Seen

__all__ = ["Cause", "Explanation", "Seen", "common_cause"]
