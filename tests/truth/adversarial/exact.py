"""Exact losses and gradients by ball arithmetic at 256 bits, as unevaluated sums of two floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, ctx


@dataclass
class Pair:
    """high + low, exact to about 2**-106 relative."""

    high: np.ndarray
    low: np.ndarray

    def error(self, got):
        """Return |got - exact|, inf where `got` is not finite."""
        got = np.asarray(got).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.where(np.isfinite(got), np.abs((got - self.high) - self.low), np.inf)


def pair(balls, shape):
    """Return a nested list of balls as a Pair."""
    high = [float(ball) for ball in balls]
    low = [float(ball - arb(x)) if np.isfinite(x) else 0.0 for ball, x in zip(balls, high, strict=True)]
    return Pair(np.array(high).reshape(shape), np.array(low).reshape(shape))


def cross_entropy(z, c):
    """Return rows sum c_j (-log p_j), and gradients T p - c, of logits z and coefficients c (floats or balls)."""
    n, m = z.shape
    losses, gradients = [], []
    previous, ctx.prec = ctx.prec, 256
    try:
        for row, weights in zip(z.astype(np.float64).tolist(), c, strict=True):
            loss, gradient = _row(row, [arb(w) for w in weights])
            losses.append(loss)
            gradients.extend(gradient)
        return pair(losses, (n,)), pair(gradients, (n, m))
    finally:
        ctx.prec = previous


def _row(row, c):
    top = row.index(max(row))
    peak = arb(row[top])
    e = [arb(0) if value == -np.inf else (arb(value) - peak).exp() for value in row]
    s = sum((x for j, x in enumerate(e) if j != top), arb(0))
    T, S = sum(c, arb(0)), 1 + s
    loss = T * s.log1p() + sum((w * (peak - arb(v)) for w, v in zip(c, row, strict=True) if w != 0), arb(0))
    gradient = [T * x / S - w for x, w in zip(e, c, strict=True)]
    chosen = [j for j, w in enumerate(c) if w != 0]
    if len(chosen) == 1:
        y = chosen[0]
        gradient[y] = -T * sum((x for j, x in enumerate(e) if j != y), arb(0)) / S
    return loss, gradient


def weighted_sum(weights, rows, by=1):
    """Return sum w_i L_i / by of a Pair of rows, as a Pair of shape ()."""
    previous, ctx.prec = ctx.prec, 256
    try:
        parts = zip(weights, rows.high.tolist(), rows.low.tolist(), strict=True)
        return pair([sum((arb(w) * (arb(x) + arb(y)) for w, x, y in parts), arb(0)) / arb(by)], ())
    finally:
        ctx.prec = previous


def scaled(pairs, factors):
    """Return each row of a Pair of shape (n, m) times an exact factor (a ball or float a row)."""
    previous, ctx.prec = ctx.prec, 256
    try:
        n, m = pairs.high.shape
        balls = [
            (arb(x) + arb(y)) * factor
            for row, rest, factor in zip(pairs.high.tolist(), pairs.low.tolist(), factors, strict=True)
            for x, y in zip(row, rest, strict=True)
        ]
        return pair(balls, (n, m))
    finally:
        ctx.prec = previous


def on_probabilities(p, c, boundary, through_softmax):
    """Return rows sum c_j (-log b(p_j)) and gradients, of probabilities given as rows of balls or floats.

    `boundary` is ("exact",), ("add", eps) or ("clip", low, high). The gradients are with respect to the logits behind
    p, p_k sum c r - c_k r_k, if `through_softmax`, else with respect to p.
    """
    previous, ctx.prec = ctx.prec, 256
    try:
        losses, gradients = [], []
        for row, weights in zip(p, c, strict=True):
            loss, slopes = arb(0), []
            for value, weight in zip(row, weights, strict=True):
                x, w, inside = arb(value), arb(weight), True
                if boundary[0] == "add":
                    b = x + arb(boundary[1])
                elif boundary[0] == "clip":
                    low, high = arb(boundary[1]), arb(boundary[2])
                    inside = not (x < low or x > high)
                    b = low if x < low else high if x > high else x
                else:
                    b = x
                if w != 0:
                    loss -= w * b.log()
                slopes.append(w / b if inside and w != 0 else arb(0))
            total = sum((x * arb(value) for x, value in zip(slopes, row, strict=True)), arb(0))
            losses.append(loss)
            for value, slope in zip(row, slopes, strict=True):
                gradients.append(arb(value) * (total - slope) if through_softmax else -slope)
        n = len(losses)
        return pair(losses, (n,)), pair(gradients, (n, len(gradients) // max(n, 1)))
    finally:
        ctx.prec = previous


def softmax(z):
    """Return the rows of softmax(z) as balls."""
    previous, ctx.prec = ctx.prec, 256
    try:
        rows = []
        for row in z.astype(np.float64).tolist():
            peak = arb(max(row))
            e = [(arb(value) - peak).exp() for value in row]
            total = sum(e, arb(0))
            rows.append([x / total for x in e])
        return rows
    finally:
        ctx.prec = previous


def log_sum_exp(z):
    """Return logsumexp of each row as a ball."""
    previous, ctx.prec = ctx.prec, 256
    try:
        rows = []
        for row in z.astype(np.float64).tolist():
            peak = arb(max(row))
            rows.append(peak + sum(((arb(value) - peak).exp() for value in row), arb(0)).log())
        return rows
    finally:
        ctx.prec = previous


def with_z_loss(z, rows, gradient, strength):
    """Return rows + strength lse^2, and gradients + 2 strength lse p."""
    previous, ctx.prec = ctx.prec, 256
    try:
        lse, p, factor = log_sum_exp(z), softmax(z), arb(strength)
        ctx.prec = 256
        losses = [_ball(rows, i) + factor * x * x for i, x in enumerate(lse)]
        n, m = z.shape
        slopes = [_ball(gradient, (i, j)) + 2 * factor * lse[i] * p[i][j] for i in range(n) for j in range(m)]
        return pair(losses, (n,)), pair(slopes, (n, m))
    finally:
        ctx.prec = previous


def _ball(pairs, index):
    return arb(float(pairs.high[index])) + arb(float(pairs.low[index]))
