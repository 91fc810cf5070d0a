"""What comes of the search of one cell: how its laws were broken, and what was seen on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from xentcheck.batches.batch import Batch
from xentcheck.engine import coverage
from xentcheck.engine.grading import Graded
from xentcheck.engine.plan import Cell
from xentcheck.engine.samples import Samples
from xentcheck.properties.law import Law, Violation
from xentcheck.properties.left_open import LeftOpen
from xentcheck.targets.outcome import Raised

FATAL_LIMIT = 3
"""So many deaths of the target's process end the search of a cell."""


@dataclass(frozen=True, eq=False)
class Fall:
    """One time that a batch broke a law; the violation may be on a batch derived from it."""

    law: Law
    violation: Violation
    batch: Batch


@dataclass
class Tally:
    """What is known of one law in one cell.

    `examples` counts the batches on which it had an answer to look at, until it fell; `falls` are the first time that
    it was broken and some of the later ones, on `again` further batches.
    """

    law: Law
    examples: int = 0
    seconds: float = 0.0
    falls: list[Fall] = field(default_factory=list)
    again: int = 0


@dataclass
class CellResult:
    """Everything about the search of one cell.

    `deaths` counts how often the target's process ended or was ended, in whichever call; `answered` the batches on
    which a call returned at all, and `raised` is the first exception instead. `drawing`: whether the sweep is over.
    `left_open`: bad input about which the contract says nothing, still to be tried; `witnessed`: batches for the
    witnesses. `coverage`: on how many of the batches judged what occurs. `digest` is that of the batches judged, in
    their order. `left`: whether the search was given up, after too many deaths or because enough was found. `fault` and
    `trace` are the text and the traceback of an exception that ended the search, whoever is to blame for it; `lost`
    says of parts of the search why nothing is known of them.
    """

    cell: Cell
    planned: int = 0
    run: int = 0
    skipped: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    grades: dict[str, Graded] = field(default_factory=dict)
    samples: Samples = field(default_factory=Samples)
    witnessed: list[Batch] = field(default_factory=list)
    observations: Counter[str] = field(default_factory=Counter)
    left_open: list[LeftOpen] = field(default_factory=list)
    coverage: coverage.Counts = field(default_factory=dict)
    deaths: int = 0
    answered: int = 0
    raised: Raised | None = None
    drawing: bool = False
    digest: str = ""
    left: bool = False
    interrupted: bool = False
    fault: str = ""
    trace: str = ""
    lost: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether the search was ended before all that was planned had been tried."""
        return self.left or self.interrupted or bool(self.fault) or self.deaths >= FATAL_LIMIT
