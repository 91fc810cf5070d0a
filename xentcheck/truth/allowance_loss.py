"""How far a good algorithm's row losses may be from the exact ones (docs/bounds.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xentcheck.truth.allowance_boundary import boundary_rows, coefficients_off
from xentcheck.truth.allowance_logits import logsumexp_move, row_error
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, coefficient_error, label_error, lse_error
from xentcheck.truth.conditions import Conditions


def row_losses(on: Conditions, by: Arithmetic) -> tuple[Floats, Flags]:
    """Return the allowances of the row losses, shape (n,), and where no finite bound exists.

    The allowances are finite everywhere; those of rows whose exact loss is infinite or undefined are 0.
    """
    contract = on.problem.contract
    if on.softmax and contract.boundary.exact:
        error, unbounded = _softmax_rows(on, by)
    elif contract.input == "log_probabilities" and contract.boundary.exact:
        error, unbounded = _weighted_sum_rows(on, by)
    else:
        error, unbounded = boundary_rows(on, by)
    if on.z_loss:
        penalty, overflows = _z_loss(on, by)
        error, unbounded = error + penalty, unbounded | overflows
    elif on.softmax and "z_loss" in contract.arguments:
        unbounded = unbounded | (on.lse * on.lse > by.largest / 2.0)  # 0 times a square that leaves the range is nan
    exact = np.isfinite(on.L)
    value = np.where(exact, np.abs(on.L), 0.0)
    error = np.where(exact & on.problem.kept, error + by.stored(value, error), 0.0)
    unbounded = unbounded | ~np.isfinite(error) | (exact & (value + error > by.largest_output)) | on.unjudged
    return np.where(unbounded, 0.0, error), unbounded


def _softmax_rows(on: Conditions, by: Arithmetic) -> tuple[Floats, Flags]:
    r"""Row losses T l + sum c (M - z).

    u [T (shift D + E + 2 k_log l + spare) + gap sum c|d| + L] + u_sum h T + T v (2 k_exp + 1) eta, E = 2 k_exp (or
    2 k_exp q where exp(0) is exactly 1), the h times q in the log1p form, v the number of exponentials that may
    underflow; (h + 1) L more where several coefficients are summed.
    """
    T, L, u = on.T, _finite(on.surprisal), by.u
    several = on.coefficients.several
    rows = by.row_sum(on)
    part = on.q if by.relative else 1.0
    unit = by.shift * on.D + by.exp_error(on) + 2.0 * by.k_log * on.l + by.spare * part
    error = T * (u * unit + rows * part) + u * (by.gap * _finite(on.gap) + L)
    error += np.where(several, rows * L, 0.0)
    if on.coefficients.product is not None:
        error += np.where(on.coefficients.product, u * L, 0.0)
    if on.problem.class_weights is not None:
        error += u * L
    if on.problem.row_weights is not None:
        error += u * L
    if by.log_softmax:
        # -log(softmax) while the probability is a normal number; below it, only the range of such code is wrong.
        error += 2.0 * by.k_log * (u * np.minimum(L, -T * np.log(by.eta)))
    error += on.coefficients.deviation * on.l
    wrong = coefficients_off(on, by)
    if wrong is not None:
        # So has a coefficient of 0 whose term is added and taken away again: a smoothing of 1 over the others.
        distance = np.where((on.c != 0.0) | (wrong != 0.0), _finite(np.abs(on.d)), 0.0)
        error += np.einsum("ij,ij->i", wrong, distance) + wrong.sum(axis=1) * on.l
    if by.lse:
        error += _unshifted(on, by, wrong) + _divergence(on, by)
    if by.u_input:
        error += 2.0 * by.u_input * T * on.magnitude
    error *= by.inflation(on)
    if not on.problem.as_given:
        error += row_error(on, by)
    m = on.problem.m
    products = 0.0 if on.problem.plain else m + 1.0
    error += by.eta * (T * (by.vanishing(on) * (2.0 * by.k_exp + 1.0)) + products * on.enlarged)
    error += T * (by.eta if by.relative else 0.3 * m * u * u)
    return error, (by.first_order(on) > 0.25) | _overflows(on, by)


def _unshifted(on: Conditions, by: Arithmetic, wrong: Floats | None) -> Floats:
    """What T lse - sum c z costs beyond the shifted form."""
    error = on.T * lse_error(on, by) + on.coefficients.deviation * np.abs(on.lse)
    sums = (by.row_sum(on) + 2.0 * by.u) * (on.weighted_scores + on.T * np.abs(on.lse))
    error += np.where(on.coefficients.several, sums, 0.0)
    if on.problem.contract.is_entropy:
        # Not of exp(z - lse), whose error u |lse| would be multiplied by z: p is a softmax of its own here.
        wrong = coefficients_off(on, replace(by, lse=0.0, tree=False))
    if wrong is not None:
        error += wrong.sum(axis=1) * (on.magnitude + np.abs(on.lse))
    return error


def _divergence(on: Conditions, by: Arithmetic) -> Floats:
    """What KL(t, p) + H(t) costs beyond -sum t log p, where t is read back from its logarithms.

    The two parts have sum t log t with labels and logarithms of their own, and each is a sum of the size of the loss.
    """
    relative = label_error(on, by)
    if relative is None:
        return np.zeros(on.problem.n)
    assert on.problem.targets is not None
    t = on.problem.targets
    logs = np.abs(np.log(t, out=np.zeros_like(t), where=t > 0.0))
    sums = 2.0 * (by.row_sum(on) + 3.0 * by.u) * _finite(on.surprisal)
    read_back: Floats = (on.sizes * relative * (logs + 1.0)).sum(axis=1)
    return read_back + np.where(on.coefficients.several, sums, 0.0)


def _overflows(on: Conditions, by: Arithmetic) -> Flags:
    """Rows in which a legitimate algorithm may leave the range on its way."""
    overflows = by.leaves_range(on)
    if on.problem.smoothing:
        # The uniform part sums -log p over all classes before it multiplies by eps/m.
        d = np.where(np.isfinite(on.d), on.d, 0.0)
        overflows |= on.problem.m * on.l - d.sum(axis=1) > by.largest
        # So may one that weighs the classes first, and multiplies after the sum over the rows.
        weights = 1.0 if on.problem.class_weights is None else np.abs(on.problem.class_weights)
        uniform = (weights * (on.l[:, None] - d)).sum(axis=1) * on.problem.kept * on.enlarged
        if on.problem.contract.reduction != "none":
            uniform = on.problem.batch_sum(uniform)
        overflows |= uniform > by.largest_sum
    if by.lse:
        overflows |= by.lse * by.u * np.abs(on.lse) > 8.0
        overflows |= on.weighted_scores + on.T * np.maximum(on.magnitude, np.abs(on.lse)) > by.largest / 2.0
    return overflows


def _weighted_sum_rows(on: Conditions, by: Arithmetic) -> tuple[Floats, Flags]:
    """Row losses -sum c log p with log p given: u L, (h + 1) u more where several terms are summed.

    And u L for the product with the weight of the row, and for the reading of a class weight that is a constant.
    """
    size, problem = _finite(on.gap), on.problem
    error = (by.u + by.u_input) * size + np.where(on.coefficients.several, (by.row_sum(on) + by.u) * size, 0.0)
    if problem.row_weights is not None:
        error += by.u * size
    if on.coefficients.c is None and isinstance(problem.contract.class_weights, tuple):
        error += by.u * size
    wrong = coefficient_error(on, by)
    if wrong is not None:
        terms = np.where((on.c != 0.0) | (wrong != 0.0), _finite(np.abs(on.d)), 0.0)
        error += np.einsum("ij,ij->i", wrong, terms)
    error += by.eta * (1.0 if on.coefficients.c is None else on.problem.m + 1.0) * on.enlarged
    overflows = np.full(on.problem.n, by.row_sum(on) > 0.25)
    if on.problem.smoothing:
        overflows |= _finite(np.abs(on.d)).sum(axis=1) > by.largest
    return error * (1.0 + 4.0 * by.row_sum(on)), overflows


def logsumexp_error(on: Conditions, by: Arithmetic) -> Floats:
    """Absolute error of a computed logsumexp, shape (n,)."""
    unit = by.shift * on.D + by.exp_error(on) + 2.0 * by.k_log * on.l + by.spare + 2.0 * np.abs(on.lse)
    error = (by.u * unit + by.row_sum(on) + lse_error(on, by) + by.u_input * on.magnitude) * by.inflation(on)
    if not on.problem.as_given:
        error += logsumexp_move(on, by)
    return error + by.vanishing(on) * (2.0 * by.k_exp + 1.0) * by.eta


def _z_loss(on: Conditions, by: Arithmetic) -> tuple[Floats, Flags]:
    """Z-loss lambda lse^2: lambda (2 |lse| e + e^2) + 6 u lambda lse^2 for an error e of lse; and the final sum.

    Lambda times the weight of the row, where there is one: the product is one rounding more.
    """
    strength, e = on.penalty, logsumexp_error(on, by)
    size = strength * on.lse * on.lse
    error = strength * e * (2.0 * np.abs(on.lse) + e) + (6.0 if strength.ndim == 0 else 7.0) * by.u * size
    error += by.u * _finite(on.surprisal) + by.eta * (on.enlarged + strength)
    return error, on.lse * on.lse > by.largest / 2.0


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)
