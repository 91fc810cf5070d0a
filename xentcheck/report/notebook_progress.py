"""How far a run is, in a notebook: a bar that is drawn anew in its place, and the laws broken so far below it."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from xentcheck.contract.harmless import harmless
from xentcheck.report.finding import Finding, summary

_OFTEN = 0.2  # seconds between two drawings


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class NotebookProgress:
    """Driven by the engine as `progress.Progress` is.

    Parameters
    ----------
    name : str
        The target.
    """

    def __init__(self, name: str) -> None:
        self._name = harmless(name)
        self._total, self._done, self._cell = 0, 0, ""
        self._broken: dict[tuple[int, str, str], str] = {}
        self._shown: Any = None
        self._drawn = 0.0

    def start(self, total: int) -> None:
        """Begin a run of about `total` batches."""
        from IPython.display import HTML, display

        self._total = total
        self._shown = display(HTML(self._html()), display_id=True)

    def advance(self, cell_name: str, done: int) -> None:
        """Tell that `done` batches of the whole run have been judged, the last ones in the cell of that name."""
        self._done, self._cell = done, harmless(cell_name)
        if time.monotonic() - self._drawn > _OFTEN:
            self._draw()

    def found(self, finding: Finding) -> None:
        """Tell of a finding, once for each law, dtype and label form."""
        key = (finding.number, finding.dtype, finding.labels)
        if key not in self._broken:
            self._broken[key] = summary(finding)
            self._draw()

    def stop(self) -> None:
        """End the run; the bar goes away, and what was found stays."""
        self._total = 0
        self._draw()

    def _draw(self) -> None:
        from IPython.display import HTML

        self._drawn = time.monotonic()
        if self._shown is not None:
            self._shown.update(HTML(self._html()))

    def _html(self) -> str:
        broken = "".join(f"<li>broken: {escape(said)}</li>" for said in self._broken.values())
        bar = ""
        if self._total:
            label = escape(f"{self._name} {self._cell}: {self._done:,} of about {self._total:,} batches")
            bar = f'<label>{label} <progress max="{self._total}" value="{self._done}"></progress></label>'
        return f"<div>{bar}{f'<ul>{broken}</ul>' if broken else ''}</div>"
