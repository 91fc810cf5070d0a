"""From rows to the loss and the scaled gradient: sums, means, weighted means, upstream cotangents (section 7)."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, flushed, mean_weight_error
from xentcheck.truth.allowance_unscaled import NEAR, Unscaled
from xentcheck.truth.conditions import Conditions


def divisor(on: Conditions) -> float:
    """Return what a mean divides by: rows, kept rows, or the weights of the kept rows."""
    contract = on.problem.contract
    if contract.mean_over == "rows":
        return float(on.problem.n)
    if contract.mean_over == "kept":
        return float(on.problem.kept.sum())
    return float(on.coefficients.weight.sum())


def reduce_loss(on: Conditions, by: Arithmetic, rows: Floats, unbounded: Flags) -> tuple[Floats, Floats, Flags]:
    """Return value, allowance and unboundedness of the loss under the contract's reduction.

    Sum: sum E_i + h_n u sum |L_i|, h_n = max(n, N) - 1 + k (n - 1) with N coefficients that are not 0 and k further
    terms a row. Mean: that divided by n, + 2 u |mean|. A divisor that is given: over it, + 3 u sum |L_i| and
    3 u |value|. Weighted mean: h_n + 1 in the numerator, 2 u |mean| and the sum of weights' own h_n u |mean| for the
    divisor. In class C logsumexp and label scores may be summed by themselves:
    T |lse| + sum c |z| (and the z-loss) in place of |L|, and two roundings more of that size.
    """
    finite = np.where(np.isfinite(on.L), on.L, 0.0)
    if on.problem.contract.reduction == "none":
        return finite, rows, unbounded
    value, error, nowhere = reduce_rows(on, by, finite, _sizes(on, by, finite), rows, unbounded, by.batch_sum(on))
    if on.problem.contract.reduction == "mean" and divisor(on) == 0.0:
        nowhere = np.array(on.problem.contract.empty_mean == "unspecified")
    return value, error, nowhere


def reduce_rows(
    on: Conditions, by: Arithmetic, values: Floats, sizes: Floats, rows: Floats, unbounded: Flags, summing: float
) -> tuple[Floats, Floats, Flags]:
    """Return value, allowance and unboundedness of numbers a row, reduced as the loss is, to one.

    Parameters
    ----------
    values, rows, unbounded : ndarray, shape (n,)
        The numbers, their allowances, and where there is none.
    sizes : ndarray, shape (n,)
        Of what is summed.
    summing : float
        The relative error of the sum; see `reduce_loss`.
    """
    contract = on.problem.contract
    weighted = on.problem.mean_of_weights
    size = float(sizes.sum())
    value, error = float(values.sum()), float(rows.sum()) + _times(summing, size)
    if by.lse:
        error += 2.0 * by.u * size
    # A 16-bit result of a sum in float32 is rounded once more.
    error += by.u * abs(value) if by.u > by.u_sum else 0.0
    nowhere = bool(unbounded.any())
    # The sum of the rows, or of their terms, may leave the range although their mean, or its difference, does not.
    given = on.problem.divisor
    if contract.reduction == "mean" or given is not None or by.lse:
        nowhere = nowhere or bool(size + error > by.largest_sum)
    if contract.reduction == "mean":
        by_what = divisor(on)
        if by_what == 0.0:
            return np.array(0.0), np.array(0.0), np.array(True)
        value /= by_what
        if weighted and on.problem.row_weights is not None:
            error += by.u * size  # weights that are divided by their sum first
        error = (error + (by.u_sum * size if weighted else 0.0)) / by_what + by.eta
        error += 2.0 * by.u * abs(value)
        error += _times(by.batch_sum(on, weights=True), size / by_what) if weighted else 0.0
        error += (size / by_what) * _divisor_error(on, by)
    if given is not None:
        # Its reading, the reciprocal and the product, of the sum or of each row.
        value /= given
        error = (error + 3.0 * by.u * size) / given + 3.0 * by.u * abs(value) + (on.problem.n + 1.0) * by.eta
        nowhere = nowhere or _leaves_range(given, by)
    if by.u_output:
        # The sum is rounded to the output's dtype, and the mean.
        error += float(by.stored(np.array(value), np.array(error), roundings=2.0))
    nowhere = nowhere or not np.isfinite(error) or bool(abs(value) + error > by.largest_output)
    exact = bool(np.isfinite(on.L).all())
    return np.array(value), np.array(error if exact and not nowhere else 0.0), np.array(nowhere)


def _sizes(on: Conditions, by: Arithmetic, finite: Floats) -> Floats:
    """Return the sizes of what is summed over the rows, shape (n,): |L|, or those of its terms in class C."""
    sizes: Floats = np.abs(finite)
    if not by.lse or not on.softmax or not on.problem.contract.boundary.exact:
        return sizes
    terms = on.T * np.abs(on.lse) + on.weighted_scores + on.penalty * on.lse * on.lse
    return np.where(on.problem.kept & np.isfinite(on.L), np.maximum(sizes, terms), 0.0)


def scale_gradient(on: Conditions, by: Arithmetic, raw: Unscaled) -> tuple[Floats, Floats, Flags]:
    """Return value, allowance and unboundedness of the gradient under its reduction and upstream cotangent.

    With k factors (1/n or 1/W, class weights, upstream, and for three each 1/T of a temperature and a divisor
    that is given): s E + u s (k + 1) terms +
    (k + 1) u |g| (h_n more for W), and (2 k_exp + 2) eta that is not scaled, since the scaled number itself may
    underflow.
    """
    problem, contract = on.problem, on.problem.contract
    scale = np.ones(problem.n)
    shrinking = scale  # the product of those factors that are below 1: no partial product is smaller
    factors, divides = 0, 0.0
    empty = False
    if problem.upstream is not None:
        scale, factors = scale * problem.upstream, factors + 1
        shrinking = shrinking * np.where(problem.upstream == 0.0, 1.0, np.minimum(np.abs(problem.upstream), 1.0))
    if contract.effective_gradient_reduction == "mean":
        by_what = divisor(on)
        empty = by_what == 0.0
        scale, factors = scale / (by_what or 1.0), factors + 1
        shrinking = shrinking / max(by_what, 1.0)
        if problem.mean_of_weights:
            divides = by.batch_sum(on, weights=True) + _divisor_error(on, by)
    factors += sum(given is not None for given in (problem.class_weights, problem.row_weights))
    given = problem.divisor if contract.effective_gradient_reduction == "sum" else None
    if given is not None:
        scale, factors = scale / given, factors + 3
        shrinking = shrinking / max(given, 1.0)
    tempered = problem.temperature is not None and contract.gradient_wrt == "logits"
    if tempered:
        assert problem.temperature is not None
        scale, factors = scale / problem.temperature, factors + 3
        shrinking = shrinking / max(problem.temperature, 1.0)
    s = np.abs(scale)[:, None]
    value = raw.value * scale[:, None]
    error = s * raw.error
    unbounded = raw.unbounded | on.unjudged[:, None]
    if given is not None and _leaves_range(given, by):
        unbounded = np.ones(value.shape, bool)
    if tempered or given is not None:  # the factors of a row may be multiplied with each other first
        unbounded = unbounded | (s > by.largest / 2.0)
    if factors:
        own = by.u * ((factors + 1) * raw.terms) * s
        if by.relative:
            # A relatively accurate label is scaled after its subtraction.
            own = np.where(~on.single[:, None] | (on.c == 0.0), own, 0.0)
        common = _times(divides, np.abs(value)) if divides else 0.0
        floor: float | Floats = (2.0 * by.k_exp + 2.0) * by.eta
        if raw.least is not None:
            floor = np.where(raw.least * shrinking[:, None] < NEAR * by.normal, floor, 0.0)
        error = error + own + (factors + 1) * (by.u * np.abs(value)) + common + floor
    elif by.u > by.u_sum:
        error = error + by.u * np.abs(value)
    if by.u_output:
        error = error + _stored(by, raw, s, value, error, bool(factors))
    # A row whose label has probability 0 has an infinite loss and still a gradient.
    counts = (~np.isnan(on.L) & problem.kept)[:, None]
    error = np.where(counts, error, 0.0)
    value = np.where(counts, value, 0.0)
    unbounded = unbounded | ~np.isfinite(error) | (np.abs(value) + error > by.largest_output)
    if empty and contract.empty_mean != "zero":
        unbounded = np.ones(value.shape, bool)
    return value, np.where(unbounded, 0.0, error), unbounded


def _leaves_range(divisor: float, by: Arithmetic) -> bool:
    """Whether a divisor that is given, or its reciprocal, is no normal number of the arithmetic."""
    return not by.normal <= divisor <= by.largest / 2.0 or divisor * by.normal > 1.0


def _divisor_error(on: Conditions, by: Arithmetic) -> float:
    """Relative error that a conversion of the targets, or the mean weight of smoothed labels, makes in a divisor.

    So do weights that may be flushed to 0; no bound is left where all of them may.
    """
    contract = on.problem.contract
    if contract.mean_over != "weights":
        return 0.0
    gone = float(np.abs(on.coefficients.weight)[flushed(on, by)].sum())
    relative = (on.coefficients.weight_rounding + gone) / (divisor(on) or 1.0)
    if contract.smoothing_weights == "mean":
        relative += float(mean_weight_error(on, by).max(initial=0.0))
    if relative == 0.0:
        return 0.0
    return float(relative / (1.0 - relative)) if relative < 1.0 else np.inf


def _stored(by: Arithmetic, raw: Unscaled, s: Floats, value: Floats, error: Floats, scaled: bool) -> Floats:
    """What a narrower output dtype costs: the gradient, the row's factor and the softmax may each be rounded to it.

    The factor of a row is what the reduction hands to code that works on rows. Off the label the softmax is the
    gradient itself, rounded once, unless it is scaled afterwards.
    """
    lost = by.stored(value, error, roundings=2.0 if scaled else 1.0)
    if raw.stored is None:
        return lost
    kept = raw.stored if scaled else np.where(raw.terms > raw.stored, raw.stored, 0.0)
    vanishing = np.where((raw.stored > 0.0) & (raw.stored < by.normal_output), by.eta_output, 0.0)
    return lost + s * (by.u_output * kept + vanishing)


def _times(relative: float, size: Any) -> Any:
    """Infinity times nothing is nothing: a batch too long for a bound whose losses are all 0."""
    return relative * size if np.isfinite(relative) else np.where(np.asarray(size) > 0.0, np.inf, 0.0)
