"""How far a good algorithm's Hessian-vector product may be from the exact one (docs/bounds.md, section 13)."""

from __future__ import annotations

import numpy as np

from xentcheck.truth.allowance_boundary import probability_error
from xentcheck.truth.allowance_loss import logsumexp_error
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, coefficient_error, vague
from xentcheck.truth.allowance_reduction import scale_gradient
from xentcheck.truth.allowance_running import along_running_maxima, product_of_running_maxima
from xentcheck.truth.allowance_two_classes import product_of_both
from xentcheck.truth.allowance_unscaled import Unscaled
from xentcheck.truth.conditions import Conditions

OPERATIONS = 10.0
"""Roundings of one term, in units of u: products, quotients and differences of code that differentiates twice."""


def hessian_vector(on: Conditions, by: Arithmetic) -> tuple[Floats, Floats, Flags]:
    """Return value, allowance and unboundedness of the Hessian times the vector, reduced as the gradient is."""
    raw, lost = _rows(on, by)
    value, error, unbounded = scale_gradient(on, by, raw)
    # Once more what underflows, for code that scales before it multiplies.
    error = error + np.where(unbounded | ~on.problem.kept[:, None] | np.isnan(on.L)[:, None], 0.0, lost)
    return value, error, unbounded


def _rows(on: Conditions, by: Arithmetic) -> tuple[Unscaled, Floats]:
    """Return (R + 2 lambda lse) p (v - p.v) + 2 lambda (p.v) p of every row and its allowance, and what underflows.

    R is T, or for p - t as a policy the weight of the row. With a the relative error of p and that of a sum
    r = u_sum h / (1 - 2 u_sum h), k = OPERATIONS, M the place of the maximum and b_j = a_j + (1 + a_j)(k u + 2 r):

        E = sum p_k (|v_k| + |v_M|) b_k + |p.v| S^2 eta
        R p_j [b_j |v_j - p.v| + (1 + a_j) E]

    and further terms for code that differentiates the maximum or -log(softmax), and for errors of R and of the z-loss.
    """
    problem, u, p, R = on.problem, by.u, on.p, on.factor_size[:, None]
    assert problem.vector is not None
    # With a temperature, H (v / T) / T; the second factor 1 / T is one of the scale factors.
    v = problem.vector / (problem.temperature or 1.0)
    operations = OPERATIONS + (0.0 if problem.temperature is None else 3.0)
    rows = by.row_sum(on)
    rows = rows / (1.0 - 2.0 * rows) if rows <= 0.25 else 1.0
    top = on.d == 0.0
    from_top = v - np.take_along_axis(v, on.d.argmax(axis=1)[:, None], 1)
    distance = from_top - _mean(p, from_top)
    mean = _mean(p, v)
    size, sizes = np.abs(distance), np.abs(v) + np.where(top, np.abs(v), 0.0).max(axis=1, initial=0.0)[:, None]

    a = probability_error(on, by)
    relative = a + (1.0 + a) * (operations * u + 2.0 * rows)
    # A quotient's derivative by its denominator is multiplied by 1/S^2, which may be subnormal, or flushed.
    common = _mean(p, sizes * relative) + np.abs(mean) * (on.S * on.S * by.eta)[:, None]
    running = by.shift > 1.0 and not problem.contract.p_minus_t
    if running:
        common = common + along_running_maxima(on, by, v)[:, None]
    unit = relative * size + (1.0 + a) * common
    # Where the maximum is differentiated too, its element is minus the sum of the others.
    error = p * unit + np.where(top, _mean(p, unit + rows * size), 0.0)
    if running:
        error = error + product_of_running_maxima(on, by, v)
    error = error + product_of_both(on, by, relative, v)
    floor = (2.0 * by.k_exp + 2.0) * by.eta
    lost = floor * (1.0 + size) + p * (floor * (sizes.sum(axis=1)[:, None] + problem.m))

    value, terms = on.factor[:, None] * (p * distance), R * (p * (np.abs(v) + np.abs(mean)))
    bound = R * error + np.maximum(R, 1.0) * lost + _strength_error(on, by)[:, None] * (p * size)
    if by.log_softmax and not problem.contract.p_minus_t:
        # -log(softmax): at the label, terms c v_y and c p.v that are not multiplied by p_y cancel.
        own = on.sizes * ((operations * u + 2.0 * rows) * (np.abs(v) + _mean(p, sizes)))
        bound = bound + own + p * own.sum(axis=1)[:, None]
    if on.z_loss:
        share = 2.0 * on.penalty[..., None] * problem.kept[:, None]
        slope = share * np.abs(on.lse)[:, None]
        value = value + share * (on.lse[:, None] * (p * distance)) + share * (p * mean)
        bound = bound + slope * (error + lost) + share * (p * (np.abs(mean) * a + (1.0 + a) * common) + lost)
        terms = terms + slope * (p * (np.abs(v) + np.abs(mean))) + share * (p * np.abs(mean))
        bound = bound + share * logsumexp_error(on, by)[:, None] * (p * size) + 6.0 * (u * terms)
    unbounded = (by.first_order(on) > 0.25) | by.leaves_range(on)
    # p.v is a sum of exp(d) v before it is divided by S.
    unbounded |= on.S * np.abs(v).max(axis=1, initial=0.0) > by.largest / 4.0
    unbounded |= vague(on, by)
    return Unscaled(value, bound, terms, unbounded[:, None]), lost


def _strength_error(on: Conditions, by: Arithmetic) -> Floats:
    """Absolute error of R, shape (n,): of the sum of several coefficients, of each, and of taking it as 1."""
    if on.problem.contract.p_minus_t:
        return np.zeros(on.problem.n)
    error = np.where(on.coefficients.several, (by.row_sum(on) + by.u) * on.T, 0.0) + on.coefficients.deviation
    wrong = coefficient_error(on, by)
    return error if wrong is None else error + wrong.sum(axis=1)


def _mean(p: Floats, values: Floats) -> Floats:
    """Return sum p x of each row, shape (n, 1)."""
    mean: Floats = np.einsum("ij,ij->i", p, values)[:, None]
    return mean
