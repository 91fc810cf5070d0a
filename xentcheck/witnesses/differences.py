r"""Directional derivatives of a cross-entropy by differences, each with a bound of its error.

Along a direction v the derivatives of f(x) = L(z + x v) are T times the cumulants of v under p = softmax(z + x v), less
t.v in the first. With R = max v - min v they are bounded wherever z is,

    |f'''| <= K3 = T R^3 / (6 sqrt 3),    |f^(5)| <= K5 = T R^5 / 3,

so the truncation is known without a look at f. With E the error of one call of f, the estimates are off by at most

    central     (f(h) - f(-h)) / 2h =: D(h)     h^2 K3 / 6    +   E / h  +  4 u (|D| + R)
    Richardson  (4 D(h/2) - D(h)) / 3           h^4 K5 / 288  + 3 E / h  +  8 u (|D| + R)

and h, a power of two, is chosen to make that small. E is given at z and widened for the neighbours: between z and
z + h v no p_j, and with it neither 1 - p_y nor L, grows by more than the factor exp(h R), no difference of two logits
by more than h R, and logsumexp by no more than h V, V = max |v|. All terms of the conformance allowances are made
of these: D, gap and |lse| have the coefficients 3, 4 and 4 at most, so exp(h R) E + 8 u T h (R + V) holds there, for
h R <= 1/2.

Scores and direction on dyadic grids make z +- h v exact. Where they are not, what that does to L, at most
2 T max |delta| in a row, is added to the bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Any], Any]

UNIT_ROUNDOFF = 2.0**-53
COMPLEX_STEP = 2.0**-400
METHODS = ("central", "richardson", "complex")


def directional(
    loss_fn: Loss,
    scores: Floats,
    direction: Floats,
    allowance: ArrayLike,
    method: str = "richardson",
    *,
    weights: ArrayLike | None = None,
    step: float | None = None,
) -> tuple[float, float]:
    """Return the derivative of a loss along a direction, and how far off it may be.

    Parameters
    ----------
    loss_fn : callable
        From logits, float64 of shape (n, m), to the loss: a number, or one a row, which are then added without error.
        For "complex" it must be analytic code that takes complex logits.
    scores, direction : ndarray of float64, shape (n, m)
        Preferably from `dyadic_scores` and `dyadic_direction`. Classes of logit -inf do not count.
    allowance : float or array_like, shape (n,)
        E: by how much loss_fn may be off at `scores`, in all or for each row.
    method : {"richardson", "central", "complex"}
        Four calls, two, or one.
    weights : array_like, shape (n,), optional
        By what each row's cross-entropy is multiplied in the loss: 1/n for a mean, and times T = sum of t where soft
        labels do not sum to 1. Ones by default.
    step : float, optional
        h, a power of two, instead of the one that makes the bound of "central" or "richardson" small.

    Returns
    -------
    estimate, bound : float
        (nan, inf) if a call returned something that is not finite: nothing can be said.

    Notes
    -----
    A gradient g contradicts the loss if |g.v - estimate| > bound. An error e of g has the part e.v along a Gaussian
    direction, normal with the deviation |e| in the Euclidean norm, so one direction misses an error of norm bound / tau
    with a probability of at most 0.8 tau, and k directions with (0.8 tau)^k. Four of them miss what is 25 times
    the bound once in a million.

    The complex step has no truncation (h = 2^-400) and no cancellation. What is left is the rounding of the sums
    inside loss_fn. It is V = max |v| that these see, not R, since the computed probabilities do not quite sum to 1:
    the bound is 2 (R + V) E + 8 u (|D| + R + V), enough for shifted code whose allowance is E.

    Raises
    ------
    ValueError
        If `method` is another, or the shapes differ.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, but must be one of {', '.join(map(repr, METHODS))}.")
    if scores.shape != direction.shape:
        raise ValueError(f"scores and direction must have one shape, but have {scores.shape} and {direction.shape}.")
    rows = _Rows(loss_fn, scores, direction, allowance, weights)
    with np.errstate(all="ignore"):
        if method == "central":
            estimate, bound = rows.central(step)
        elif method == "richardson":
            estimate, bound = rows.richardson(step)
        else:
            estimate, bound = rows.complex()
    return (estimate, bound) if math.isfinite(estimate) else (math.nan, math.inf)


