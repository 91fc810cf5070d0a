"""What a run tells while it goes on, and to whom: a terminal, a notebook, or nobody."""

from __future__ import annotations

from typing import Protocol

from xentcheck.report.finding import Finding


class ProgressLike(Protocol):
    """What a run tells while it goes on."""

    def start(self, total: int) -> None:
        """Begin a run of about `total` batches."""

    def advance(self, cell_name: str, done: int) -> None:
        """Tell how many batches have been judged in all."""

    def found(self, finding: Finding) -> None:
        """Tell of a law that is broken, as soon as it is; the batch is not reduced yet."""

    def stop(self) -> None:
        """End the run."""


class Silent:
    """Progress that tells nobody."""

    def start(self, total: int) -> None:
        """Do nothing."""

    def advance(self, cell_name: str, done: int) -> None:
        """Do nothing."""

    def found(self, finding: Finding) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
