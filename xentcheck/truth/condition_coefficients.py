"""The coefficients c of a cross-entropy: row loss = sum over j of c_j (-log p_j).

One formula covers every label form and option: smoothing and class weights only change c. Both the
allowances for the loss (they need T = sum c and sum c |d|) and those for the gradient (T p - c) start here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.exact_coefficients import present
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What the labels, smoothing and class weights of a problem come to, row by row.

    Parameters
    ----------
    T : ndarray of float64, shape (n,)
        Sum of c over the classes; 0 in ignored rows.
    size : ndarray of float64, shape (n,)
        Sum of |c|: other than T only where a coefficient is below 0, as a class weight below 0 makes it, or smoothing
        over the others of a target above 1. What allowances are made of.
    label : ndarray of int64, shape (n,)
        The class of the coefficient of the largest size: of the only one where `several` is False.
    several : ndarray of bool, shape (n,)
        Whether more than one coefficient of the row differs from 0.
    weight : ndarray of float64, shape (n,)
        Sum of w_k t_k (of w_k t'_k by the mean weight) times the weight of the row, what it adds to the divisor of a
        weighted mean; 1 (0 if ignored) without weights.
    deviation : ndarray of float64, shape (n,)
        The weight times abs(1 - sum t') where the contract promises rows that sum to one; else 0.
    c, t : ndarray of float64, shape (n, m), or None
        The coefficients, and the targets before smoothing multiplied by the weight that goes with them. None
        where labels are sparse and not smoothed: c is then T at the label and 0 elsewhere.
    product : ndarray of bool, shape (n,), or None
        Where what multiplies p or log p is more than one number a row, a class weight: T, or a target that is not 1.
        None for nowhere.
    undefined : ndarray of bool, shape (n,), or None
        Rows whose targets cannot be renormalised since their sum is 0.
    rounding : ndarray of float64, shape (n, m), or None
        How far c moves where the targets are converted to the dtype of the scores, or to that of the arithmetic; None
        where these hold all of them.
    weight_rounding : float
        How far the sum of `weight` does.
    """

    T: Floats
    size: Floats
    label: NDArray[np.int64]
    several: NDArray[np.bool_]
    weight: Floats
    deviation: Floats
    c: Floats | None = None
    t: Floats | None = None
    product: NDArray[np.bool_] | None = None
    undefined: NDArray[np.bool_] | None = None
    rounding: Floats | None = None
    weight_rounding: float = 0.0

    @property
    def terms(self) -> int:
        """How many products a sum over all rows and classes adds: one a row, or those of the coefficients not 0."""
        return len(self.T) if self.c is None else int(np.count_nonzero(self.c))


def coefficients(problem: Problem) -> Coefficients:
    """Return the coefficients of a problem, in float64 (a few roundings from the exact ones)."""
    if problem.labels is not None and problem.smoothing == 0.0:
        return _indexed(problem, problem.labels)
    return _dense(problem)


def of_entropy(p: Floats) -> Coefficients:
    """Return the coefficients of an entropy, which are the probabilities of each row, shape (n, m)."""
    every, one = np.ones(len(p), bool), np.ones(len(p))
    label = p.argmax(axis=1) if p.shape[1] else np.zeros(len(p), np.int64)
    return Coefficients(one, one, label, every, one, np.zeros(len(p)), c=p, product=every)


def _indexed(problem: Problem, labels: NDArray[np.int64]) -> Coefficients:
    weight = problem.kept.astype(np.float64)
    if problem.class_weights is not None:
        weight *= problem.class_weights[labels]
    if problem.row_weights is not None:
        weight *= problem.row_weights
    nothing = np.zeros(problem.n)
    return Coefficients(weight, np.abs(weight), labels, np.zeros(problem.n, bool), weight, nothing)


