"""Right: other formulas for the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from xentcheck.zoo.parts import (
    Array,
    at,
    dense_mean_loss,
    each,
    integers,
    log_softmax,
    mean_gradient,
    one_hot,
    shifted,
    softmax,
)
from xentcheck.zoo.specimen import right


def over_n(rows: Array) -> Any:
    """Return the gradient of a mean."""
    return rows / max(len(rows), 1)


@right("gradient", loss=None, contract={"accuracy": "B+"})
def complement(scores: Array, labels: Array) -> Any:
    """Minus the sum of the other probabilities at the label, with relative accuracy; without a loss."""
    e = np.exp(shifted(scores))
    total = e.sum(axis=1)
    g = e / total[:, None]
    e[each(e), integers(labels)] = 0
    g[each(g), integers(labels)] = -(e.sum(axis=1) / total)
    return over_n(g)


@right("gradient")
def exp_of_log_softmax(scores: Array, labels: Array) -> Any:
    """exp(log_softmax) - t."""
    return over_n(np.exp(log_softmax(scores)) - one_hot(labels, scores))


@right("gradient")
def subtracted_in_numerator(scores: Array, labels: Array) -> Any:
    """(e - S t) / S."""
    e = np.exp(shifted(scores))
    total = e.sum(axis=1)
    e[each(e), integers(labels)] -= total
    return over_n(e / total[:, None])


@right("gradient")
def maximum_differentiated(scores: Array, labels: Array) -> Any:
    """As autodiff of z - max(z) has it, which is not detached: minus the sum of all, 0 but for rounding, at the top."""
    g = over_n(softmax(scores) - one_hot(labels, scores))
    g[each(g), scores.argmax(axis=1)] -= g.sum(axis=1)
    return g


@right("gradient")
def expm1_at_label(scores: Array, labels: Array) -> Any:
    """expm1(log p_y) at the label."""
    logs = log_softmax(scores)
    g = np.exp(logs)
    g[each(g), integers(labels)] = np.expm1(at(logs, labels))
    return over_n(g)


@right("gradient")
def reciprocal_of_sum(scores: Array, labels: Array) -> Any:
    """E (1 / S) - t, divided by n through a rounded 1 / n."""
    e = np.exp(shifted(scores))
    rows = e * (1 / e.sum(axis=1, keepdims=True)) - one_hot(labels, e)
    return rows * (1 / scores.dtype.type(max(len(rows), 1)))


@right("gradient")
def scaled_before_subtraction(scores: Array, labels: Array) -> Any:
    """P / n - t / n, each rounded by itself."""
    n = max(len(scores), 1)
    return softmax(scores) / n - one_hot(labels, scores) / n


@right("gradient")
def scipy_softmax(scores: Array, labels: Array) -> Any:
    """Scipy's softmax - t, in Fortran order."""
    p = special.softmax(scores, axis=1) if len(scores) else scores.copy()
    return np.asfortranarray(over_n(p - one_hot(labels, scores)))


@right("gradient", contract={"accuracy": "C"})
def exp_less_lse(scores: Array, labels: Array) -> Any:
    """exp(z - lse) - t, of class C as declared."""
    top = scores.max(axis=1, keepdims=True)
    lse = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return over_n(np.exp(scores - lse) - one_hot(labels, scores))


@right("gradient", contract={"domain": {"classes": [2, 2]}})
def expit(scores: Array, labels: Array) -> Any:
    """Two classes: the sigmoid of the other logit less the label's."""
    s = special.expit(at(scores, 1 - integers(labels)) - at(scores, labels)).astype(scores.dtype)
    g = np.empty(scores.shape, scores.dtype)
    g[each(g), integers(labels)] = -s
    g[each(g), 1 - integers(labels)] = s
    return over_n(g)


def _curvature(scores: Array, labels: Array, vector: Array) -> Any:
    s = special.expit(scores[:, 1] - scores[:, 0])
    slope = s * (1 - s) * (vector[:, 1] - vector[:, 0])
    return over_n(np.stack([-slope, slope], axis=1).astype(scores.dtype))


@right("gradient", contract={"domain": {"classes": [2, 2]}}, hessian_vector=_curvature)
def sigmoid_less_label(scores: Array, labels: Array) -> Any:
    """Two classes: s - t and its negative, as every binary cross-entropy has it; 1 - s is rounded to that of 1."""
    slope = special.expit(scores[:, 1] - scores[:, 0]) - integers(labels).astype(scores.dtype)
    return over_n(np.stack([-slope, slope], axis=1).astype(scores.dtype))


@right("gradient", loss=dense_mean_loss, contract={"labels": ["soft"], "domain": {"magnitude": 20.0}})
def logarithm_of_softmax_step_by_step(scores: Array, targets: Array) -> Any:
    """As autodiff of -sum t log(softmax) has it: -t/p, and what the softmax makes of that."""
    p = softmax(scores)
    v = -targets.astype(scores.dtype) / p
    return over_n(p * (v - (p * v).sum(axis=1, keepdims=True)))


@right("gradient", loss=None, contract={})
def gradient_alone(scores: Array, labels: Array) -> Any:
    """A gradient without a loss, calculated in float64, read-only."""
    g = mean_gradient(scores.astype(np.float64), labels).astype(scores.dtype)
    g.setflags(write=False)
    return g


