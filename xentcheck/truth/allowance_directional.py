"""How far a good algorithm's derivative along a tangent may be from the exact one (docs/bounds.md, section 17)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xentcheck.truth.allowance_boundary import probability_error
from xentcheck.truth.allowance_gradient import row_gradients
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, coefficient_error
from xentcheck.truth.allowance_reduction import divisor, reduce_rows
from xentcheck.truth.allowance_running import along_running_maxima
from xentcheck.truth.allowance_two_classes import mirrored
from xentcheck.truth.allowance_unscaled import NEAR, Unscaled
from xentcheck.truth.conditions import Conditions

OPERATIONS = 8.0
"""Roundings of one term, in units of u: products, quotients and differences of code that differentiates forward."""
STORED = 6.0
"""Those of a term to a narrower output dtype: softmax, product, sum, difference, and twice a factor of the row."""


def directional(on: Conditions, by: Arithmetic) -> tuple[Floats, Floats, Flags]:
    """Return value, allowance and unboundedness of the derivative along the tangent, reduced as the loss is."""
    # What is promised of a confident row's loss and gradient relatively is not promised of this.
    by = replace(by, relative=False)
    contract, problem = on.problem.contract, on.problem
    value, error, sizes, lost, unbounded = _rows(on, by)
    error = np.where(problem.kept & np.isfinite(on.L), error, 0.0)
    lost = np.where(problem.kept & np.isfinite(on.L), lost, 0.0)
    if contract.reduction == "none":
        error = error + lost
        unbounded = unbounded | ~np.isfinite(error) | (np.abs(value) + error > by.largest_output)
        return value, np.where(unbounded, 0.0, error), unbounded
    # The products of all rows may be summed at once, in any order.
    flat = by.u_sum * max(problem.scores.size - 1, 0)
    summing = flat / (1.0 - flat) if flat <= 0.25 else np.inf
    total, bound, nowhere = reduce_rows(on, by, value, sizes, np.where(unbounded, 0.0, error), unbounded, summing)
    # A factor of each row or element, such as 1/n, may have been multiplied before: then nothing scales what is lost.
    return total, np.where(nowhere, 0.0, bound + lost.sum()), nowhere


def _rows(on: Conditions, by: Arithmetic) -> tuple[Floats, Floats, Floats, Floats, Flags]:
    """Return sum g_j v_j of every row, its allowance, the size of its terms, what underflows, and where none is.

    With A_j the allowance of g_j, t_j the sizes of the terms that it is the difference of, a_j the relative error of
    p_j, r = u_sum h / (1 - 2 u_sum h), k = OPERATIONS, M the place of the maximum and t = sum of all t_j:

        sum |v_j| A_j + (k u + r) sum (1 + a_j) (|v_j| t_j + |v_M| t) + |v_M| T sum p_j a_j

    the terms with v_M for code that differentiates the shift by the maximum, too.
    """
    problem, contract, u = on.problem, on.problem.contract, by.u
    assert problem.tangent is not None
    by_logits = contract.gradient_wrt == "logits"
    # With a temperature, g (v / T).
    v = problem.tangent / ((problem.temperature or 1.0) if by_logits else 1.0)
    raw = mirrored(on, by, row_gradients(on, by, through_maximum=False))
    size, each = np.abs(v), np.arange(problem.n)
    given = (problem.temperature if by_logits else None, problem.divisor)
    roundings = (OPERATIONS + 3.0 * sum(one is not None for one in given)) * u + by.u_input
    rows = by.row_sum(on)
    roundings += rows / (1.0 - 2.0 * rows) if rows <= 0.25 else 1.0
    a = probability_error(on, by)
    step = (1.0 + a) * raw.terms

    value = np.einsum("ij,ij->i", raw.value, v)
    terms = np.einsum("ij,ij->i", raw.terms, size)
    error = np.einsum("ij,ij->i", size, np.broadcast_to(raw.error, size.shape))
    error += roundings * np.einsum("ij,ij->i", step, size)
    if on.softmax and contract.gradient_wrt != "probabilities":
        place = on.d.argmax(axis=1)
        top = size[each, place] * (on.slope[each, place] if problem.soft_cap is not None and by_logits else 1.0)
        mass = on.factor_size + 2.0 * on.penalty * np.abs(on.lse) * problem.kept
        every = mass + on.sizes.sum(axis=1)
        relative = np.einsum("ij,ij->i", on.p, a)
        error += top * (roundings * (every + mass * relative) + mass * relative + on.coefficients.deviation)
        if by.shift > 1.0 and not contract.is_entropy:
            slope = on.slope if problem.soft_cap is not None and by_logits else 1.0
            error += mass * along_running_maxima(on, by, slope * v)
        wrong = coefficient_error(on, by)
        if wrong is not None:
            error += top * wrong.sum(axis=1)
        terms = terms + top * every
        # A quotient's derivative by its denominator is multiplied by 1/S^2, which may be subnormal, or flushed.
        error += on.factor_size * np.einsum("ij,ij->i", on.p, size) * (on.S * on.S * by.eta)
    if by.u_output:
        tiny = (raw.terms > 0.0) & (raw.terms * np.minimum(size, 1.0) < by.normal_output)
        error += STORED * by.u_output * terms
        error += by.eta_output * np.where(tiny, 1.0 + size, 0.0).sum(axis=1) * np.maximum(on.factor_size, 1.0)
        error += by.stored(value, error)
    unbounded = np.asarray(np.broadcast_to(raw.unbounded, size.shape).any(axis=1))
    unbounded = unbounded | on.unjudged | np.isinf(on.L) | (roundings > 0.5)
    # p.v is a sum of exp(d) v before it is divided by S.
    unbounded |= on.S * size.max(axis=1, initial=0.0) > by.largest / 4.0
    unbounded |= ~(terms < by.largest / 4.0)
    return np.where(np.isfinite(on.L), value, 0.0), error, terms, _underflow(on, by, raw, size), unbounded


def _underflow(on: Conditions, by: Arithmetic, raw: Unscaled, size: Floats) -> Floats:
    """What products with the tangent lose to underflow, shape (n,): only where a number comes near the smallest one."""
    averaged = on.problem.contract.reduction == "mean"
    shrinking = 1.0 / max(divisor(on) if averaged else 1.0, on.problem.divisor or 1.0, 1.0)
    near = (raw.terms > 0.0) & (size > 0.0) & (raw.terms * np.minimum(size, 1.0) * shrinking < NEAR * by.normal)
    floor = (2.0 * by.k_exp + 2.0) * by.eta
    lost: Floats = floor * np.where(near, 1.0 + size, 0.0).sum(axis=1) * on.enlarged
    return lost
