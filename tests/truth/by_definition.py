"""What a problem's numbers are, by an independent calculation in mpmath.

It follows docs/contract.md literally, in as many digits as are set: losses from the softmax as it is written, with no
shift and no special forms, and gradients not by any formula but by central differences of those losses with a
step of 1e-25, exact to some 45 digits. It shares nothing with the package but the problem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
from mpmath import mpf

from xentcheck.truth.problem import Problem

STEP = mpf(10) ** -25
Vector = list[mpf]


def readings(problem: Problem) -> list[tuple[mpf | None, tuple[mpf, mpf] | None]]:
    """Return (eps, clip) as written and rounded to every format at least as wide as that of the scores."""
    wider = {"float64": [np.float64], "float32": [np.float64, np.float32]}
    wider["float16"] = [*wider["float32"], np.float16]
    wider["bfloat16"] = [*wider["float32"], ml_dtypes.bfloat16]
    boundary = problem.contract.boundary
    found = []
    for dtype in wider[problem.format.name]:
        eps = None if boundary.add is None else mpf(float(dtype(boundary.add)))
        clip = None if boundary.clip is None else tuple(mpf(float(dtype(limit))) for limit in boundary.clip)
        found.append((eps, clip))
    return found


def targets(problem: Problem, i: int) -> Vector:
    """Return the row's targets, renormalised if the contract says so."""
    if problem.targets is None:
        return [mpf(int(j == problem.labels[i])) for j in range(problem.m)]
    t = [mpf(float(x)) for x in problem.targets[i]]
    return [x / sum(t) for x in t] if problem.contract.soft_rows == "renormalised" else t


def row_weight(problem: Problem, i: int) -> mpf:
    """Return what the row adds to the divisor of a weighted mean."""
    return label_weight(problem, i) * own_weight(problem, i)


def own_weight(problem: Problem, i: int) -> mpf:
    """Return the weight given of a row."""
    return mpf(1) if problem.row_weights is None else mpf(float(problem.row_weights[i]))


def label_weight(problem: Problem, i: int) -> mpf:
    """Return the weight of a row's label."""
    if problem.class_weights is None:
        return mpf(1)
    shares = smoothed(problem, i) if problem.contract.smoothing_weights == "mean" else targets(problem, i)
    return sum(mpf(float(w)) * t for w, t in zip(problem.class_weights, shares, strict=True))


def smoothed(problem: Problem, i: int) -> Vector:
    """Return the row's targets, smoothed."""
    t, m, eps = targets(problem, i), problem.m, mpf(problem.smoothing)
    if problem.contract.smoothing_over == "all":
        return [(1 - eps) * x + eps / m for x in t]
    return [(1 - eps) * x + (eps / (m - 1) * (1 - x) if m > 1 else 0) for x in t]


def coefficients(problem: Problem, i: int) -> Vector:
    """Return the factors of -log p_j."""
    smooth = smoothed(problem, i)
    if problem.class_weights is None:
        return smooth
    if problem.contract.smoothing_weights == "class":
        return [mpf(float(w)) * x for w, x in zip(problem.class_weights, smooth, strict=True)]
    return [label_weight(problem, i) * x for x in smooth]


def cost(problem: Problem, i: int, p: Vector, reading: Any, log: Callable[[int], mpf] | None = None) -> mpf:
    """Return sum_j c_j (-log f(p_j)); terms without a coefficient count as nothing."""
    eps, clip = reading
    if problem.contract.boundary.normalise:
        total = sum(p)
        p = [x / total for x in p]
    result = mpf(0)
    for c, x in zip(coefficients(problem, i), p, strict=True):
        if c != 0:
            value = x if eps is None else x + eps
            value = value if clip is None else min(max(value, clip[0]), clip[1])
            result -= own_weight(problem, i) * c * mpmath.log(value)
    return result


def capped(problem: Problem, scores: Vector) -> Vector:
    """Return c tanh(z / c) where there is a soft cap c, divided by a temperature."""
    c = problem.soft_cap
    s = scores if c is None else [mpf(c) * mpmath.tanh(x / mpf(c)) for x in scores]
    return s if problem.temperature is None else [x / mpf(problem.temperature) for x in s]


def probabilities(problem: Problem, scores: Vector) -> Vector:
    """Return p from scores of the contract's kind."""
    if problem.contract.input == "probabilities":
        return scores
    e = [mpmath.exp(x) for x in capped(problem, scores)]
    return [x / sum(e) for x in e] if problem.contract.input == "logits" else e


