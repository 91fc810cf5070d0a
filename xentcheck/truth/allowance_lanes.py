"""What differentiating the running maxima of lanes costs, classes modulo a power of two (docs/bounds.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.truth.allowance_model import Arithmetic, Floats
from xentcheck.truth.allowance_runs import EACH, of_runs

WIDTHS = (4, 6, 8, 10, 12, 16, 20, 24, 32, 64)
"""Lanes of vector instructions, of a warp and of threads. Half as many are within 0.3 of what these are allowed."""
ONE_BY_ONE = 32
"""Lanes that may be merged one after the other; more are merged in pairs, or relative to the largest maximum."""
LEAST = 8
"""Classes of a lane: gradients of those of fewer were found to stay below what is allowed without them."""
ANY = 2
"""The same along a tangent, which may be much larger at one class."""


def lanes(z: Floats, weights: Floats, slack: Floats, by: Arithmetic) -> Floats:
    """Return what the worst of the widths adds to each class, per unit of R, with each of the weights, (k, n, m).

    Class j, the maximum of a run of s more places of its lane, P the sum of all of these: u_sum P (4 s + 8); and
    4 (l - 1) Q more if it is that of the whole lane, l the lanes that have no higher class, Q the sum of their
    probabilities.
    """
    most = np.zeros(weights.shape)
    for costs in _passes(z, weights, slack, LEAST):
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
        scores = np.concatenate([z, np.full((n, missing), -np.inf)], axis=1).reshape(n, steps, width).swapaxes(1, 2)
        parts = np.concatenate([weights, np.zeros((k, n, missing))], axis=2).reshape(k, n, steps, width).swapaxes(2, 3)
        costs = np.zeros(parts.shape)
        if steps >= width or least == ANY:
            as_rows = scores.reshape(-1, steps), parts.reshape(k, -1, steps), np.repeat(slack, width, axis=0)
            costs += of_runs(*as_rows).reshape(parts.shape)
        if width <= ONE_BY_ONE:
            costs += _merged(scores, parts, slack)
        yield costs.swapaxes(2, 3).reshape(k, n, steps * width)[..., :m]


def _merged(z: Floats, weights: Floats, slack: Floats) -> Floats:
    """Return the cost of merging lanes for scores of shape (n, lanes, steps): at the maximum of each lane alone.

    Of equal maxima of a lane the first has all of it, or each the 2^-r-th part, r those that follow.
    """
    tops, apart = z.max(axis=2), slack[:, :, None]
    is_top = (z >= tops[:, :, None] - apart) & (z > -np.inf)
    so_far = is_top.cumsum(axis=2)
    share = is_top * np.where((so_far == 1) | (apart > 0.0), 1.0, 0.5 ** (so_far[:, :, -1:] - so_far))
    lower = (tops[:, None, :] <= tops[:, :, None] + apart).astype(np.float64)
    joined = np.einsum("ijk,wik->wij", lower, weights.sum(axis=3)) * (EACH * (lower.sum(axis=2) - 1.0))
    return np.asarray(share * joined[..., None])
