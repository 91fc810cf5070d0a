"""Whether returned numbers are within their allowance of the exact ones: a failure is a proof."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import arb
from numpy.typing import NDArray

from xentcheck.truth.arbs import precision
from xentcheck.truth.certify import Index, balls, certify, special
from xentcheck.truth.doubled import two_sum
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.formats import Format
from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Floats

# Elements of scores that python-flint may go through in one verdict, at some 2 microseconds each: to decide what the
# enclosure leaves undecided, and to prove the worst failures a second time, independently of double-double arithmetic.
DECIDING = 2**18
PROVING = 2**14
_PRECISIONS = (128, 192, 320, 640)
_UP = 1.0 + 2.0**-48
_DOWN = 1.0 - 2.0**-48


@dataclass(frozen=True)
class Miss:
    """One number outside its allowance.

    Parameters
    ----------
    index : tuple of int
    got : float
    low, high : float
        Certified bounds of the exact value; see `certify`.
    allowance : float
    times : float
        How many allowances it is away; inf where it is not finite and should be, or the other way round.
    """

    index: Index
    got: float
    low: float
    high: float
    allowance: float
    times: float


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
        How many numbers could be neither proved to fail nor to pass within `DECIDING`; they are not counted as failed.
    """

    problem: Problem
    part: str
    got: Floats
    allowance: Floats
    error: Floats
    times: Floats
    failed: NDArray[np.bool_]
    undecided: int

    def worst(self) -> Miss | None:
        """Return the failure that is most allowances away, or None if nothing failed."""
        if not self.failed.any():
            return None
        place = int(np.where(self.failed, self.times, -1.0).argmax())
        index = tuple(int(i) for i in np.unravel_index(place, self.failed.shape))
        low, high = certify(self.problem, self.part, index)
        return Miss(index, float(self.got[index]), low, high, float(self.allowance[index]), float(self.times[index]))


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
    part : {"rows", "loss", "gradient"}
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
    are proved a second time by it, as far as `PROVING` goes; ArithmeticError is raised should the two disagree.
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
        failed &= ~unsure
        wrong = known & np.isnan(got)
        reach = (np.copysign(1.0, got) * (hi + lo) + radius + allowance) * _UP
        wrong |= known & np.isinf(got) & ~(reach > largest)
        right = np.isnan(hi) & np.isnan(got) | np.isinf(hi) & (got == hi) | known & np.isinf(got) & (reach > largest)
        wrong |= ~np.isfinite(hi) & ~right
        times = np.where(wrong, np.inf, np.where(right, 0.0, times))
        error = np.where(wrong, np.inf, np.where(right, 0.0, error))
    failed = (failed | wrong) & judged
    unsure &= judged
    times = np.where(judged, times, 0.0)
    open_ = 0
    if unsure.any():
        open_ = _decide(problem, part, got, allowance, largest, unsure, failed, error, times)
    if failed.any():
        _prove(problem, part, got, allowance, largest, failed, times)
    return Held(problem, part, got, allowance, error, times, failed, open_)


def _decide(
    problem: Problem,
    part: str,
    got: Floats,
    allowance: Floats,
    largest: float,
    unsure: NDArray[np.bool_],
    failed: NDArray[np.bool_],
    error: Floats,
    times: Floats,
) -> int:
    """Decide elements by python-flint, writing what is found into the last three; return how many are left."""
    left = 0
    budget = DECIDING
    for row, columns in _by_row(unsure, part):
        places = [row + tuple(column) for column in columns.T.tolist()]
        if budget <= 0:
            left += len(places)
            continue
        budget -= problem.m if row else problem.m * problem.n
        open_ = special(problem, part, places[0])
        if open_ is not None:  # left open by the contract: anything goes
            for place in places:
                times[place] = 0.0
            continue
        for place, verdict in _verdicts(problem, part, row, columns, got, allowance, largest).items():
            outside, error[place], times[place] = verdict
            failed[place] = outside is True
            left += outside is None
    return left


def _prove(
    problem: Problem,
    part: str,
    got: Floats,
    allowance: Floats,
    largest: float,
    failed: NDArray[np.bool_],
    times: Floats,
) -> None:
    """Prove the worst failures once more by python-flint; raise ArithmeticError where it finds them to be inside."""
    budget = PROVING
    worst = np.zeros_like(failed)
    for place in np.argsort(np.where(failed, -times, np.inf), axis=None)[:16]:
        worst.flat[place] = failed.flat[place] and np.isfinite(got.flat[place])
    for row, columns in _by_row(worst, part):
        budget -= problem.m if row else problem.m * problem.n
        if budget < 0:
            return
        places = [row + tuple(column) for column in columns.T.tolist()]
        if special(problem, part, places[0]) is not None:
            continue
        for place, (outside, _, _) in _verdicts(problem, part, row, columns, got, allowance, largest).items():
            if outside is False:
                raise ArithmeticError(
                    f"Double-double and ball arithmetic disagree on {part}{list(place)}: this is a fault of xentcheck."
                )


def _by_row(chosen: NDArray[np.bool_], part: str) -> Iterator[tuple[Index, NDArray[np.int64]]]:
    """Yield the elements chosen, those of a gradient's row together: the row's index and the columns (1, k)."""
    if part != "gradient":
        for place in np.argwhere(chosen).tolist():
            yield tuple(place), np.zeros((0, 1), np.int64)
        return
    for i in np.flatnonzero(chosen.any(-1)).tolist():
        yield (i,), np.flatnonzero(chosen[i])[None, :]


def _verdicts(
    problem: Problem,
    part: str,
    row: Index,
    columns: NDArray[np.int64],
    got: Floats,
    allowance: Floats,
    largest: float,
) -> dict[Index, tuple[bool | None, float, float]]:
    """Return for each element: outside (True), inside (False) or not known (None); its error; its times."""
    places = [row + tuple(column) for column in columns.T.tolist()]
    found: dict[Index, tuple[bool | None, float, float]] = {}
    for bits in _PRECISIONS:
        values = balls(problem, part, row, columns, bits)
        with precision(bits):
            for place, value in zip(places, values, strict=True):
                if found.get(place, (None,))[0] is None:
                    found[place] = _verdict(float(got[place]), value, float(allowance[place]), largest)
        if all(outside is not None for outside, _, _ in found.values()):
            break
    return found


def _verdict(got: float, value: arb, allowance: float, largest: float) -> tuple[bool | None, float, float]:
    """Return what `_verdicts` does, for one element."""
    limit = arb(allowance)
    if math.isnan(got):
        return True, math.inf, math.inf
    if math.isinf(got):
        reach = (value if got > 0 else -value) + limit
        return (True, math.inf, math.inf) if reach <= largest else (False, 0.0, 0.0)
    distance = abs(arb(got) - value)
    least = float(distance.lower()) if distance > 0 else 0.0
    outside = True if distance > limit else (False if distance <= limit else None)
    times = 0.0 if least == 0.0 else (least / allowance if allowance > 0 else math.inf)
    if outside is not True:
        times = min(times, 1.0)
    return outside, float(distance.upper()), times
