"""What a boundary does to a probability, under every legitimate reading of its constants.

A constant such as 1e-7 may be used as it is written (float64), or rounded to the dtype in which the target works or
to one to which it promotes: in float32, 1 - 1e-7 reads as 1 - 1.19e-7; in float16 it reads as 1. The contract does not
say which, so the enclosure is the hull over all readings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeVar

import numpy as np

from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Real

R = TypeVar("R", bound=Real)


@dataclass(frozen=True)
class Reading:
    """The constants of a boundary as one algorithm may read them: log(p + add), or log(clip(p, low, high))."""

    add: float | None = None
    clip: tuple[float, float] | None = None

    @property
    def floor(self) -> float:
        """What the logarithm is taken of where p = 0."""
        return self.clip[0] if self.clip is not None else self.add or 0.0

    def apply(self, p: R) -> R:
        """Return f(p)."""
        if self.clip is not None:
            return p.clip(*self.clip)
        return p if self.add is None else p + self.add

    def derivative(self, p: R) -> R | None:
        """Return f'(p), [0, 1] at a limit of the clip; None stands for 1."""
        return None if self.clip is None else p.inside(*self.clip)


def readings(problem: Problem) -> tuple[Reading, ...]:
    """Return the distinct readings of the boundary's constants; the nominal one comes first."""
    boundary = problem.contract.boundary
    found: dict[Reading, None] = {}
    for name in ("float64",) if problem.as_written else ("float64", "float32", problem.format.name):
        format_ = FORMATS[name]
        if format_.precision < problem.format.precision:
            continue

        def rounded(value: float, dtype: np.dtype[np.float64] = format_.dtype) -> float:
            with np.errstate(over="ignore"):
                return float(np.asarray(value).astype(dtype))

        clip = boundary.clip and (rounded(boundary.clip[0]), rounded(boundary.clip[1]))
        reading = Reading(None if boundary.add is None else rounded(boundary.add), clip)
        found[reading] = None
    return tuple(found)


def as_read(problem: Problem) -> tuple[Problem, ...]:
    """Return the problem under each reading on its own, or as it is where there is but one."""
    found = readings(problem)
    if len(found) == 1:
        return (problem,)
    contract = problem.contract
    boundaries = (replace(contract.boundary, add=reading.add, clip=reading.clip) for reading in found)
    return tuple(
        replace(problem, contract=replace(contract, boundary=boundary), as_written=True) for boundary in boundaries
    )


def over_readings(problem: Problem, function: Callable[[Reading], R]) -> R:
    """Return the hull of a function's values under all readings."""
    return reduce(lambda a, b: a.hull(b), (function(reading) for reading in readings(problem)))
