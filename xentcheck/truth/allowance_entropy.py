"""How far a good algorithm's gradient of an entropy may be from the exact one (docs/bounds.md, section 18)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xentcheck.truth.allowance_boundary import coefficients_off, probability_error
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, vague
from xentcheck.truth.allowance_unscaled import NEAR, Unscaled
from xentcheck.truth.conditions import Conditions


def entropy_gradients(on: Conditions, by: Arithmetic) -> Unscaled:
    """Return the gradient of every row's entropy, by the logits p_j (a_j - H) with a = -log p, and its allowance.

    With rho_j the relative error of p_j, alpha_j = rho_j + (2 k_log + 1) u a_j that of a_j, absolute, and
    E = sum p (alpha + rho a) + (h + 2) u H that of H:

        p_j [rho_j |a_j - H| + alpha_j + E + 2 rho_j + sum p rho + r + 6 u (a_j + H + 1)],      r = u_sum h

    the terms without a or H for derivatives of p and of log p that are added up, in which -p_j cancels p_j sum p.
    By the probabilities, a_j - 1: alpha_j + 3 u (a_j + 1).
    """
    contract, u, rows = on.problem.contract, by.u, by.row_sum(on)
    p, rho = on.p, probability_error(on, by)
    possible = p > 0.0
    a = np.where(possible, on.l[:, None] - np.where(np.isfinite(on.d), on.d, 0.0), 0.0)
    alpha = rho + (2.0 * by.k_log + 1.0) * u * a
    off = coefficients_off(on, by)
    assert off is not None
    H = np.where(np.isfinite(on.L), on.L, 0.0)
    total = np.einsum("ij,ij->i", p, alpha) + np.einsum("ij,ij->i", off, a) + (rows + 2.0 * u) * H
    mass = np.einsum("ij,ij->i", p, rho)
    unbounded = _unbounded(on, by)
    if contract.gradient_wrt == "probabilities":
        return _by_probabilities(on, by, a, alpha, total, unbounded)
    bracket = alpha + 2.0 * rho + 6.0 * u * (a + H[:, None] + 1.0)
    bracket += (total + mass + rows)[:, None]
    if by.lse:
        # lse - sum p z, with p a softmax of its own: each of the two is as large as the logits.
        own = probability_error(on, replace(by, lse=0.0, tree=False))
        bracket += (on.magnitude * (np.einsum("ij,ij->i", p, own) + rows + 4.0 * u))[:, None]
    slope = a - H[:, None] + _surplus(on)[:, None]
    value = p * slope
    error = p * (rho * np.abs(slope) + bracket)
    least = np.minimum(p, np.where(value == 0.0, 1.0, np.abs(value)))
    floor = (2.0 * by.k_exp + 2.0) * by.eta
    error += np.where(least < NEAR * by.normal, floor * (1.0 + np.minimum(a, -np.log(by.eta)) + H[:, None]), 0.0)
    stored = np.abs(value) if by.u_output else None
    return Unscaled(value, error, p * (a + H[:, None] + 1.0), unbounded[:, None], stored, least)


def _by_probabilities(
    on: Conditions, by: Arithmetic, a: Floats, alpha: Floats, total: Floats, unbounded: Flags
) -> Unscaled:
    """Return a_j - 1, or (a_j - H) / P where rows are divided by their sum P first; no bound where any p is 0."""
    unbounded = unbounded | (on.p <= 0.0).any(axis=1)
    value, terms = a - 1.0, a + 1.0
    error = alpha + 3.0 * by.u * terms
    if on.problem.contract.boundary.normalise:
        H = on.L[:, None]
        sums = np.maximum(on.problem.scores.sum(axis=1), np.finfo(np.float64).tiny)[:, None]
        value, terms = (a - H) / sums, (a + H + 2.0) / sums
        rows = by.row_sum(on)
        error = (alpha + total[:, None]) / sums + (2.0 * rows + 10.0 * by.u) * terms
    return Unscaled(value, error + by.eta, terms, unbounded[:, None])


def _surplus(on: Conditions) -> Floats:
    """What given probabilities sum to, less 1, shape (n,): then the derivative is not that of a softmax alone."""
    if on.softmax or on.problem.contract.boundary.normalise:
        return np.zeros(on.problem.n)
    return np.asarray(on.p.sum(axis=1) - 1.0)


def _unbounded(on: Conditions, by: Arithmetic) -> Flags:
    """Rows without a bound: as of a loss's gradient; and given probabilities that may be flushed to zero."""
    if not on.softmax:
        flushed = ((on.p > 0.0) & (on.p < by.eta)).any(axis=1)
        return flushed | np.full(on.problem.n, by.row_sum(on) > 0.25)
    return (by.first_order(on) > 0.25) | by.leaves_range(on) | vague(on, by)