@right("gradient", loss=dense_mean_loss, contract={"labels": ["soft"], "soft_rows": "any"})
def pairwise_differences(scores: Array, targets: Array) -> Any:
    """P sum t - t by a matrix product with the targets' row sums."""
    total = np.einsum("ij->i", targets)
    return over_n(np.einsum("ij,i->ij", softmax(scores), total) - targets)


@right("gradient")
def online_gradient(scores: Array, labels: Array) -> Any:
    """exp(z - max) / S with an online maximum and sum, in blocks of 8 classes."""
    top, total = scores[:, :1].max(axis=1), np.zeros(len(scores), scores.dtype)
    for start in range(0, scores.shape[1], 8):
        block = scores[:, start : start + 8]
        new = np.maximum(top, block.max(axis=1))
        total = total * np.exp(top - new) + np.exp(block - new[:, None]).sum(axis=1)
        top = new
    return over_n(np.exp(scores - top[:, None]) / total[:, None] - one_hot(labels, scores))


@right("gradient")
def running_maximum_differentiated(scores: Array, labels: Array) -> Any:
    """As autodiff of an online softmax has it, class by class: each maximum on the way is differentiated, too."""
    columns = scores.T
    _, total, passed = _merged(columns, np.ones_like(columns))
    by_top, _ = _differentiated(passed, np.ones_like(total), 1 / total)
    return over_n(by_top.T - one_hot(labels, scores))


@right("gradient")
def lanes_of_running_maxima_differentiated(scores: Array, labels: Array) -> Any:
    """Four lanes, as of vector instructions, each with its own maximum, which are merged: all maxima differentiated."""
    (n, m), lanes = scores.shape, min(4, scores.shape[1])
    filled = np.concatenate([scores, np.full((n, -m % lanes), -np.inf, scores.dtype)], axis=1)
    steps = filled.reshape(n, -1, lanes).swapaxes(0, 1)
    tops, totals, in_lanes = _merged(steps, np.ones_like(steps))
    _, total, across = _merged(tops.T, totals.T)
    by_top, by_total = _differentiated(across, np.ones_like(total), 1 / total)
    by_step, _ = _differentiated(in_lanes, by_top.T, by_total.T)
    return over_n(by_step.swapaxes(0, 1).reshape(n, -1)[:, :m] - one_hot(labels, scores))


@right("gradient")
def lanes_within_blocks_differentiated(scores: Array, labels: Array) -> Any:
    """Blocks of 96 classes, six lanes in each, of which all maxima are differentiated, merged one after the other."""
    (n, m), block, lanes = scores.shape, 96, 6
    filled = np.concatenate([scores, np.full((n, -m % block), np.finfo(scores.dtype).min / 4, scores.dtype)], axis=1)
    steps = np.moveaxis(filled.reshape(n, -1, block // lanes, lanes), 2, 0)
    tops, totals, in_lanes = _merged(steps, np.ones_like(steps))
    tops, totals, across = _merged(np.moveaxis(tops, 2, 0), np.moveaxis(totals, 2, 0))
    _, total, of_blocks = _merged(tops.T, totals.T)
    by_block = _differentiated(of_blocks, np.ones_like(total), 1 / total)
    by_lane = _differentiated(across, *(by.T for by in by_block))
    by_step, _ = _differentiated(in_lanes, *(np.moveaxis(by, 0, 2) for by in by_lane))
    return over_n(np.moveaxis(by_step, 0, 2).reshape(n, -1)[:, :m] - one_hot(labels, scores))


def _merged(tops: Array, totals: Array) -> tuple[Any, Any, list[tuple[Any, ...]]]:
    """Merge pairs (maximum, sum relative to it) along the first axis, and note what their derivatives take."""
    top, total, passed = tops[0], totals[0], []
    for other, summand in zip(tops[1:], totals[1:], strict=True):
        new = np.maximum(top, other)
        scale, e = np.exp(top - new), np.exp(other - new)
        passed.append((other > top, total, scale, summand, e))
        top, total = new, total * scale + summand * e
    return top, total, passed


def _differentiated(passed: list[tuple[Any, ...]], by_top: Array, by_total: Array) -> tuple[Any, Any]:
    """Return the derivatives by the maxima and by the sums that were merged, from those by what came of them."""
    maxima, sums = [], []
    for rises, total, scale, summand, e in reversed(passed):
        of_total, own = by_total * total * scale, by_total * summand * e
        left = by_top - of_total - own
        maxima.append(own + left * rises)
        sums.append(by_total * e)
        by_top, by_total = of_total + left * ~rises, by_total * scale
    return np.stack([by_top, *reversed(maxima)]), np.stack([by_total, *reversed(sums)])


@right("hessian_vector", gradient=mean_gradient)
def hessian_of_two_terms(scores: Array, labels: Array, vector: Array) -> Any:
    """Return p (v - p.v) / n, as the difference of two products."""
    p = softmax(scores)
    return over_n(p * vector - p * (p * vector).sum(axis=1, keepdims=True))


@right("hessian_vector", gradient=mean_gradient)
def hessian_matrix_written_out(scores: Array, labels: Array, vector: Array) -> Any:
    """Write diag p - p p^T out for each row and multiply, up to 64 classes."""
    p = softmax(scores)
    if p.shape[1] > 64:
        return over_n(p * (vector - (p * vector).sum(axis=1, keepdims=True)))
    matrix = p[:, :, None] * np.eye(p.shape[1], dtype=p.dtype) - p[:, :, None] * p[:, None, :]
    return over_n(np.einsum("ijk,ik->ij", matrix, vector))
