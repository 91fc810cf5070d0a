"""How far a good algorithm's gradient may be from the exact one, element by element (docs/bounds.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xentcheck.truth.allowance_boundary import (
    boundary_slope,
    clipped,
    divided,
    divided_error,
    probability_error,
    underflow,
)
from xentcheck.truth.allowance_clipped import at_clipped
from xentcheck.truth.allowance_entropy import entropy_gradients
from xentcheck.truth.allowance_logits import complement_move, slope_error
from xentcheck.truth.allowance_loss import logsumexp_error
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, coefficient_error, lse_error, vague
from xentcheck.truth.allowance_running import running_maxima
from xentcheck.truth.allowance_unscaled import NEAR, Unscaled
from xentcheck.truth.conditions import Conditions


def row_gradients(on: Conditions, by: Arithmetic, *, through_maximum: bool = True, running: bool = True) -> Unscaled:
    """Return the gradient of every row's loss and its allowance.

    Parameters
    ----------
    through_maximum : bool
        Whether code is among the algorithms that differentiates the shift by the maximum, too.
    running : bool
        Whether that may be a running one. What is allowed without it is no more, and takes a small part of the time.
    """
    contract = on.problem.contract
    shifted = through_maximum and _shifts(on, by)
    if contract.is_entropy:
        raw = entropy_gradients(on, by)
        return _through_maximum(on, by, raw, running) if shifted else raw
    normalised = contract.gradient_wrt == "log_probabilities" and contract.boundary.normalise
    bounded = contract.gradient_of == "loss" and not contract.boundary.exact
    if bounded and contract.boundary.after:
        return _clipped_then_divided(on, by)
    if contract.at_clipped:
        return at_clipped(on, by)
    if contract.gradient_wrt == "probabilities":
        return _by_probabilities(on, by)
    if contract.gradient_wrt == "log_probabilities" and not normalised:
        return _by_log_probabilities(on, by, bounded)
    # From given probabilities, even -log p may be differentiated step by step: through -c/p and the softmax.
    stepwise = bounded or (contract.gradient_of == "loss" and contract.input == "probabilities")
    raw = _through_boundary(on, by) if stepwise else _softmax_minus_target(on, by)
    raw = _with_z_loss(on, by, raw) if on.z_loss else raw
    raw = _through_maximum(on, by, raw, running) if shifted else raw
    return raw if on.problem.soft_cap is None or contract.gradient_wrt != "logits" else _through_soft_cap(on, by, raw)


def differentiates_running_maxima(on: Conditions, by: Arithmetic) -> bool:
    """Return whether something may be allowed for them: if not, `running` makes no difference."""
    return _shifts(on, by) and not on.problem.contract.is_entropy


def _shifts(on: Conditions, by: Arithmetic) -> bool:
    return on.softmax and by.shift > 1.0 and not (by.relative or on.problem.contract.p_minus_t)


def _softmax_minus_target(on: Conditions, by: Arithmetic) -> Unscaled:
    """R p - c with R = T, or for p - t as a policy the weight of the row: see docs/bounds.md, section 5."""
    problem, chosen, u, rows = on.problem, on.coefficients, by.u, by.row_sum(on)
    R, label = on.factor_size[:, None], chosen.label
    summed = not problem.contract.p_minus_t  # whether R is calculated of the coefficients
    each = np.arange(problem.n)
    mass = R * on.p
    value = on.factor[:, None] * on.p - (0.0 if chosen.c is None else chosen.c)
    single = on.single
    value[each[single], label[single]] = -(on.factor * on.rest)[single]
    relative = probability_error(on, by)
    floor: float | Floats = (2.0 * by.k_exp + (2.0 if by.shift > 1.0 else 1.0)) * by.eta
    error = mass * relative
    if chosen.product is not None and summed:
        error += np.where(chosen.product[:, None], u * mass, 0.0)
    at_label = error[each, label] + u * on.factor_size * on.rest
    # Underflow, in p and in the product with R: only where a number comes near the smallest one.
    least = _smallest(on, value)
    lost = np.where(least < NEAR * by.normal, floor * np.maximum(R, 1.0), 0.0)
    error += lost
    at_label += lost[each, label]
    further: Floats | float = 0.0
    if on.softmax:
        complement = _by_complement(on, by)
        further = np.where(single, np.maximum(complement - at_label, 0.0), 0.0)
        at_label = complement if by.relative else np.maximum(at_label, complement)
    error[each[single], label[single]] = at_label[single]
    terms = mass + on.sizes
    if not single.all():
        # Of T, a sum; else of S c, where it is subtracted in the numerator.
        error += np.where(single[:, None], 0.0, (rows * mass if summed else u * on.sizes) + u * np.abs(value))
        if by.log_softmax and on.softmax and summed:
            # Step by step through -log(softmax): the quotient c/p, its product with p, and their differences.
            error += np.where(single[:, None], 0.0, 3.0 * u * on.sizes + 2.0 * u * mass)
    if chosen.deviation.any():
        error += chosen.deviation[:, None] * on.p
    wrong = coefficient_error(on, by, summed=summed)
    if wrong is not None:
        error += wrong + wrong.sum(axis=1)[:, None] * on.p * summed
    unbounded = (by.first_order(on) > 0.25) | by.leaves_range(on)
    if not on.softmax:
        unbounded = np.full(problem.n, rows > 0.25)
    unbounded = unbounded | vague(on, by)
    return Unscaled(value, error, terms, unbounded[:, None], _stored_softmax(on, by, mass), least, further)


def _smallest(on: Conditions, value: Floats) -> Floats:
    """The smallest of 1, p, R p, the coefficient and the gradient itself, those that are exactly 0 left out."""
    least = np.minimum(1.0, on.p * np.minimum(on.factor_size, 1.0)[:, None])
    for part in (on.sizes, np.abs(value)):
        least = np.minimum(least, np.where(part > 0.0, part, 1.0))
    return least


def _stored_softmax(on: Conditions, by: Arithmetic, mass: Floats) -> Floats | None:
    """R p where it may have been rounded to a narrower output dtype; a relatively accurate label is not made of it."""
    if not by.u_output or on.problem.contract.input == "probabilities":
        return None
    return np.where(on.single[:, None] & (on.c != 0.0), 0.0, mass) if by.relative else mass


def _by_complement(on: Conditions, by: Arithmetic) -> Floats:
    """Error of -R (sum over i != y of e_i)/S in rows that are `single`, shape (n,).

    u [sum over i != y of p_i (shift |d_i| + 2 k_exp) + (1 - p_y) (sg + h + 2)]: the numerator and S are two sums.
    """
    rows, u = by.row_sum(on), by.u
    each = np.arange(on.problem.n)
    # D minus the label's part: where that cancels, the other term is far larger.
    others = np.maximum(on.D - on.p_label * on.near[each, on.coefficients.label], 0.0)
    common = u * (by.shift * on.D + by.exp_error(on)) + rows
    error = u * (by.shift * others) + on.rest * (common + u * (2.0 * by.k_exp + 2.0) + rows)
    error = error * by.inflation(on)
    if by.lse:
        error = error + on.rest * np.expm1(np.minimum(lse_error(on, by), 1.0))
    if by.u_input:
        error = error + on.rest * np.expm1(np.minimum(2.0 * by.u_input * on.magnitude, 1.0))
    if not on.problem.as_given:
        error = error + complement_move(on, by)
    if on.coefficients.product is not None:
        error = error + np.where(on.coefficients.product, u * on.rest, 0.0)
    R = on.factor_size
    lost = by.vanishing(on, quotients=True) * (2.0 * by.k_exp + 1.0) + (on.rest * np.minimum(R, 1.0) < NEAR * by.normal)
    return R * error + lost * by.eta * np.maximum(R, 1.0)


def _through_soft_cap(on: Conditions, by: Arithmetic, raw: Unscaled) -> Unscaled:
    """The gradient by the capped logits, times 1 - tanh^2: 6 u for the products, and what c and 1/c let underflow.

    No bound where upstream times gradient times c, as a backward pass multiplies, leaves the range.
    """
    cap, upstream = on.problem.soft_cap, on.problem.upstream
    assert cap is not None
    scale = 1.0 if upstream is None else np.reshape(np.maximum(np.abs(upstream), 1.0), (-1, 1))
    most = on.slope + slope_error(on, by)
    value = raw.value * on.slope
    error = raw.error * most + np.abs(raw.value) * slope_error(on, by) + 6.0 * (by.u * np.abs(value))
    error += by.eta * (2.0 + 1.0 / cap) * np.maximum(on.factor_size, 1.0)[:, None]
    overflows = (np.abs(raw.value) + raw.error) * scale * max(cap, 1.0) > by.largest / 2.0
    stored = None if raw.stored is None else raw.stored * most
    return Unscaled(value, error, raw.terms * most, raw.unbounded | overflows, stored)


def _with_z_loss(on: Conditions, by: Arithmetic, raw: Unscaled) -> Unscaled:
    """2 lambda lse p more: the errors of lse and of p, 6 u for the products, and what the larger terms round to."""
    strength = 2.0 * on.penalty[..., None]
    slope = strength * on.lse[:, None] * on.problem.kept[:, None]
    extra = np.abs(slope) * on.p
    error = raw.error + extra * probability_error(on, by) + 6.0 * (by.u * extra) + 2.0 * by.u * raw.terms
    error += on.p * (strength * logsumexp_error(on, by)[:, None])
    error += (2.0 * by.k_exp + 2.0) * by.eta * np.abs(slope)
    stored = None if raw.stored is None else np.where(raw.stored > 0.0, raw.stored + extra, 0.0)
    return Unscaled(
        raw.value + slope * on.p, error, raw.terms + extra, raw.unbounded, stored, complement=raw.complement
    )


def _through_maximum(on: Conditions, by: Arithmetic, raw: Unscaled, running: bool) -> Unscaled:
    """What comes by the shift z - M where M is differentiated, too: minus the sum of the gradient by z - M.

    Exactly that is 0; calculated it is the errors of all elements, as autodiff makes them, and that of their sum. It
    goes to the first or the last place of the maximum, or to all of them evenly. With an online softmax something
    goes to every class that was the maximum of those seen.
    """
    residual = raw.error.sum(axis=1) - raw.complement + by.row_sum(on) * np.abs(raw.value).sum(axis=1)
    top = on.d == 0.0
    share = top / np.maximum(top.sum(axis=1), 1)[:, None]
    each = np.arange(len(top))
    for place in (top.argmax(axis=1), top.shape[1] - 1 - top[:, ::-1].argmax(axis=1)):
        share[each, place] = 1.0
    added = np.where(top, share * residual[:, None], 0.0)
    if running and not on.problem.contract.is_entropy:
        strength = on.factor_size + 2.0 * on.penalty * np.abs(on.lse) * on.problem.kept
        added = np.maximum(added, strength[:, None] * running_maxima(on, by))
    return replace(raw, error=raw.error + added)


def _by_log_probabilities(on: Conditions, by: Arithmetic, bounded: bool) -> Unscaled:
    """-c r with respect to the log-probabilities, r = 1 or that of the boundary."""
    r, wrong = np.ones(on.p.shape), coefficient_error(on, by)
    error = by.u * on.sizes + by.eta
    unbounded = np.zeros(on.problem.n, bool)
    if bounded:
        r, denominator = _derivative(on)
        lost = on.sizes * underflow(on, by) / np.maximum(denominator, np.finfo(np.float64).tiny)
        error = on.sizes * r * (probability_error(on, by) + 6.0 * by.u) + lost + by.eta
        unbounded = _ambiguous(on, by)
    if wrong is not None:
        error = error + wrong * r
    return Unscaled(-on.c * r, error, on.sizes * r, unbounded[:, None])


def _by_probabilities(on: Conditions, by: Arithmetic) -> Unscaled:
    """-c b'/b with respect to the probabilities: 3 u |g|, u for the addition of eps, and what underflows.

    Where rows are divided by their sum P first, (sum q v - v)/P with v = c b'/b at q = p/P.
    """
    contract, u, rows = on.problem.contract, by.u, by.row_sum(on)
    bounded = contract.gradient_of == "loss" and not contract.boundary.exact
    slope, denominator = np.ones(on.p.shape), on.p
    unbounded = np.zeros((on.problem.n, 1), bool)
    if bounded:
        _, denominator = boundary_slope(on)
        if contract.boundary.clip is not None:
            slope, denominator = _inside(on), on.p
        unbounded = _ambiguous(on, by)[:, None]
    if contract.input != "probabilities":
        unbounded = np.ones((on.problem.n, 1), bool)
    lost = np.where(on.p == 0.0, 0.0, underflow(on, by))
    counts = (on.c != 0.0) & (slope > 0.0)
    wrong = coefficient_error(on, by)
    with np.errstate(divide="ignore", invalid="ignore"):
        v = np.where(counts, on.c / denominator, 0.0)
        gone = np.where(counts, lost / denominator, 0.0)
        part = 0.0 if wrong is None else np.where(counts, wrong / denominator, 0.0)
    # 0/0 where dense labels are divided by probabilities.
    nothing = (denominator == 0.0) & ~counts & np.full(1, on.coefficients.c is not None)
    unbounded = unbounded | (gone > 0.25) | ~np.isfinite(v) | nothing
    v = np.where(np.isfinite(v), v, 0.0)
    value, terms = -v, np.abs(v)
    error = terms * (4.0 * u + probability_error(on, by) + np.minimum(2.0 * gone, 1.0))
    if contract.boundary.normalise:
        total = np.maximum(on.problem.scores.sum(axis=1), np.finfo(np.float64).tiny)[:, None]
        mean = np.einsum("ij,ij->i", on.p, v)[:, None]
        sizes = np.einsum("ij,ij->i", on.p, terms)[:, None]
        value, terms = (mean - v) / total, (sizes + terms) / total
        error = (terms * (2.0 * rows + 10.0 * u)) + (error + np.einsum("ij,ij->i", on.p, error)[:, None]) / total
        unbounded = np.asarray(np.broadcast_to(unbounded, v.shape).any(axis=1))[:, None]
        part = 0.0 if wrong is None else (part + np.einsum("ij,ij->i", on.p, part)[:, None]) / total
    return Unscaled(value, error + part + by.eta, terms, unbounded | ~np.isfinite(error + part))


def _through_boundary(on: Conditions, by: Arithmetic) -> Unscaled:
    """p_k A - c_k r_k, with r = d log b/d log p and A = sum c r: the derivative of the declared loss.

    c r (rho + 6 u) + p A (rho + h u + 6 u) + p sum of c r rho, rho the relative error of p; what underflows is
    multiplied by v = c/(p + eps).
    """
    u, rows, c, p = by.u, by.row_sum(on), on.sizes, on.p
    slope, denominator = _derivative(on)
    rho, lost = probability_error(on, by), underflow(on, by)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Where p has underflowed, p/(p + eps) has, too; 1/(p + eps), which multiplies what was lost, has not.
        reaches = slope > 0.0 if on.problem.contract.boundary.add is None else True
        v = np.where((c > 0.0) & reaches, c / denominator, 0.0)
    unbounded = (v > by.largest / 2.0).any(axis=1) | _ambiguous(on, by) | (by.first_order(on) > 0.25)
    v = np.minimum(v, by.largest)
    part = c * slope
    A = part.sum(axis=1)[:, None]
    common = np.einsum("ij,ij->i", part, rho) + np.einsum("ij,ij->i", v, np.broadcast_to(lost, v.shape))
    error = part * (rho + 6.0 * u) + p * A * (rho + (rows + 6.0 * u)) + p * common[:, None]
    error = error + lost * (1.0 + v + A) + by.eta
    # And the products, which may underflow where p does not.
    least = np.minimum(np.where(part > 0.0, part, 1.0), np.where(p * A > 0.0, p * np.minimum(A, 1.0), 1.0))
    least = np.minimum(least, np.where(c > 0.0, c, 1.0))
    error += np.where((least < NEAR * by.normal) & (lost == 0.0), (2.0 * by.k_exp + 2.0) * by.eta, 0.0)
    wrong = coefficient_error(on, by)
    if wrong is not None:
        error = error + wrong * slope + p * np.einsum("ij,ij->i", wrong, slope)[:, None]
    if on.softmax:
        unbounded |= by.leaves_range(on) | vague(on, by)
    signed = on.c * slope
    value = p * signed.sum(axis=1)[:, None] - signed
    return Unscaled(value, error, p * A + part, unbounded[:, None])


def _clipped_then_divided(on: Conditions, by: Arithmetic) -> Unscaled:
    """1_j (T/B - c_j/b_j) by the probabilities, r_j = 1_j (c_j - T p_j/B) with the opposite sign by their logarithms.

    By the logits behind them p_j sum r - r_j. T/B has the errors of T and B, where it is summed over the classes once
    more as well: 2 h u_s, E_B and 8 u beside the 6 u of c/b; and those of a softmax of the logarithms over b.
    """
    contract, u, rows = on.problem.contract, by.u, by.row_sum(on)
    b, total = clipped(on)
    inside, T, wrong = _inside(on), on.T[:, None], coefficient_error(on, by)
    rho = probability_error(on, by)
    of_sum = (2.0 * rows + 8.0 * u + divided_error(on, by))[:, None] + _softmax_of_logarithms(on, by)
    gone = inside * underflow(on, by) / b + divided(on, by)[1]
    v, shared = inside * on.sizes / b, inside * T / total
    error = v * (rho + 6.0 * u + np.minimum(2.0 * gone, 1.0)) + shared * of_sum + u * (v + shared)
    error = error + inside * (np.einsum("ij,ij->i", on.sizes, np.minimum(2.0 * gone, 1.0))[:, None] / total)
    error = error + inside * (on.coefficients.deviation[:, None] / total)
    if wrong is not None:
        error = error + inside * (wrong / b + wrong.sum(axis=1)[:, None] / total)
    value, terms = inside * (on.coefficients.T[:, None] / total - on.c / b), v + shared
    # A backward pass through the quotient divides by b/B, and by what the clip has replaced, too.
    steep = (on.sizes * np.maximum(total, 1.0) / b).max(axis=1, initial=0.0) > by.largest / 2.0
    unbounded = steep | _ambiguous(on, by) | (gone > 0.25).any(axis=1) | (rows > 0.25)
    floor = by.eta * (2.0 + (T + on.sizes) / b)
    if contract.gradient_wrt == "probabilities":
        return Unscaled(value, error + floor, terms, unbounded[:, None])
    p = on.p
    value, terms, error = p * value, p * terms, p * (error + (rho + u) * terms)
    if contract.gradient_wrt == "logits":
        summed = np.einsum("ij,ij->i", np.ones_like(p), terms)[:, None]
        error = error + p * (error.sum(axis=1)[:, None] + (rows + rho + 6.0 * u) * summed) + u * terms
        value, terms = value - p * value.sum(axis=1)[:, None], terms + p * summed
    return Unscaled(value, error + floor + by.eta, terms, unbounded[:, None])


def _softmax_of_logarithms(on: Conditions, by: Arithmetic) -> Floats:
    """Relative error of b/B as a softmax of log b, shape (n, m): that of the logarithms, of exp, and their mean."""
    b, total = clipped(on)
    of_log = (2.0 * by.k_log + 2.0) * by.u * np.abs(np.log(b))
    mean = np.einsum("ij,ij->i", b, of_log)[:, None] / total
    top = np.take_along_axis(of_log, b.argmax(axis=1)[:, None], axis=1) if b.shape[1] else 0.0
    return np.asarray(of_log + 2.0 * top + mean + 4.0 * by.k_exp * by.u)


def _derivative(on: Conditions) -> tuple[Floats, Floats]:
    """Return d log b/d log p as it is differentiated, 0 outside a clip, and the denominator of b'/b."""
    slope, denominator = boundary_slope(on)
    return (slope if on.problem.contract.boundary.clip is None else _inside(on)), denominator


def _inside(on: Conditions) -> Floats:
    """1 where the probability lies within the clip, 0 outside, shape (n, m)."""
    clip = on.problem.contract.boundary.clip
    assert clip is not None
    return ((on.p >= clip[0]) & (on.p <= clip[1])).astype(np.float64)


def _ambiguous(on: Conditions, by: Arithmetic) -> Flags:
    """Rows where rounding, or the reading of a limit in another dtype, decides on which side of the clip p lies."""
    clip = on.problem.contract.boundary.clip
    found = np.zeros(on.problem.n, bool)
    if clip is None:
        return found
    doubt = probability_error(on, by) + 4.0 * by.u
    for edge in clip:
        reading = 2.0 * by.eta if edge < by.eta else 0.0
        close = np.abs(on.p - edge) <= edge * doubt + reading + underflow(on, by)
        counts = on.T[:, None] != 0.0 if on.problem.contract.boundary.after else on.c != 0.0
        found |= (close & counts).any(axis=1)
    return found
