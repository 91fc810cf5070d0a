"""Soft caps c tanh(z/c) and their slopes 1 - tanh(z/c)^2, in legitimate ways, and the exact losses and gradients."""

from __future__ import annotations

import numpy as np
from flint import arb, ctx

from tests.truth.adversarial.exact import pair


def divided(z, c):
    return z / z.dtype.type(c)


def natural(z, c):
    return z.dtype.type(c) * np.tanh(divided(z, c))


def by_reciprocal(z, c):
    kind = z.dtype.type
    return np.tanh(z * (kind(1) / kind(c))) * kind(c)


def by_expm1(z, c):
    x = divided(z, c)
    e = np.expm1(z.dtype.type(-2) * np.abs(x))
    return z.dtype.type(c) * np.copysign(-e / (e + z.dtype.type(2)), z)


def by_growing_expm1(z, c):
    """tanh x = expm1(2x)/(expm1(2x) + 2), 1 where the exponential would overflow."""
    kind = z.dtype.type
    x = np.minimum(np.abs(divided(z, c)), kind(5))
    e = np.expm1(kind(2) * x)
    t = np.where(np.abs(divided(z, c)) > kind(5), np.tanh(np.abs(divided(z, c))), e / (e + kind(2)))
    return kind(c) * np.copysign(t, z)


def wide_inside(z, c):
    return (c * np.tanh(z.astype(np.float64) / c)).astype(z.dtype)


def float32_inside(z, c):
    wide = z.astype(np.float32 if z.dtype.itemsize == 2 else z.dtype)
    return natural(wide, c).astype(z.dtype)


CAPS = {f.__name__: f for f in (natural, by_reciprocal, by_expm1, by_growing_expm1, wide_inside, float32_inside)}


# With an absolute error of tanh, in class C


def by_sigmoid(z, c):
    kind = z.dtype.type
    return kind(c) * (kind(2) / (kind(1) + np.exp(kind(-2) * divided(z, c))) - kind(1))


def by_exponentials(z, c):
    """(e^x - e^-x)/(e^x + e^-x), x limited to where that is 1 before the exponential overflows."""
    kind = z.dtype.type
    limit = kind(5 if z.dtype.itemsize == 2 else 20)
    x = np.clip(divided(z, c), -limit, limit)
    a, b = np.exp(x), np.exp(-x)
    return kind(c) * ((a - b) / (a + b))


CAPS_C = {f.__name__: f for f in (by_sigmoid, by_exponentials)}


def by_square(z, c):
    t = np.tanh(divided(z, c))
    return z.dtype.type(1) - t * t


def by_factors(z, c):
    t = np.tanh(divided(z, c))
    return (z.dtype.type(1) - t) * (z.dtype.type(1) + t)


def of_capped(z, c):
    t = natural(z, c) / z.dtype.type(c)
    return z.dtype.type(1) - t * t


def by_cosh(z, c):
    h = np.cosh(divided(z, c))
    return z.dtype.type(1) / (h * h)


def by_squared_sech(z, c):
    h = z.dtype.type(1) / np.cosh(divided(z, c))
    return h * h


def by_exponential(z, c):
    kind = z.dtype.type
    e = np.exp(kind(-2) * np.abs(divided(z, c)))
    return kind(4) * e / ((kind(1) + e) * (kind(1) + e))


SLOPES = {f.__name__: f for f in (by_square, by_factors, of_capped, by_cosh, by_squared_sech, by_exponential)}


def capped(row, cap):
    """Return cap tanh(z / cap) and 1 - tanh(z / cap)^2 of one row as balls."""
    x = [arb(z) / arb(cap) if np.isfinite(z) else None for z in row]
    s = [arb(cap) * (arb(int(np.sign(z))) if y is None else y.tanh()) for z, y in zip(row, x, strict=True)]
    e = [arb(0) if y is None else (-2 * abs(y)).exp() for y in x]
    return s, [4 * y / (1 + y) ** 2 for y in e]


def softmax_row(s, weights, strength):
    """Return sum c_j (-log p_j) + strength lse^2 of p = softmax(s), and its derivatives by s, as balls."""
    top = max(range(len(s)), key=lambda j: float(s[j]))
    e = [(x - s[top]).exp() for x in s]
    e[top] = arb(1)
    rest, T = sum((x for j, x in enumerate(e) if j != top), arb(0)), sum(weights, arb(0))
    log, S = rest.log1p(), 1 + rest
    lse = s[top] + log
    terms = (w * (s[top] - x) for w, x in zip(weights, s, strict=True) if w != 0)
    slopes = [(T + 2 * strength * lse) * x / S - w for x, w in zip(e, weights, strict=True)]
    chosen = [j for j, w in enumerate(weights) if w != 0]
    if len(chosen) == 1 and strength == 0:
        y = chosen[0]
        slopes[y] = -T * sum((x for j, x in enumerate(e) if j != y), arb(0)) / S
    return sum(terms, T * log) + strength * lse * lse, slopes


def capped_cross_entropy(z, cap, c, strength=0.0):
    """Return rows sum c_j (-log p_j) + strength lse^2 of p = softmax(cap tanh(z / cap)), and gradients by z."""
    n, m = z.shape
    losses, gradients = [], []
    previous, ctx.prec = ctx.prec, 256
    try:
        for row, weights in zip(z.astype(np.float64).tolist(), c, strict=True):
            s, slopes = capped(row, cap)
            loss, by_s = softmax_row(s, [arb(w) for w in weights], arb(strength))
            losses.append(loss)
            gradients.extend(g * f for g, f in zip(by_s, slopes, strict=True))
        return pair(losses, (n,)), pair(gradients, (n, m))
    finally:
        ctx.prec = previous
