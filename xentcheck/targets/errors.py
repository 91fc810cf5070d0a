"""The one exception that says a target cannot be used."""

from __future__ import annotations


class TargetError(ValueError):
    """A target that cannot be used; the message is one sentence that says what was given and what is wanted."""
