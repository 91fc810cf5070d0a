"""The coefficients c of a row's loss L = sum_j c_j (-log p_j): labels, smoothing and class weights together.

Of an entropy they are the probabilities themselves, which `definition` has; here it is told only where these are not 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Floats, Real

R = TypeVar("R", bound=Real)
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def targets(problem: Problem, rows: Rows) -> Floats:
    """Return t of some rows as given, sparse labels as one-hot rows; shape (len(rows), m)."""
    if problem.targets is not None:
        given: Floats = problem.targets[rows]
        return given
    assert problem.labels is not None
    one_hot: Floats = (np.arange(problem.m) == problem.labels[rows, None]).astype(np.float64)
    return one_hot


def present(problem: Problem, rows: Rows) -> Mask:
    """Return where c_j differs from zero, exactly: an underflow loses nothing. Shape (len(rows), m)."""
    if problem.contract.is_entropy:
        possible: Mask = problem.scores[rows] != (0.0 if problem.contract.input == "probabilities" else -np.inf)
        return possible
    t = targets(problem, rows)
    found: Mask = signs(problem, rows) != 0
    if problem.class_weights is not None:
        weights, by = problem.class_weights != 0, problem.contract.smoothing_weights
        counted = found if by == "mean" else t != 0
        found = found & (weights if by == "class" else (weights & counted).any(-1, keepdims=True))
    return found


def signs(problem: Problem, rows: Rows) -> NDArray[np.int8]:
    """Return the exact sign of each smoothed target t'_j, without the class weights, 1 where t_j is not finite.

    Over the others a target above 1 has a coefficient below 0, or of 0: where float64 does not tell, fractions do.
    """
    t, smoothing, m = targets(problem, rows), problem.smoothing, problem.m
    if smoothing == 0:
        sign: NDArray[np.int8] = np.where(np.isnan(t), 1.0, np.sign(t)).astype(np.int8)
        return sign
    total = np.ones((len(rows), 1))
    if problem.targets is not None and problem.contract.soft_rows == "renormalised":
        total = t.sum(-1, keepdims=True)
    kept, share = _shares(problem, 1.0 - smoothing, smoothing)
    value, size = t * kept + total * share, np.abs(t * kept) + np.abs(total * share)
    found: NDArray[np.int8] = np.sign(np.where(np.isnan(value), 1.0, value)).astype(np.int8)
    unsure = ~(np.abs(value) > (m + 8) * 2.0**-50 * size)
    for i in np.flatnonzero(unsure.any(-1)).tolist():
        if not np.isfinite(t[i]).all():
            found[i] = 1
            continue
        kept_, share_ = _shares(problem, 1 - Fraction(smoothing), Fraction(smoothing))
        renormalised = problem.targets is not None and problem.contract.soft_rows == "renormalised"
        whole = sum(map(Fraction, t[i].tolist())) if renormalised else Fraction(1)
        for j in np.flatnonzero(unsure[i]).tolist():
            exact = Fraction(float(t[i, j])) * kept_ + whole * share_
            found[i, j] = (exact > 0) - (exact < 0)
    return found


def _shares(problem: Problem, kept: Any, smoothing: Any) -> tuple[Any, Any]:
    """Return a and b of t' = a t + b: 1 - eps and eps/m, or 1 - eps - eps/(m - 1) and eps/(m - 1) over the others."""
    if problem.contract.smoothing_over == "all":
        return kept, smoothing / problem.m
    if problem.m == 1:
        return kept, 0 * smoothing
    share = smoothing / (problem.m - 1)
    return kept - share, share


def normalised(problem: Problem, rows: Rows, real: type[R], at: Rows | None = None) -> R:
    """Return t, divided by its row's sum where the contract says so; at chosen columns (n, k) or at all."""
    t = targets(problem, rows)
    chosen = real.exact(t if at is None else np.take_along_axis(t, at, -1))
    if problem.targets is None or problem.contract.soft_rows != "renormalised":
        return chosen
    return chosen / real.exact(t).sum()


def label_weight(problem: Problem, rows: Rows, real: type[R]) -> R:
    """Return the weight of each row of a problem with class weights, sum_j w_j t_j. Shape (len(rows), 1).

    By the mean it is sum_j w_j t'_j, of the smoothed label.
    """
    assert problem.class_weights is not None
    if problem.contract.smoothing_weights == "mean" and problem.smoothing != 0:
        return (_smoothed(problem, rows, real, None) * problem.class_weights).sum()
    if problem.labels is not None:
        return real.exact(problem.class_weights[problem.labels[rows]][:, None])
    return (normalised(problem, rows, real) * problem.class_weights).sum()


def coefficients(problem: Problem, rows: Rows, real: type[R], at: Rows | None = None) -> R:
    """Return c at chosen columns (n, k), or at all.

    t' = (1 - eps) t + eps/m, or (1 - eps) t + eps/(m - 1) (1 - t) where smoothing is over the others; then
    c_j = w_j t'_j (weights by class) or c_j = (sum_k w_k t_k) t'_j (weight of the label),
    or c_j = (sum_k w_k t'_k) t'_j (the mean weight), times the row's weight v.
    """
    if problem.plain and at is not None:
        assert problem.labels is not None
        return real.exact((at == problem.labels[rows, None]).astype(np.float64))
    c = _weighted(problem, rows, real, at)
    return c if problem.row_weights is None else c * problem.row_weights[rows, None]


def _weighted(problem: Problem, rows: Rows, real: type[R], at: Rows | None) -> R:
    """Return the coefficients without the rows' own weights."""
    c = _smoothed(problem, rows, real, at)
    if problem.class_weights is None:
        return c
    if problem.contract.smoothing_weights != "class":
        return c * label_weight(problem, rows, real)
    return c * (problem.class_weights if at is None else problem.class_weights[at])


def _smoothed(problem: Problem, rows: Rows, real: type[R], at: Rows | None) -> R:
    """Return t', the smoothed targets."""
    c = normalised(problem, rows, real, at)
    smoothing, m = problem.smoothing, problem.m
    if smoothing != 0:
        kept = real.exact(1.0) - smoothing
        if problem.contract.smoothing_over == "all":
            c = c * kept + real.exact(smoothing) / real.exact(float(m))
        elif m > 1:
            c = c * kept + (1.0 - c) * (real.exact(smoothing) / real.exact(float(m - 1)))
        else:
            c = c * kept
    return c
