"""Whether returned numbers are within their allowance of the exact ones: a failure is a proof."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.certify import Index, certify
from xentcheck.truth.decisions import Question, decide, prove
from xentcheck.truth.double_double import two_sum
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.formats import Format
from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Floats

_UP = 1.0 + 2.0**-48
_DOWN = 1.0 - 2.0**-48


@dataclass(frozen=True)
class Miss:
    """One number outside its allowance.

    Parameters
    ----------
    problem : Problem
    part : str
    index : tuple of int
    got : float
    exact : float
        The exact value to float64; nan or an infinity where that is one.
    allowance : float
    times : float
        How many allowances it is away; inf where it is not finite and should be, or the other way round.
    """

    problem: Problem
    part: str
    index: Index
    got: float
    exact: float
    allowance: float
    times: float

    def bounds(self) -> tuple[float, float]:
        """Return certified bounds of the exact value, by ball arithmetic: most misses are never shown to anybody."""
        return certify(self.problem, self.part, self.index)


@dataclass(frozen=True, eq=False)
class Held:
    """Returned numbers held against an enclosure; all arrays have their shape.

    Parameters
    ----------
    error : ndarray of float64
        Upper bound of the absolute error.
    times : ndarray of float64
        The distance from the enclosure over the allowance: above 1 only for failures. Where nothing is judged
        (infinite allowance, or a value that the contract leaves open) it is 0.
    failed : ndarray of bool
        True only where the number is proved to be further from the exact value than the allowance.
    undecided : int
        How many numbers could be neither proved to fail nor to pass within `decisions.DECIDING`; they are not counted
        as failed.
    """

    problem: Problem
    part: str
    got: Floats
    enclosure: Enclosure
    allowance: Floats
    error: Floats
    times: Floats
    failed: NDArray[np.bool_]
    undecided: int

    def worst(self) -> Miss | None:
        """Return the failure that is most allowances away, or None if nothing failed."""
        return self._worst

    @cached_property
    def _worst(self) -> Miss | None:
        # Each law asks for it that compares an answer of its own with the one on the batch itself.
        if not self.failed.any():
            return None
        place = int(np.where(self.failed, self.times, -1.0).argmax())
        index = tuple(int(i) for i in np.unravel_index(place, self.failed.shape))
        known = np.isfinite(self.enclosure.radius[index])
        exact = float(self.enclosure.hi[index]) if known else certify(self.problem, self.part, index)[0]
        got, allowance, times = (float(one[index]) for one in (self.got, self.allowance, self.times))
        return Miss(self.problem, self.part, index, got, exact, allowance, times)


def hold(
    problem: Problem,
    part: str,
    got: NDArray[np.float64],
    enclosure: Enclosure,
    allowance: Floats,
    result_format: Format | None = None,
) -> Held:
    """Return which returned numbers are outside their allowance.

    Parameters
    ----------
    part : {"rows", "loss", "gradient", "hessian_vector", "jvp"}
        Of what `enclosure` is; see `Enclosed`.
    got : ndarray of float64
        What the target returned, in the shape of the enclosure.
    allowance : ndarray of float64
        inf (or nan) where nothing is judged.
    result_format : Format, optional
        The format of the result, in which +-inf is right where the exact value may exceed its range. Default: that
        of the problem.

    Notes
    -----
    An element is outside if its distance from the whole interval exceeds the allowance, inside if that of no point of
    the interval does. Whatever lies between is decided by python-flint at up to 640 bits. Of those outside, the worst
    are proved a second time by it, as far as `decisions.PROVING` goes; ArithmeticError is raised should both disagree.
    Non-finite numbers: an exact nan asks for nan, an exact +inf for +inf, and a finite value for a finite number.
    """
    got = np.asarray(got, np.float64)
    if got.shape != enclosure.shape:
        raise ValueError(f"got has the shape {got.shape}, but the exact value has {enclosure.shape}.")
    allowance = np.broadcast_to(np.asarray(allowance, np.float64), got.shape)
    largest = (result_format or problem.format).largest
    judged = allowance < np.inf
    hi, lo, radius = enclosure.hi, enclosure.lo, enclosure.radius
    with np.errstate(all="ignore"):
        difference, rest = two_sum(got, -hi)
        distance = np.abs(difference + (rest - lo))
        error = (distance + radius) * _UP
        least = np.maximum(distance * _DOWN - radius * _UP, 0.0)
        times = np.where(least > 0, least / allowance, 0.0)
        known = np.isfinite(hi) & np.isfinite(radius)
        finite = known & np.isfinite(got)
        failed = finite & (least > allowance)
        unsure = finite & ~failed & ~(error <= allowance)
        # A subtraction that overflows, and everything beyond the range of float64, is left to python-flint.
        unsure |= np.isfinite(hi) & np.isinf(radius) | finite & ~np.isfinite(distance)
        wrong = known & np.isnan(got)
        reach = (np.copysign(1.0, got) * (hi + lo) + radius + allowance) * _UP
        wrong |= known & np.isinf(got) & ~(reach > largest)
        right = np.isnan(hi) & np.isnan(got) | np.isinf(hi) & (got == hi) | known & np.isinf(got) & (reach > largest)
        wrong |= ~np.isfinite(hi) & ~right
        times = np.where(wrong, np.inf, np.where(right, 0.0, times))
        error = np.where(wrong, np.inf, np.where(right, 0.0, error))
    # Arrays even where the shape is (), so that decisions can be written into them.
    failed, unsure = np.array((failed | wrong) & judged), np.array(unsure & judged)
    error, times = np.array(error), np.array(np.where(judged, times, 0.0))
    question = Question(problem, part, got, allowance, largest)
    undecided = decide(question, unsure, failed, error, times) if unsure.any() else 0
    if failed.any():
        prove(question, failed, times)
    return Held(problem, part, got, enclosure, allowance, error, times, failed, undecided)
