"""What differentiating the running maxima of lanes costs, classes modulo a power of two (docs/bounds.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.truth.allowance_model import Arithmetic, Floats

EACH = 4.0
"""Roundings of one step relative to the sum so far: its product and addition, and two differences of the cotangent."""
ONCE = 8.0
"""Those of the products and differences of the step in which another class becomes the maximum."""
WIDTHS = (4, 8, 16, 32)
"""Lanes of vector instructions and of a warp."""
LEAST = 8
"""Classes of a lane: gradients of those of fewer were found to stay below what is allowed without them."""
ANY = 2
"""The same where a tangent may be much larger at another class."""


def lanes(z: Floats, weights: Floats, slack: Floats, by: Arithmetic, least: int) -> Floats:
    """Return what the worst of the widths adds to each class, per unit of R, with each of the weights, (k, n, m).

    Class j, the maximum of its lane for the next s of it, P the sum of what the lane holds up to the last of them:
    u_sum P (4 s + 8); and 4 (l - 1) Q more if it is that of the whole lane, l the lanes that have no higher class,
    Q the sum of their probabilities.
    """
    most = np.zeros(weights.shape)
    for costs in _passes(z, weights, slack, least):
        np.maximum(most, costs, out=most)
    return by.u_sum * most


def along_lanes(z: Floats, p: Floats, size: Floats, slack: Floats, by: Arithmetic) -> Floats:
    """Return what the worst of the widths adds to the derivative along a tangent of such sizes, shape (n,)."""
    most = np.zeros(len(z))
    for costs in _passes(z, p[None], slack, ANY):
        np.maximum(most, np.einsum("ij,ij->i", costs[0], size), out=most)
    return by.u_sum * most


def _passes(z: Floats, weights: Floats, slack: Floats, least: int) -> Iterator[Floats]:
    """Yield, for each width, the cost of each class with each of the weights, shape (k, n, m)."""
    (n, m), k = z.shape, len(weights)
    for width in WIDTHS:
        steps = -(-m // width)
        if steps < least:
            return
        missing = steps * width - m
        scores = np.concatenate([z, np.full((n, missing), -np.inf)], axis=1).reshape(n, steps, width)
        parts = np.concatenate([weights, np.zeros((k, n, missing))], axis=2).reshape(k, n, steps, width)
        costs = _one_pass(np.ascontiguousarray(scores.swapaxes(1, 2)), parts.swapaxes(2, 3), slack)
        yield costs.swapaxes(2, 3).reshape(k, n, steps * width)[..., :m]


def _one_pass(z: Floats, weights: Floats, slack: Floats) -> Floats:
    """Return the costs of scores of shape (n, lanes, steps), of which lanes are passed over and then merged somehow.

    A class that is higher than all before it is the maximum up to the next such one; of one that is as high, half of
    what comes up is left at every further one, so that it has no more than over the longest way between two, and the
    2^-r-th part of what comes from beyond its lane, r those that follow.
    """
    width, last = z.shape[1:]
    highest = np.maximum.accumulate(z, axis=2)
    tops = highest[:, :, -1]
    above, below = (np.full_like(z, -np.inf) for _ in range(2))
    above[:, :, 1:] = highest[:, :, :-1] + slack[:, :, None]
    below[:, :, 1:] = highest[:, :, :-1] - slack[:, :, None]
    row, lane, place = np.nonzero((z >= below) & (z > -np.inf))
    rises = (z > above)[row, lane, place]
    costs = np.zeros(weights.shape)
    if not len(row):
        return costs
    starts = np.flatnonzero(rises)
    group = rises.cumsum() - 1
    of_lane = row * width + lane
    ends = _until(of_lane[starts], place[starts], last)[group]
    ways = _until(of_lane, place, last) - 1 - place
    longest = np.maximum.reduceat(ways, starts)[group]
    alone = rises | (slack[row, 0] > 0.0)
    steps = ends - 1 - place
    steps = np.where(alone, steps, np.minimum(steps, longest))
    follow = np.append(starts[1:], len(row))[group] - 1 - np.arange(len(row))
    seen = weights.cumsum(axis=3)[:, row, lane, ends - 1]
    lower = (tops[:, None, :] <= tops[:, :, None] + slack[:, :, None]).astype(np.float64)
    joined = np.einsum("ijk,wik->wij", lower, weights.sum(axis=3)) * (EACH * (lower.sum(axis=2) - 1.0))
    share = np.where(ends == last, np.where(alone, 1.0, 0.5**follow), 0.0)
    costs[:, row, lane, place] = seen * (EACH * steps + ONCE) + share * joined[:, row, lane]
    return costs


def _until(of_lane: np.ndarray, place: np.ndarray, last: int) -> np.ndarray:
    """Return the place of the one that follows each in its lane, or the number of places."""
    follows = np.append(of_lane[1:] == of_lane[:-1], False)
    return np.where(follows, np.append(place[1:], last), last)
