"""How far a run is: a bar on a terminal, plain lines in a pipe, both on the stream for messages.

A law that is broken is told of at once: a gross bug shows long before the search is done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from xentcheck.contract.harmless import harmless
from xentcheck.report.finding import Finding, summary
from xentcheck.report.terminal import console


class Progress:
    """Driven by the engine: start, advance and found as often as there is news, stop at the end.

    Parameters
    ----------
    stream : text stream
        Where to tell of it, as a rule standard error.
    name : str
        The target.
    ended : callable
        Whether the run is to end; then the next batch raises KeyboardInterrupt.
    """

    def __init__(self, stream: IO[str], name: str = "", ended: Callable[[], bool] = lambda: False) -> None:
        self._ended = ended
        self._console: Console = console(stream)
        self._name = harmless(name)
        self._total = 0
        self._cell = ""
        self._told: set[tuple[int, str, str]] = set()
        self._bar: Bar | None = None
        self._task = TaskID(0)

    def start(self, total: int) -> None:
        """Begin a run of about `total` batches."""
        self._total = total
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Bar(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(self._name, total=total)
            self._bar.start()
        else:
            self._line(f"{self._name}: about {total:,} batches planned")

    def advance(self, cell_name: str, done: int) -> None:
        """Tell that `done` batches of the whole run have been judged, the last ones in the cell of that name."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=f"{self._name} {cell_name}".strip())
        elif cell_name != self._cell:
            self._line(f"{self._name}: {cell_name}, {done:,} of about {self._total:,} batches done")
        self._cell = cell_name
        if self._ended():
            raise KeyboardInterrupt

    def found(self, finding: Finding) -> None:
        """Tell of a finding, once for each law, dtype and label form."""
        key = (finding.number, finding.dtype, finding.labels)
        if key not in self._told:
            self._told.add(key)
            self._line(f"broken: {summary(finding)}", "red")

    def stop(self) -> None:
        """End the run; the bar goes away. Without effect where it has ended."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _line(self, text: str, style: str = "") -> None:
        with suppress(OSError):  # where it goes to may be full
            self._console.print(Text(text, style), soft_wrap=True)