def _dense(problem: Problem) -> Coefficients:
    contract, n, m = problem.contract, problem.n, problem.m
    undefined: NDArray[np.bool_] | None = None
    if problem.labels is not None:
        t = np.zeros((n, m))
        t[np.arange(n), problem.labels] = 1.0
    else:
        assert problem.targets is not None
        t = problem.targets
    if contract.soft_rows == "renormalised" and problem.labels is None:
        total = t.sum(axis=1)
        undefined = total == 0.0
        t = np.where(undefined[:, None], 0.0, t / np.where(undefined, 1.0, total)[:, None])
    moved = _conversion(problem)
    if moved is not None and contract.soft_rows == "renormalised":
        assert problem.targets is not None
        total = problem.targets.sum(axis=1, keepdims=True)
        moved = 1.01 * (moved + t * moved.sum(axis=1, keepdims=True)) / np.where(total == 0.0, 1.0, total)
    kept = problem.kept.astype(np.float64)
    smoothed = smooth(t, problem.smoothing, contract.smoothing_over)
    deviation = np.zeros(n)
    if contract.soft_rows == "normalised":
        deviation = np.abs(1.0 - smoothed.sum(axis=1)) * kept
    weights = problem.class_weights
    weight_moved = 0.0
    if weights is None:
        c, weight = smoothed * kept[:, None], kept
        t = t * kept[:, None]
    else:
        by_mean = contract.smoothing_weights == "mean"
        weight = ((smoothed if by_mean else t) @ weights) * kept
        if moved is not None:
            by_label, weight_moved = moved @ np.abs(weights), float((moved @ np.abs(weights)).sum())
            if contract.smoothing_weights == "class":
                moved = np.abs(weights) * moved
            else:
                moved = (np.abs(weight) + by_label)[:, None] * moved + by_label[:, None] * np.abs(smoothed)
        per_class = weights[None, :] * kept[:, None] if contract.smoothing_weights == "class" else weight[:, None]
        c, t = per_class * smoothed, per_class * t
        deviation = deviation * np.abs(weights).max(initial=0.0)
    if problem.row_weights is not None:
        v = problem.row_weights
        c, t, weight, deviation = v[:, None] * c, v[:, None] * t, v * weight, v * deviation
        if moved is not None:
            moved, weight_moved = v[:, None] * moved, weight_moved * float(v.max(initial=0.0))
    if contract.soft_rows != "normalised" or problem.smoothing == 1.0:
        c = np.where(present(problem, np.arange(n)) & problem.kept[:, None], c, 0.0)
    several = np.count_nonzero(c, axis=1) > 1
    product = several | (np.abs(smoothed).max(axis=1, initial=0.0) != 1.0)
    sizes = np.abs(c)
    return Coefficients(
        c.sum(axis=1),
        sizes.sum(axis=1),
        np.argmax(sizes, axis=1),
        several,
        weight,
        deviation,
        c,
        t,
        product,
        undefined,
        moved,
        weight_moved,
    )


def _conversion(problem: Problem) -> Floats | None:
    """Return how far targets move, shape (n, m), in a conversion to the scores' dtype or that of the arithmetic.

    u t where the format does not hold t, and t where t may be flushed to zero; None where both hold all of them.
    """
    if problem.targets is None:
        return None
    t, moved = problem.targets, np.zeros(problem.targets.shape)
    for format_ in {problem.format, FORMATS.get(problem.contract.compute or "", problem.format)}:
        with np.errstate(over="ignore"):
            inexact = t.astype(format_.dtype).astype(np.float64) != t
        size = np.where(t < format_.smallest_normal, t, format_.unit_roundoff * t)
        moved = np.maximum(moved, np.where(inexact, size, 0.0))
    return moved if moved.any() else None


def smooth(t: Floats, amount: float, over: str) -> Floats:
    """Return the smoothed targets: (1 - eps) t + eps/m over "all", (1 - eps) t + eps/(m - 1) (1 - t) over "others"."""
    if amount == 0.0:
        return t
    m = t.shape[1]
    if over == "all":
        return np.asarray((1.0 - amount) * t + amount / m)
    if m == 1:
        # There are no others to give anything to.
        return (1.0 - amount) * t
    smoothed: Floats = (1.0 - amount) * t + amount * (1.0 - t) / (m - 1)
    return smoothed