def dyadic_direction(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return Gaussian numbers rounded to multiples of 2^-6."""
    rounded: Floats = np.round(rng.standard_normal(shape) * 64.0) / 64.0
    return rounded


def dyadic_scores(scores: Floats) -> Floats:
    """Return the scores rounded to multiples of 2^-30, or of the largest one's 2^-50 where that is coarser."""
    finite = np.abs(scores[np.isfinite(scores)])
    exponent = max(-30, math.frexp(float(finite.max(initial=0.0)))[1] - 50)
    rounded: Floats = np.ldexp(np.round(np.ldexp(scores, -exponent)), exponent)
    return rounded


def inner(gradient: Floats, direction: Floats) -> tuple[float, float]:
    """Return the inner product g.v and a bound of its rounding error; (nan, inf) where it is not finite."""
    products = (np.asarray(gradient, np.float64) * direction).ravel()
    if not np.isfinite(products).all():
        return math.nan, math.inf
    # Each product is rounded once, the exact sum of them once more; 2^-1074 for each that underflowed.
    bound = 2.0 * UNIT_ROUNDOFF * math.fsum(np.abs(products)) + products.size * 2.0**-1074
    return math.fsum(products), bound


class _Rows:
    """One directional derivative: what is the same for every method."""

    def __init__(
        self, loss_fn: Loss, scores: Floats, direction: Floats, allowance: ArrayLike, weights: ArrayLike | None
    ) -> None:
        n = len(scores)
        present = np.isfinite(scores)
        self.loss_fn = loss_fn
        self.scores = scores
        self.direction = direction
        self.weights = np.ones(n) if weights is None else np.abs(np.broadcast_to(np.asarray(weights, float), (n,)))
        highest = np.where(present, direction, -np.inf).max(axis=1, initial=-np.inf)
        lowest = np.where(present, direction, np.inf).min(axis=1, initial=np.inf)
        self.range = np.where(present.any(axis=1), highest - lowest, 0.0)
        self.widest = float(self.range.max(initial=0.0))
        self.weighted_range = math.fsum(self.weights * self.range)
        self.reach = self.range + np.where(present, np.abs(direction), 0.0).max(axis=1, initial=0.0)
        self.weighted_reach = math.fsum(self.weights * self.reach)
        self.allowance = np.asarray(allowance, np.float64)
        self.third = math.fsum(self.weights * self.range**3) / (6.0 * math.sqrt(3.0))
        self.fifth = math.fsum(self.weights * self.range**5) / 3.0

    def central(self, step: float | None) -> tuple[float, float]:
        total = float(self.allowance.sum())
        h = step or self._power_of_two((3.0 * total / self.third) ** (1 / 3) if self.third > 0 else 1.0, 2.0**-8)
        slope, moved = self._slope(h)
        bound = h * h * self.third / 6.0 + (self._error(h) + moved) / h
        return slope, bound + 4.0 * UNIT_ROUNDOFF * (abs(slope) + self.weighted_range)

    def richardson(self, step: float | None) -> tuple[float, float]:
        total = float(self.allowance.sum())
        h = step or self._power_of_two((216.0 * total / self.fifth) ** (1 / 5) if self.fifth > 0 else 1.0, 2.0**-3)
        coarse, moved = self._slope(h)
        fine, moved_half = self._slope(h / 2.0)
        slope = (4.0 * fine - coarse) / 3.0
        bound = h**4 * self.fifth / 288.0 + (3.0 * self._error(h) + (8.0 * moved_half + moved) / 3.0) / h
        return slope, bound + 8.0 * UNIT_ROUNDOFF * (abs(slope) + self.weighted_range)

    def complex(self) -> tuple[float, float]:
        value = np.asarray(self.loss_fn(self.scores + 1j * (COMPLEX_STEP * self.direction)))
        parts = np.ravel(value.imag)
        slope = math.fsum(parts) / COMPLEX_STEP if np.isfinite(parts).all() else math.nan
        reach = self.reach if self.allowance.ndim else self.reach.max(initial=0.0)
        bound = 2.0 * float((self.allowance * reach).sum())
        return slope, bound + 8.0 * UNIT_ROUNDOFF * (abs(slope) + self.weighted_reach)

    def _error(self, h: float) -> float:
        """Return E for every point between z - h v and z + h v."""
        grown = self.allowance * np.exp(h * (self.range if self.allowance.ndim else self.widest))
        return float(grown.sum()) + 8.0 * UNIT_ROUNDOFF * h * self.weighted_reach

    def _slope(self, h: float) -> tuple[float, float]:
        """Return (f(h) - f(-h)) / 2h, and by how much the two points' own rounding may have changed a call of f."""
        ahead, delta_ahead = self._point(h)
        behind, delta_behind = self._point(-h)
        values = np.concatenate([np.ravel(ahead), -np.ravel(behind)])
        if not np.isfinite(values).all():
            return math.nan, math.inf
        return math.fsum(values) / (2.0 * h), max(delta_ahead, delta_behind)

    def _point(self, h: float) -> tuple[Floats, float]:
        """Return f(z + h v), and a bound of what rounding z + h v does to it."""
        step = h * self.direction
        point = self.scores + step
        # Knuth's error-free sum: point = scores + step - delta exactly.
        back = point - self.scores
        delta = (self.scores - (point - back)) + (step - back)
        largest = np.where(np.isfinite(self.scores), np.abs(delta), 0.0).max(axis=1, initial=0.0)
        return np.asarray(self.loss_fn(point), np.float64), 2.0 * math.fsum(self.weights * largest)

    def _power_of_two(self, wanted: float, limit: float) -> float:
        """Return the power of two next to `wanted`, at least 2^-40, at most `limit`, and with h R <= 1/2."""
        highest = min(limit, 0.5 / self.widest) if self.widest > 0 else limit
        bounded = min(max(wanted, 2.0**-40), highest)
        return 2.0 ** min(round(math.log2(bounded)), math.floor(math.log2(highest)))
