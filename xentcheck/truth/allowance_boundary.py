"""Losses on probabilities: -log p, -log(p + eps), -log(clip(p)), given or by a softmax (docs/bounds.md, section 8)."""

from __future__ import annotations

import numpy as np

from xentcheck.truth.allowance_logits import probability_move
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, coefficient_error, lse_error, vague
from xentcheck.truth.allowance_unscaled import NEAR
from xentcheck.truth.conditions import Conditions


def probability_error(on: Conditions, by: Arithmetic) -> Floats:
    """Return the relative error of the computed probabilities, shape (n, m), of second order included.

    Logits: u max(|d| + 2 k_exp + 2, branch |d| + (2 k_log + 1) l + 2 k_exp + quotient) + sg, where sg = u (shift D +
    E) + u_sum h is that of the row sum. Given probabilities: 0, or (h + 2) u where rows are divided by their sum.
    Given log-probabilities: 2 k_exp + 2, and 2 |log p| more with base 2.
    """
    contract = on.problem.contract
    rows = by.row_sum(on)
    if contract.input == "probabilities":
        return np.full(on.p.shape, by.u_input + (rows + 2.0 * by.u if contract.boundary.normalise else 0.0))
    if not on.softmax:
        error = by.u * (2.0 * by.k_exp + 2.0 + (by.shift - 1.0) * on.near) + by.u_input * on.near
        return error + error * error
    common = by.u * (by.shift * on.D + by.exp_error(on)) + rows
    exponential = (2.0 * by.k_log + 1.0) * on.l + 2.0 * by.k_exp + by.quotient
    error = np.maximum(by.u * (on.near + (2.0 * by.k_exp + 2.0)), by.u * (by.branch * on.near + exponential[:, None]))
    error += common[:, None]
    error *= by.inflation(on)[:, None]
    error += error * error
    if by.lse or by.u_input:
        further = lse_error(on, by) + 2.0 * by.u_input * on.magnitude
        error += np.expm1(np.minimum(further, 1.0))[:, None]
    return error if on.problem.as_given else probability_move(on, by, error)


def coefficients_off(on: Conditions, by: Arithmetic) -> Floats | None:
    """Return absolute errors of the coefficients, shape (n, m), or None; of an entropy they are the probabilities."""
    if not on.problem.contract.is_entropy:
        return coefficient_error(on, by)
    vanishing = (on.p > 0.0) & (on.p < 8.0 * by.eta)
    return on.p * probability_error(on, by) + np.where(vanishing, underflow(on, by), 0.0)


def underflow(on: Conditions, by: Arithmetic) -> Floats:
    """Absolute error of a probability that underflows, shape (n, m): 0 of one that is no smaller than NEAR normal ones.

    Its exponential is no smaller, since the sum of them is at least 1.
    """
    if on.problem.contract.input == "probabilities":
        return np.where(on.p < by.eta, on.p, 0.0)
    return np.where(on.p < NEAR * by.normal, (2.0 * by.k_exp + 2.0) * by.eta, 0.0)


def boundary_rows(on: Conditions, by: Arithmetic) -> tuple[Floats, Flags]:
    """Return the allowances of sum c (-log b(p)), shape (n,), and where there is none.

    Each term: (derivative of log b to log p) times the relative error of p, 2 k_log u |log b|, 2 u for the addition
    of eps or the clip; (h + 1) u more where several are summed.
    """
    rows, u = by.row_sum(on), by.u
    finite = np.where(np.isfinite(on.log_boundary), np.abs(on.log_boundary), 0.0)
    logs = np.where(on.c != 0.0, finite, 0.0)
    inner, denominator = boundary_slope(on)
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = np.where(on.c != 0.0, underflow(on, by) / denominator, 0.0)
    # A probability of exactly 0 is not rounded to anything else.
    if on.problem.contract.input == "probabilities":
        lost = np.where(on.p == 0.0, 0.0, lost)
    if on.problem.contract.boundary.after:
        further, more = divided(on, by)
        logs, lost = logs + further, lost + more
    added = 0.0 if on.problem.contract.boundary.exact else 2.0 * u
    term = inner * probability_error(on, by) + np.minimum(2.0 * lost, 1.0) + 2.0 * by.k_log * u * logs + added
    error = np.einsum("ij,ij->i", on.sizes, term)
    size = np.einsum("ij,ij->i", on.sizes, logs)
    if on.problem.contract.boundary.after:
        # The sum B and the quotient, or the difference of two logarithms; labels that sum to 1 only nearly.
        error += on.T * (divided_error(on, by) + 2.0 * u) + on.coefficients.deviation * log_of_sum(on)
    error += np.where(on.coefficients.several, (rows + u) * size, 0.0)
    if on.coefficients.product is not None:
        error += np.where(on.coefficients.product, u * size, 0.0)
    if on.problem.class_weights is not None:
        error += u * size
    if on.problem.row_weights is not None:
        error += u * size
    wrong = coefficients_off(on, by)
    if wrong is not None:
        error += np.einsum("ij,ij->i", wrong, np.maximum(logs, finite))
    error = error * (1.0 + 4.0 * rows) + by.eta * (on.problem.m + 1.0) * on.enlarged
    unbounded = (lost > 0.25).any(axis=1) | (by.first_order(on) > 0.25)
    if on.softmax:
        unbounded |= by.leaves_range(on) | vague(on, by)
    return error, unbounded


def clipped(on: Conditions) -> tuple[Floats, Floats]:
    """Return b = clip(p), shape (n, m), and its sum B over each row, shape (n, 1)."""
    clip = on.problem.contract.boundary.clip
    assert clip is not None
    b = np.clip(on.p, *clip)
    return b, b.sum(axis=1, keepdims=True)


def log_of_sum(on: Conditions) -> Floats:
    """The size of log B, shape (n,)."""
    return np.asarray(np.abs(np.log(clipped(on)[1][:, 0])))


def divided(on: Conditions, by: Arithmetic) -> tuple[Floats, Floats]:
    """Return what the logarithms of log b - log B have beside that of b/B, and what the quotient may lose.

    The sizes of log b and of log B are at most that of their difference and twice that of log B.
    """
    b, total = clipped(on)
    quotient = b / total
    lost = np.where(quotient < 2.0 * by.normal, by.eta / quotient, 0.0)
    return 2.0 * log_of_sum(on)[:, None] * (on.c != 0.0), np.where(on.c != 0.0, lost, 0.0)


def divided_error(on: Conditions, by: Arithmetic) -> Floats:
    """Relative error of the computed B, shape (n,): that of each b, 2 u with its limits, and h u of the sum."""
    b, total = clipped(on)
    lost = np.broadcast_to(underflow(on, by), b.shape).sum(axis=1) / total[:, 0]
    relative: Floats = probability_error(on, by).max(axis=1, initial=0.0) + 2.0 * by.u + by.row_sum(on) + lost
    return relative


def boundary_slope(on: Conditions) -> tuple[Floats, Floats]:
    """Return d log b/d log p, between 0 and 1, and the denominator p + eps, max(p, low) or p, shapes (n, m)."""
    p, boundary = on.p, on.problem.contract.boundary
    if boundary.add is not None:
        denominator = p + boundary.add
        with np.errstate(invalid="ignore"):
            return np.where(p > 0.0, p / denominator, 0.0), denominator
    if boundary.clip is not None:
        # Below half the lower limit, a rounded probability is clipped to the same number.
        return np.where(p >= boundary.clip[0] / 2.0, 1.0, 0.0), np.maximum(p, boundary.clip[0])
    return np.ones(p.shape), p
