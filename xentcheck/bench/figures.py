"""What is measured, and the figures that come of it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

PARTS = ("loss", "gradient", "both")
FORMS = ("sparse", "onehot")
REFERENCE = "reference"


@dataclass(frozen=True)
class Case:
    """One input size.

    Parameters
    ----------
    sweep : str
        What varies in the series that the case belongs to: "classes" or "rows".
    rows, classes : int
    dtype : str
    part : {"loss", "gradient", "both"}
    """

    sweep: str
    rows: int
    classes: int
    dtype: str
    part: str

    @property
    def shape(self) -> str:
        """The size as it is shown, "64x1000"."""
        return f"{self.rows}x{self.classes}"


@dataclass(frozen=True)
class Spread:
    """The median of samples and the middle half of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Return the spread of at least one sample."""
        if len(samples) < 2:
            return cls(samples[0], samples[0], samples[0])
        low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True)
class Figure:
    """One path of one target in one case.

    Parameters
    ----------
    target : str
    labels : {"sparse", "onehot"}
    seconds : Spread
        Wall time a call.
    least : float
        Wall time a call of the shortest sample, which other programs have disturbed least.
    cores : float
        Processor time over wall time: above 1 where several threads work, far below 1 where other processes do.
    to_reference : Spread or None
        Time over that of the reference with the same labels, by neighbouring samples.
    to_other : Spread or None
        Time over that of the same target's other path.
    peak : float or None
        Most that a call allocates at a time, in bytes per byte of logits; None where it cannot be seen: frameworks
        allocate behind Python's back.
    note : str
    """

    target: str
    labels: str
    seconds: Spread
    least: float
    cores: float
    to_reference: Spread | None = None
    to_other: Spread | None = None
    peak: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Result:
    """The figures of one case."""

    case: Case
    figures: tuple[Figure, ...]
    absent: Mapping[str, str] = field(default_factory=dict)

    def as_mapping(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Result:
        """Return what `as_mapping` was made from."""
        return cls(Case(**given["case"]), tuple(map(_figure, given["figures"])), dict(given["absent"]))


def _figure(given: Mapping[str, Any]) -> Figure:
    fields: dict[str, Any] = {
        key: Spread(**value) if isinstance(value, Mapping) else value for key, value in given.items()
    }
    return Figure(**fields)
