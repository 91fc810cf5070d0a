"""Grades: how accurate a target is, by the tightest allowance that its worst element keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from xentcheck.truth.allowance import ULPS, Allowances
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, conforming, known, output_format
from xentcheck.truth.conditions import Conditions
from xentcheck.truth.problem import Problem

GRADES = ("A*", "A", "B+", "B", "C", "fail")
"""Best first: half an ulp of the output, one ulp, the bound R, the bound B, the bound C, none of them."""

FORMS = {"B+": "R", "B": "B", "C": "C"}
"""The name in `Bounds` of the bound of each grade that has one of its own."""
_NOTED = {"C": "C*", "B": "B*"}


@dataclass(frozen=True)
class Grade:
    """What the worst element of one part of a result deserves.

    Parameters
    ----------
    grade : str
        One of GRADES.
    max_ulp : float
        The largest error in ulp of the output at the exact value; inf where a value is wrongly not finite. It is the
        largest that was met, a lower bound of the largest there is.
    index : tuple of int or None
        Where it was met; None if no element was graded.
    note : bool
        Whether an element is beyond the tight bound B (or C) and has this grade for keeping the conformance allowance
        of class B (or C), or the one of the contract where its value lies between two legitimate readings of a
        constant: the algorithm is a legitimate one, but not a plain one.
    max_error : float
        The largest absolute error: in nats for the loss.
    error_index : tuple of int or None
        Where that was met.
    """

    grade: str
    max_ulp: float
    index: tuple[int, ...] | None
    note: bool = False
    max_error: float = 0.0
    error_index: tuple[int, ...] | None = None


class Bounds(Mapping[str, Allowances]):
    """Allowances by name, each calculated when it is first asked for.

    "R" (log1p form), "B" (shifted form) and "C" (logsumexp - z_y) are tight: they hold for plain code with exp and
    log of 4 ulp, any order of summation, and subnormal numbers kept. "B*" and "C*" are those of conformance.
    """

    def __init__(self, problem: Problem, conditions: Conditions) -> None:
        self._problem = problem
        self._conditions = conditions
        self._known: dict[str, Allowances] = {}

    def __getitem__(self, name: str) -> Allowances:
        if name not in self._known:
            by, derivatives = (self._model(name, part) for part in ("loss", "gradient"))
            self._known[name] = Allowances(self._conditions, by, derivatives)
        return self._known[name]

    def _model(self, name: str, part: str) -> Arithmetic:
        if name.endswith("*"):
            return conforming(self._problem, name.removesuffix("*"), part)
        return known(self._problem, name, part)

    def __iter__(self) -> Iterator[str]:
        return iter((*FORMS.values(), *sorted(_NOTED.values())))

    def __len__(self) -> int:
        return len(FORMS) + len(_NOTED)


def tight(problem: Problem, conditions: Conditions) -> Bounds:
    """Return the bounds "R", "B" and "C" by which a problem is graded; "B*" and "C*" are there for comparison."""
    return Bounds(problem, conditions)


def grade(
    error: Floats,
    exact: Floats,
    got: Floats,
    tights: Mapping[str, Allowances],
    problem: Problem,
    part: str = "loss",
    failed: Flags | None = None,
) -> Grade:
    """Return the worst grade over the elements of one part of a result.

    Parameters
    ----------
    error : ndarray of float64
        Upper bounds of the absolute errors, to the nearest legitimate value.
    exact, got : ndarray of float64, of the shape of `error`
        The exact values, to float64, and those returned.
    tights : mapping
        As `tight` returns it.
    part : {"rows", "loss", "gradient"}
    failed : ndarray of bool, optional
        What the verdict says. An element that conforms is never of the grade "fail": at worst it has the grade that
        the contract promises. Without it, bounds alone decide.

    Notes
    -----
    An element is not graded where B is inf, nor where the exact value is not finite or rounds to infinity. A value
    that is wrongly not finite fails.
    """
    format_ = output_format(problem, part)
    exact, got = np.asarray(exact, np.float64), np.asarray(got, np.float64)
    error = np.asarray(error, np.float64)
    # An infinity has no error where the exact value may be beyond the largest number.
    error = np.where(np.isfinite(got) | _conforms(failed, error.shape), error, np.inf)
    judged = np.isfinite(getattr(tights["B"], part)) & (np.abs(exact) <= format_.largest)
    if not judged.any():
        return Grade(GRADES[0], 0.0, None)
    # An exact 0 is known to the radius of its enclosure only, which is nothing beside one ulp of a half.
    unit = format_.ulp(np.where(judged & (exact != 0.0), exact, 0.5))
    with np.errstate(over="ignore"):  # some errors are beyond any number of ulp
        in_ulp = np.where(judged, error / unit, -1.0)
    index, largest = _place(in_ulp), _place(np.where(judged, error, -1.0))
    finite = np.isfinite(error)
    # Element by element the best grade that holds, then the worst of those. What nothing needs is not calculated.
    level, left = np.full(error.shape, GRADES.index("fail")), judged & finite
    for name in GRADES[:-1]:
        if not left.any():
            break
        kept = left & (error <= (ULPS[name] * unit if name in ULPS else getattr(tights[FORMS[name]], part)))
        level, left = np.where(kept, GRADES.index(name), level), left & ~kept
    noted = np.zeros(error.shape, bool)
    for name, form in _NOTED.items():
        if (judged & (level > GRADES.index(name))).any():
            kept = judged & finite & (level > GRADES.index(name)) & (error <= getattr(tights[form], part))
            level, noted = np.where(kept, GRADES.index(name), level), noted | kept
    spared = judged & (level == GRADES.index("fail")) & _conforms(failed, error.shape)
    level, noted = np.where(spared, GRADES.index(problem.contract.accuracy), level), noted | spared
    worst = GRADES[int(level[judged].max())]
    return Grade(worst, float(in_ulp[index]), index, bool(noted.any()), float(error[largest]), largest)


def _conforms(failed: Flags | None, shape: tuple[int, ...]) -> Flags:
    """Return the elements that the verdict is known to pass."""
    return np.zeros(shape, bool) if failed is None else ~failed


def _place(values: Floats) -> tuple[int, ...]:
    """Return the index of the largest value."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(values)), values.shape))
