"""Runs of neighbours of which one is the maximum that is differentiated (docs/bounds.md, section 4)."""

from __future__ import annotations

import numpy as np

from xentcheck.truth.allowance_model import Floats

EACH = 4.0
"""Roundings of one step relative to the sum so far: its product and addition, and two differences of the cotangent."""
ONCE = 8.0
"""Those of the products and differences of the step in which another class becomes the maximum."""
_SIDES = np.array([-1, 1])[:, None, None]
"""To the left, and to the right."""


def of_runs(z: Floats, weights: Floats, slack: Floats) -> Floats:
    """Return P (4 r + 8) of each place with each of the weights, shape (k, n, m).

    The run of a place are the neighbours on both sides of which none is higher, r of them, P the sum of their weights
    with its own. Scores are equal where they differ by no more than the slack. Of equal ones the first or the last may
    have all of P, each of those between them half of what is left from step to step: at most what comes up over twice
    the places from one to the next, wherever that is longest.
    """
    reach, mass = _runs(z, weights, z + slack)
    steps = reach.sum(axis=0)
    equals = (np.diff(np.sort(z, axis=1), axis=1) <= slack).any(axis=1)
    if equals.any():
        strict, _ = _runs(z[equals], weights[:0, equals], np.nextafter(z - slack, -np.inf)[equals])
        tied, own = strict < reach[:, equals], strict.sum(axis=0) + 1.0
        longest = np.where(tied.any(axis=0), own, 0.0).max(axis=1, initial=0.0)[:, None]
        steps[equals] = np.where(tied.all(axis=0), np.minimum(steps[equals], 2.0 * longest), steps[equals])
    return np.asarray((weights + mass.sum(axis=1)) * (EACH * steps + ONCE))


def _runs(z: Floats, weights: Floats, limit: Floats) -> tuple[Floats, Floats]:
    """Return how many places beside each, without a gap, are at most its limit, and their sums of weights.

    Of shapes (2, n, m) and (k, 2, n, m), to the left and to the right. By the maxima and sums of windows of 2^i places,
    the widest first; rows stand one after the other, and an infinity between two of them ends every run.
    """
    n, m = z.shape
    levels = m.bit_length()
    tops, totals = [_joined(z, np.inf, 2**levels)], [[_joined(own, 0.0, 2**levels)] for own in weights]
    for k in range(levels - 1):
        tops.append(np.maximum(tops[k][: -(2**k)], tops[k][2**k :]))
        for sums in totals:
            sums.append(sums[k][: -(2**k)] + sums[k][2**k :])
    place = 2**levels + (np.arange(n)[:, None] * (m + 1) + np.arange(m))
    reach, mass = np.zeros((2, n, m), np.int64), np.zeros((len(weights), 2, n, m))
    for k in range(levels - 1, -1, -1):
        start = place + _SIDES * reach + np.array([-(2**k), 1])[:, None, None]
        fits = tops[k].take(start) <= limit
        reach += fits * 2**k
        for own, sums in zip(mass, totals, strict=True):
            own += fits * sums[k].take(start)
    return reach.astype(np.float64), mass


def _joined(rows: Floats, edge: float, around: int) -> Floats:
    """Return rows one after the other, an edge behind each, and so many of them before the first and after the last."""
    n, m = rows.shape
    joined = np.full(around + n * (m + 1) + around, edge)
    joined[around:-around].reshape(n, m + 1)[:, :m] = rows
    return joined
