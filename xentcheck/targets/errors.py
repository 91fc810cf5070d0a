"""The exceptions that say a target cannot be used."""

from __future__ import annotations

from xentcheck.contract.harmless import harmless


class TargetError(ValueError):
    """A target that cannot be used; the message is one sentence that says what was given and what is wanted."""

    def __init__(self, sentence: str) -> None:
        super().__init__(harmless(sentence))


class NotReadyError(TargetError):
    """A target that cannot be imported and made."""
