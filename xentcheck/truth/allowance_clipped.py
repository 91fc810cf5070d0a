"""How far the ideal gradient, taken at the clipped probabilities, may be from the exact one (docs/bounds.md, 8)."""

from __future__ import annotations

import numpy as np

from xentcheck.truth.allowance_boundary import clipped, probability_error, underflow
from xentcheck.truth.allowance_model import Arithmetic, coefficient_error, vague
from xentcheck.truth.allowance_unscaled import Unscaled
from xentcheck.truth.conditions import Conditions


def at_clipped(on: Conditions, by: Arithmetic) -> Unscaled:
    """T b - c by the logits, -c/b by the probabilities, with b the clipped probabilities.

    A clip moves no two numbers apart: b has at most the absolute error of p, and at most its relative one. By the
    probabilities |c/b| (rho + 4 u); by the logits T b (rho + 3 u) + u |T b - c| + 2 u |c|, h u T b where T is a sum. A
    reading of a limit is none of this: the exact gradient is the hull over all.
    """
    problem, chosen, u = on.problem, on.coefficients, by.u
    b, _ = clipped(on)
    rho, lost = probability_error(on, by), np.broadcast_to(underflow(on, by), b.shape)
    c, sizes, wrong = on.c, on.sizes, coefficient_error(on, by)
    unbounded = np.asarray(np.broadcast_to(on.unjudged, (problem.n,)))[:, None]
    if on.softmax:
        unbounded = unbounded | (by.leaves_range(on) | vague(on, by) | (by.first_order(on) > 0.25))[:, None]
    if problem.contract.gradient_wrt == "probabilities":
        with np.errstate(divide="ignore", invalid="ignore"):
            v = np.where(sizes > 0.0, c / b, 0.0)
            gone = np.where(sizes > 0.0, lost / b, 0.0)
            part = 0.0 if wrong is None else np.where(sizes > 0.0, wrong / b, 0.0)
            nothing = (b == 0.0) & (sizes == 0.0)  # 0/0 where dense labels are divided by probabilities
        terms = np.abs(v)
        unbounded = unbounded | (gone > 0.25) | ~np.isfinite(v) | (terms > by.largest / 2.0) | nothing
        v, terms = np.where(np.isfinite(v), v, 0.0), np.where(np.isfinite(v), terms, 0.0)
        error = terms * (rho + 4.0 * u + np.minimum(2.0 * gone, 1.0)) + part + by.eta
        return Unscaled(-v, error, terms, unbounded)
    T = on.T[:, None]
    mass, value = T * b, chosen.T[:, None] * b - c
    summed = np.where(on.single[:, None], 0.0, by.row_sum(on) * mass) + chosen.deviation[:, None] * b
    error = mass * (rho + 3.0 * u) + summed + u * np.abs(value) + 2.0 * u * sizes
    error = error + (lost + by.eta) * np.maximum(T, 1.0)
    if wrong is not None:
        error = error + wrong + wrong.sum(axis=1)[:, None] * b
    stored = mass if by.u_output and problem.contract.input != "probabilities" else None
    return Unscaled(value, error, mass + sizes, unbounded, stored)
