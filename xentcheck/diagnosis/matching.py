"""When a prediction counts as hit, and how much that proves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.loss_model import Floats, Model, dot
from xentcheck.diagnosis.prediction import Prediction

# Some three hundred hypotheses are tried, so that each must be hit far closer than by one chance in three hundred.
# A scalar in a 16-bit format seldom holds as much: it is then left unexplained.
LEAST_BITS = 10.0
BITS_FORGIVEN = 4.0  # for a simulation in the target's own arithmetic: its values lie close to the right ones
BITS_OF_A_SURPRISE = 10.0  # a predicted nan or infinity, or a predicted number in the place of one


def distance(a: Floats, b: Floats) -> Floats:
    """Return |a - b|, where equal infinities and two nan are 0 apart, and other non-finite pairs infinitely far."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):  # inf - inf, of which `same` knows better
        gap = np.where(same, 0.0, np.abs(a - b))
    return np.asarray(np.where(np.isnan(gap), np.inf, gap))


def allowance(model: Model) -> Floats:
    """Return the conformance allowance of docs/bounds.md without its rarer terms, finite everywhere.

    Shape of the part. It is only the line between "right" and "worth an explanation" where the verdict has none.
    """
    log_p, p = model.unguarded
    t, m, u = model.t, model.m, model.u
    wide = u if not model.problem.format.is_half else 2.0**-24
    half = model.problem.format.is_half
    tiny = 14 * (model.problem.format.smallest_subnormal if half else model.problem.format.smallest_normal)
    d = np.abs(log_p - log_p.max(axis=-1, keepdims=True)) if m else log_p
    D = dot(p, d)
    loss = np.abs(dot(t, log_p))
    total = np.abs(t).sum(axis=-1)
    relative = model.contract.accuracy in ("A*", "A", "B+")
    rows_q = np.where(p.max(axis=-1) > 0.5, np.abs(log_p.max(axis=-1)), 1.0) if relative else np.ones(model.n)
    row = u * (total * (3 * D + 20 * rows_q) + 4 * np.abs(dot(t, d)) + 10 * loss) + wide * m * total * rows_q + m * tiny
    if model.contract.input == "logits" and model.contract.accuracy == "C":
        row += 4 * u * total * np.abs(model.lse)
    if model.part == "loss":
        scale = abs(1 / model.divisor) if model.divisor else 1.0
        if model.reduction == "none":
            return np.asarray(row * scale + 2 * u * np.abs(model.right))
        return np.asarray((row.sum() + wide * model.n * loss.sum()) * scale + 4 * u * np.abs(model.right))
    entry = u * total[:, None] * p * (4 * d + 3 * D[:, None] + 20) + wide * m * total[:, None] * p
    entry += 4 * u * t + 4 * u * np.abs(model.rows())
    return np.abs(model.finish(entry)) + tiny


@dataclass(frozen=True, eq=False)
class Match:
    """A guess that explains the values returned on a batch.

    Parameters
    ----------
    guess : Prediction
    bits : float
        Evidence, summed over the elements.
    largest : float
        The evidence of the most telling element.
    order : (int, int)
        The place of the hypothesis among all, and of the guess among its own.
    value : ndarray of float64
        What was compared: the predicted part, with right values where it may be right.
    """

    guess: Prediction
    bits: float
    largest: float
    order: tuple[int, int]
    value: Floats

    def at(self, order: tuple[int, int]) -> Match:
        """Return the match at another place."""
        return replace(self, order=order)


