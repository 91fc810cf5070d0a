"""From rows to the loss that a contract reduces to, and to the factor of each row's gradient."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.exact_coefficients import label_weight, present, signs, targets
from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Real

R = TypeVar("R", bound=Real)


def empty(problem: Problem) -> bool:
    """Whether a mean would divide by zero: no rows, none kept, or (mean over weights) no weight but zero."""
    if problem.contract.mean_over == "rows":
        return problem.n == 0
    if not problem.kept.any():
        return True
    if problem.contract.mean_over == "kept" or problem.class_weights is None:
        return False
    kept = np.flatnonzero(problem.kept)
    smoothed = problem.contract.smoothing_weights == "mean"
    counts = ((signs(problem, kept) if smoothed else targets(problem, kept)) != 0).any(0)
    return not bool((counts & (problem.class_weights != 0)).any())


def undeclared(problem: Problem) -> bool:
    """Return whether nothing is said of a mean whose divisor is 0.

    What a contract says is of a mean of nothing, 0 / 0. Where the labels' weights are all 0, but smoothing gives the
    other classes a share with weights of their own, or a z-loss is added, something is divided by 0: inf and nan are
    as good as each other.
    """
    if problem.contract.empty_mean == "unspecified":
        return True
    kept = np.flatnonzero(problem.kept)
    return kept.size > 0 and (problem.z_loss != 0.0 or bool(present(problem, kept).any()))


def divisor(problem: Problem, real: type[R]) -> R:
    """Return what a mean divides the sum by, shape (1,): n, the rows kept, or the sum of their weights, w_y v."""
    if problem.contract.mean_over == "rows":
        return real.exact(np.array([float(problem.n)]))
    if not problem.mean_of_weights:
        return real.exact(np.array([float(problem.kept.sum())]))
    kept = np.flatnonzero(problem.kept)
    by_row = np.ones(problem.n) if problem.row_weights is None else problem.row_weights
    weights = real.exact(by_row[kept, None])
    if problem.class_weights is not None:
        weights = label_weight(problem, kept, real) * by_row[kept, None]
    return weights.reshape((-1,)).sum()


def factor(problem: Problem, real: type[R], rows: NDArray[np.int64] | None = None) -> R:
    """Return what the gradients of some rows, or of all, are multiplied by, shape (n, 1).

    The cotangent, over the divisor for a mean, or the one given for a sum. Where the mean is of nothing, the divisor is
    left out.
    """
    upstream = 1.0 if problem.upstream is None else problem.upstream
    each = np.broadcast_to(np.reshape(upstream, (-1, 1)), (problem.n, 1))
    given = real.exact(each.copy() if rows is None else each[rows])
    if problem.contract.effective_gradient_reduction == "sum" and problem.divisor is not None:
        return given / real.exact(np.full((1, 1), problem.divisor))
    if problem.contract.effective_gradient_reduction != "mean" or empty(problem):
        return given
    return given / divisor(problem, real)


def reduced(problem: Problem, rows: R, reduction: str) -> R:
    """Return the sum or mean of row losses of shape (n,); shape (1,)."""
    total = rows.sum()
    if reduction == "sum" and problem.divisor is not None:
        return total / type(rows).exact(np.array([problem.divisor]))
    return total if reduction == "sum" else total / divisor(problem, real=type(rows))


def policy(problem: Problem) -> float:
    """Return what the contract says a mean of nothing is; nan where it says nothing."""
    return 0.0 if problem.contract.empty_mean == "zero" else float("nan")


def single_labels(found: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which rows have at most one coefficient, and its column (any likely column where there is none)."""
    counts = found.sum(-1)
    return counts <= 1, np.where(counts == 0, scores.argmax(-1), found.argmax(-1))
