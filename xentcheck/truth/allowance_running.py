"""What differentiating a running maximum costs, as autodiff does with an online softmax (docs/bounds.md, section 4)."""

from __future__ import annotations

import numpy as np

from xentcheck.truth.allowance_lanes import LEAST, along_lanes, lanes
from xentcheck.truth.allowance_model import Arithmetic, Floats
from xentcheck.truth.allowance_runs import EACH, ONCE, of_runs
from xentcheck.truth.conditions import Conditions

RESCALED = 3.0
"""Those of a product with exp(old maximum - new maximum), which is taken to be within 1 ulp."""
DIFFERENTIATED = 3.0
"""Roundings of a product's derivative, for one of the product."""
_AT_ONCE = 2**16
"""Numbers that are worked on together: few enough for a processor's cache."""


def running_maxima(on: Conditions, by: Arithmetic) -> Floats:
    """Return what is added to the gradient of each class, per unit of R, shape (n, m).

    Whatever the order in which a program merges the classes, class j is the maximum of a run of neighbours without a
    gap at most; r of them, and P the sum of all their probabilities with its own:

        u_sum (P (4 r + 8) + 3 c p_j)

    c the times that the maximum of a pass over the row rises after j. Of equal maxima the first or the last may have
    all of P, each of those between them half of what is left from step to step: at most what comes up over twice the
    places from one to the next, wherever that is longest.
    """
    return np.asarray(_over_runs(on, by, on.p[None])[0])


def along_running_maxima(on: Conditions, by: Arithmetic, v: Floats) -> Floats:
    """Return what is added to the derivative of each row along v by a pass over the classes, per unit of R, shape (n,).

    Each class that is the maximum for the next s places, P the sum of all probabilities up to the last of them, costs
    u_sum |v_j| P (4 s + 8); from the left or from the right, whichever is more.
    """
    z, size, place = _comparable(on), np.abs(v), np.arange(on.problem.m)
    passes = []
    for way in (slice(None), slice(None, None, -1)):
        rows, p = z[:, way], on.p[:, way]
        highest = rows >= np.maximum.accumulate(rows, axis=1) - _slack(on, by)
        ends = np.where(highest, place, on.problem.m)[:, ::-1]
        # The place before the next maximum, or the last one.
        ends = np.minimum.accumulate(ends, axis=1)[:, ::-1]
        ends = np.concatenate([ends[:, 1:], np.full((len(ends), 1), on.problem.m)], axis=1) - 1
        seen = np.take_along_axis(p.cumsum(axis=1), ends, axis=1)
        cost = by.u_sum * (seen * (EACH * (ends - place) + ONCE))
        passes.append(np.einsum("ij,ij->i", np.where(highest, cost, 0.0), size[:, way]))
    return np.asarray(np.maximum(np.maximum(*passes), along_lanes(z, on.p, size, _slack(on, by), by)))


def product_of_running_maxima(on: Conditions, by: Arithmetic, v: Floats) -> Floats:
    """Return what is added to the Hessian times v of each class, per unit of R, shape (n, m).

    As to the gradient, with |v| of the run, with the largest |v| of all classes that are no lower, which may become the
    maximum after it, and with p.|v|; three times, since each product becomes two and their sum. Lanes of fewer classes
    than `LEAST` are sets of so many classes, none of which is higher.
    """
    z, size, slack, m = _comparable(on), np.abs(v), _slack(on, by), on.problem.m
    order = np.argsort(-z, axis=1, kind="stable")
    place = np.argsort(order, axis=1)
    falling = np.take_along_axis(z, order, axis=1)
    apart, end = falling[:, :-1] > falling[:, 1:] + slack, np.ones((len(z), 1), bool)
    last, first = np.concatenate([apart, end], axis=1), np.concatenate([end, apart], axis=1)
    ends = np.minimum.accumulate(np.where(last, np.arange(m), m)[:, ::-1], axis=1)[:, ::-1]
    starts = np.maximum.accumulate(np.where(first, np.arange(m), 0), axis=1)
    largest = np.maximum.accumulate(np.take_along_axis(size, order, axis=1), axis=1)
    above = np.take_along_axis(largest, np.take_along_axis(ends, place, axis=1), axis=1)
    weights = np.stack([on.p * size, on.p])
    others = above + weights[0].sum(axis=1, keepdims=True)
    below = np.take_along_axis(weights, order[None], axis=2)[..., ::-1].cumsum(axis=2)[..., ::-1]
    below = np.take_along_axis(below, np.take_along_axis(starts, place, axis=1)[None], axis=2)
    of_sets = by.u_sum * (EACH * (min(LEAST, m) - 1) + ONCE) * below
    of_size, of_mass = np.maximum(_over_runs(on, by, weights), of_sets)
    return np.asarray(DIFFERENTIATED * (of_size + others * of_mass))


def _comparable(on: Conditions) -> Floats:
    return np.where(np.isnan(on.z), -np.inf, on.z)


def _slack(on: Conditions, by: Arithmetic) -> Floats:
    """How far apart scores may be equal, or change places, once they are rounded; shape (n, 1)."""
    moved = by.u_input > 0.0 or not on.problem.as_given
    return np.asarray(4.0 * max(by.u, by.u_input) * moved * on.magnitude[:, None])


def _over_runs(on: Conditions, by: Arithmetic, weights: Floats) -> Floats:
    """Return the formula of `running_maxima`, or of `lanes`, with each of the weights, shape (k, n, m), for p."""
    z, slack = _comparable(on), _slack(on, by)
    parts = max(1, z.size // _AT_ONCE)
    scores, apart = np.array_split(z, parts), np.array_split(slack, parts)
    of_scores = np.array_split(weights, parts, axis=1)
    whole = zip(scores, of_scores, apart, strict=True)
    return np.concatenate([np.maximum(_added(*rows, by), lanes(*rows, by)) for rows in whole], axis=1)


def _added(z: Floats, weights: Floats, slack: Floats, by: Arithmetic) -> Floats:
    """Return the same of some of the rows, whose scores are equal where they differ by no more than the slack."""
    rises = np.maximum(_rises(z), _rises(z[:, ::-1])[:, ::-1])
    return np.asarray(by.u_sum * (of_runs(z, weights, slack) + RESCALED * (weights * rises)))


def _rises(z: Floats) -> Floats:
    """Return how often the maximum of a pass from the left rises after each place, shape (n, m)."""
    top = np.maximum.accumulate(z, axis=1)
    rose = top[:, 1:] > top[:, :-1]
    after: Floats = np.zeros(z.shape)
    after[:, :-1] = rose[:, ::-1].cumsum(axis=1)[:, ::-1]
    return after