class Returned:
    """The values returned, ready to be compared with many guesses.

    Parameters
    ----------
    model : Model
    got : ndarray of float64
        What the target returned.
    allowed : ndarray of float64, shape of `got`
        The allowance about the right value.
    """

    def __init__(self, model: Model, got: Floats, allowed: Floats) -> None:
        right = model.right
        self.shape, self.got, self.right = got.shape, got.ravel(), right.ravel()
        self.bound = np.where(np.isfinite(allowed), allowed, 0.0).ravel()
        self.from_right = distance(self.got, self.right)
        self.off = self.from_right > self.bound
        self.size_of_right = np.where(np.isfinite(self.right), np.abs(self.right), 0.0)
        self.u, self.tiny = model.u, model.problem.format.smallest_normal
        self.slack = (4, 4) if model.problem.format.is_half else (16, 512)
        # Most guesses miss by far: the entries that are the furthest from right are looked at first.
        self.first = np.argsort(-self.from_right, kind="stable")[:64] if got.size > 256 else None
        self.first_wrong = None if self.first is None else self.first[self.off[self.first]]

    def matched(self, guess: Prediction, order: tuple[int, int] = (0, 0), partly: bool = False) -> Match | None:
        """Return how well a guess explains what was returned, or None if it does not.

        Every element must be within the tolerance of the guess, and the guess must be clearly apart from the right
        value; `partly`, right elements may be right. The evidence is the sum over the elements of
        log2(distance from right / distance from the guess).
        """
        value = np.asarray(guess.value, np.float64)
        if value.shape != self.shape:
            return None
        value = value.ravel()
        places: slice | NDArray[np.intp] = slice(None)
        first = self.first
        if partly:  # what is within its allowance is right, however near the end of it
            value = np.where(self.off, value, self.right)
            places, first = np.flatnonzero(self.off), self.first_wrong
        if first is not None and not self._hit(value, guess.exact, first):
            return None
        if not self._hit(value, guess.exact, places) or not self._apart(value, guess.exact):
            return None
        size = np.where(np.isfinite(value), np.abs(value), 0.0)
        floor = self.u * np.maximum(size, self.size_of_right) + self.tiny
        from_guess = distance(self.got, value)
        surprise = np.isinf(self.from_right)
        finite = np.where(surprise, floor, np.maximum(self.from_right, floor))
        bits = np.where(surprise, BITS_OF_A_SURPRISE, np.log2(finite / np.maximum(from_guess, floor)))
        bits = np.clip(bits, -20, 50)
        return Match(guess, float(bits.sum()), float(bits.max()), order, value)

    def agrees(self, guess: Prediction) -> bool:
        """Return whether a guess accounts for all that is wrong: within the allowance of it, and nearer than to right.

        Asked of a mistake that other answers have shown; one hardly beyond its allowance proves none by itself.
        """
        value = np.asarray(guess.value, np.float64)
        if value.shape != self.shape or not self.off.any():
            return False
        off = distance(self.got, value.ravel())[self.off]
        return bool(np.all((off <= self.bound[self.off]) & (2 * off < self.from_right[self.off])))

    def refutes(self, guess: Prediction) -> bool:
        """Return whether a guess predicts what was not returned, clearly apart from what was."""
        value = np.asarray(guess.value, np.float64)
        if value.shape != self.shape:
            return False
        value = value.ravel()
        return not self._hit(value, guess.exact, slice(None)) and self._apart(value, guess.exact)

    def _apart(self, value: Floats, exact: bool) -> bool:
        """Return whether a prediction is clearly apart from the right value."""
        tolerance = self._tolerance(value, exact, slice(None))
        return bool(np.any(distance(value, self.right) > (1 if exact else 2) * tolerance))

    def _tolerance(self, value: Floats, exact: bool, where: Any) -> Floats:
        size = np.where(np.isfinite(value[where]), np.abs(value[where]), 0.0)
        tolerance = self.slack[0 if exact else 1] * self.u * size + self.tiny
        return np.asarray(tolerance if exact else np.maximum(tolerance, self.bound[where] / 2))

    def _hit(self, value: Floats, exact: bool, where: Any) -> bool:
        tolerance = self._tolerance(value, exact, where)
        return bool(np.all(distance(self.got[where], value[where]) <= tolerance))
