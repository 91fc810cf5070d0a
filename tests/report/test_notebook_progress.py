"""How far a run is, in a notebook: what is drawn, and when this is one."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from xentcheck.report.notebook_progress import NotebookProgress, in_notebook
from xentcheck.report.report import Report


class Handle:
    """What `display` returns."""

    def __init__(self, drawn: list[str]) -> None:
        self.drawn = drawn

    def update(self, text: str) -> None:
        """Draw anew."""
        self.drawn.append(text)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is drawn, in a kernel that is none."""
    found: list[str] = []

    def display(text: str, display_id: bool) -> Handle:
        assert display_id
        found.append(text)
        return Handle(found)

    ipython: Any = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    ipython.display = ModuleType("IPython.display")
    ipython.display.HTML, ipython.display.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    return found


def test_a_bar_and_what_was_found(drawn: list[str], violating: Report) -> None:
    """The bar goes away, what was found stays; nothing is told twice, and everything is escaped."""
    progress = NotebookProgress("<mine>")
    progress.start(200)
    progress.advance("float32, sparse", 50)
    assert 'max="200" value="50"' in drawn[-1]
    assert "&lt;mine&gt; float32, sparse: 50 of about 200 batches" in drawn[-1]
    progress.found(violating.findings[2])
    progress.found(violating.findings[2])
    progress.stop()
    assert "<progress" not in drawn[-1]
    assert drawn[-1].count("broken: law 1, value") == 1


def test_a_kernel_is_told_from_a_terminal(drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And IPython's own terminal, which has no kernel, from a notebook."""
    assert drawn == []
    assert in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    assert not in_notebook()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()
