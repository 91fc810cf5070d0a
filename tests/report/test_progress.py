"""How far a run is, in a pipe and on a terminal."""

from __future__ import annotations

import io

import pytest

from xentcheck.report.progress import Progress
from xentcheck.report.report import Report


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_plain_lines_in_a_pipe(violating: Report) -> None:
    """One line at the start, one a cell, one for each law broken in a cell; nothing twice."""
    stream = io.StringIO()
    progress = Progress(stream, "mine.py:loss")
    progress.start(2000)
    for done in range(3):
        progress.advance("float32, sparse", done)
    progress.found(violating.findings[2])
    progress.found(violating.findings[2])
    progress.advance("float64, sparse", 1000)
    progress.stop()
    progress.stop()
    assert stream.getvalue().splitlines() == [
        "mine.py:loss: about 2,000 batches planned",
        "mine.py:loss: float32, sparse, 0 of about 2,000 batches done",
        "broken: law 1, value (float32, sparse): the loss is outside its allowance, 1.4e+06 times the allowance",
        "mine.py:loss: float64, sparse, 1,000 of about 2,000 batches done",
    ]


def test_a_bar_on_a_terminal(violating: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar counts, and a broken law is told of above it at once."""
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    progress = Progress(stream, "mine.py:loss")
    progress.start(20)
    progress.advance("float32, sparse", 5)
    progress.found(violating.findings[0])
    seen = stream.getvalue()
    progress.stop()
    assert "broken: law 3, shift" in seen
    assert "5/20" in stream.getvalue() or "0/20" in stream.getvalue()


def test_stopping_what_never_started_is_harmless() -> None:
    """A target that cannot be used ends before the start."""
    Progress(io.StringIO()).stop()
