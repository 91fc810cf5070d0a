"""What ends a command."""

from __future__ import annotations


class BrokenError(Exception):
    """A command cannot do its work; the message is one sentence that says what to do."""