def penalty(problem: Problem, i: int, scores: Vector) -> mpf:
    """Return z_loss times the squared log of the sum of exp(z), times the weight of the row."""
    if problem.contract.input != "logits":
        return mpf(0)
    return own_weight(problem, i) * mpf(problem.z_loss) * log_sum(problem, scores) ** 2


def log_sum(problem: Problem, scores: Vector) -> mpf:
    """Return the log of the sum of exp(z)."""
    return mpmath.log(sum(mpmath.exp(x) for x in capped(problem, scores)))


def scores_of(problem: Problem, i: int) -> Vector:
    """Return one row of scores."""
    return [mpf(float(x)) for x in problem.scores[i]]


def row_losses(problem: Problem, i: int) -> Vector:
    """Return the row's loss under each reading."""
    scores = scores_of(problem, i)
    p = probabilities(problem, scores)
    return [cost(problem, i, p, reading) + penalty(problem, i, scores) for reading in readings(problem)]


def derivatives(problem: Problem, i: int, j: int) -> Vector:
    """Return the row's derivative by the j-th variable under each reading, by central differences.

    p - t as a policy is the derivative of the loss and (v - sum c) times the log of the sum of exp, v the row's weight.
    """
    contract, scores = problem.contract, scores_of(problem, i)
    exact = (None, None)
    chosen = [exact] if contract.gradient_of != "loss" else readings(problem)
    p = probabilities(problem, scores)
    missing = own_weight(problem, i) * (1 - sum(coefficients(problem, i))) if contract.gradient_of == "p - t" else 0
    found = []
    for reading in chosen:

        def at(step: mpf, reading: Any = reading) -> mpf:
            if contract.gradient_wrt == "logits" and contract.input == "logits":
                moved = [x + step * (k == j) for k, x in enumerate(scores)]
                further = penalty(problem, i, moved) + missing * log_sum(problem, moved)
                return cost(problem, i, probabilities(problem, moved), reading) + further
            if contract.gradient_wrt == "logits":
                # By the logits behind given probabilities: one moved by h makes p_k e^(h delta) / (1 + p_j (e^h - 1)).
                given = p
                if contract.boundary.normalise:
                    given = [x / sum(p) for x in p]
                below = 1 + given[j] * mpmath.expm1(step)
                moved = [x * mpmath.exp(step * (k == j)) / below for k, x in enumerate(given)]
                return cost(problem, i, moved, reading) + missing * mpmath.log(below)
            if contract.gradient_wrt == "log_probabilities":
                return cost(problem, i, [x * mpmath.exp(step * (k == j)) for k, x in enumerate(p)], reading)
            return cost(problem, i, [x + step * p[j] * (k == j) for k, x in enumerate(p)], reading)

        slope = (at(STEP) - at(-STEP)) / (2 * STEP)
        found.append(slope / p[j] if contract.gradient_wrt == "probabilities" else slope)
    return found


def divisor(problem: Problem) -> mpf:
    """Return what a mean divides by."""
    kept = np.flatnonzero(problem.kept)
    by = {"rows": problem.n, "kept": len(kept), "weights": sum(row_weight(problem, i) for i in kept)}
    return mpf(by[problem.contract.mean_over])


def span(values: Vector, factor: Any = 1) -> tuple[mpf, mpf]:
    """Return the smallest and the largest."""
    scaled = [v * factor for v in values]
    return min(scaled), max(scaled)


def references(problem: Problem) -> dict[tuple[str, tuple[int, ...]], tuple[mpf, mpf]]:
    """Return the exact interval of each element of each part."""
    contract, found = problem.contract, {}
    rows = [span(row_losses(problem, i)) if problem.kept[i] else (mpf(0), mpf(0)) for i in range(problem.n)]
    by = divisor(problem)
    for i, row in enumerate(rows):
        found["rows", (i,)] = row
        if contract.reduction == "none":
            found["loss", (i,)] = row
        factor = mpf(1) if problem.upstream is None else mpf(float(np.broadcast_to(problem.upstream, problem.n)[i]))
        if contract.effective_gradient_reduction == "mean":
            factor /= by
        if contract.effective_gradient_reduction == "sum" and problem.divisor is not None:
            factor /= mpf(problem.divisor)
        for j in range(problem.m):
            exact = span(derivatives(problem, i, j), factor) if problem.kept[i] else (mpf(0), mpf(0))
            found["gradient", (i, j)] = exact
    if contract.reduction != "none":
        total = mpf(problem.divisor or 1) if contract.reduction == "sum" else by
        found["loss", ()] = (sum(low for low, _ in rows) / total, sum(high for _, high in rows) / total)
    return found
