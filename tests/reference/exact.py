"""Cross-entropy by mpmath at 2,000 bits: shares nothing with the package."""

from __future__ import annotations

import mpmath
import numpy as np

mpf = mpmath.mpf


def row(logits, weights):
    """Return the exact loss, gradient and (R, label's R, other classes' B) allowances in units of u of one row."""
    with mpmath.workprec(2000):
        z = [mpf(float(value)) for value in logits]
        t = [mpf(float(value)) for value in weights]
        top = z.index(max(z))
        e = [mpmath.exp(value - z[top]) for value in z]
        others = mpmath.fsum(e) - e[top]
        S, T = 1 + others, mpmath.fsum(t)
        p = [value / S for value in e]
        loss = T * mpmath.log(S) + mpmath.fsum(a * (z[top] - b) for a, b in zip(t, z, strict=True))
        gradient = [T * a - b for a, b in zip(p, t, strict=True)]
        D = mpmath.fsum(a * (z[top] - b) for a, b in zip(p, z, strict=True))
        height = len(z) - 1
        linear = mpmath.fsum(a * (z[top] - b) for a, b in zip(t, z, strict=True))
        q, level = others / S, mpmath.log(S)
        loss_allowance = T * (D + 2 * q + 2 * level + height * q) + linear + loss
        spread = D + 2 * q + height
        gradient_allowance = []
        for j, (a, b) in enumerate(zip(p, t, strict=True)):
            if b == T and T == 1:
                rest = mpmath.fsum(p) - a
                shift = mpmath.fsum(p[i] * (z[top] - z[i] + 2) for i in range(len(z)) if i != j)
                gradient_allowance.append(shift + rest * (spread + height + 2))
            else:
                own = z[top] - z[j] + spread + 4
                soft = (height + 1) * T * a + abs(gradient[j]) if T != 1 or 0 < b < 1 else 0
                gradient_allowance.append(T * a * own + soft)
        return loss, gradient, loss_allowance, gradient_allowance


def excess(got, truth, allowance, u, eta, m):
    """Return how many times its allowance u * allowance + (3 m + 1) eta the error of `got` is."""
    with mpmath.workprec(2000):
        return float(abs(mpf(float(got)) - truth) / (mpf(u) * allowance + (3 * m + 1) * mpf(eta)))


def draw(rng, number):
    """Return one row of logits and its label: spread, confident, offset, tied, stagnating or far apart."""
    m = int(rng.choice([1, 2, 3, 5, 10, 40]))
    z = rng.standard_normal(m) * np.exp(rng.uniform(-3, 5))
    y = int(rng.integers(m))
    kind = number % 7
    if kind == 1:
        z[y] = z.max() + np.exp(rng.uniform(-2, 6.5))
    if kind == 2:
        z = 0.01 * z
        z[y] = z.max() - np.log(rng.choice([1e-1, 1e-2, 1e-3, 1.1e-16]))
    if kind == 3:
        z = z + rng.choice([-1, 1]) * 10.0 ** int(rng.integers(1, 9))
    if kind == 4:
        z = np.full(m, np.log(0.99 * 2.0**-53))
        z[0] = 0.0
    if kind == 5:
        z = np.zeros(m)
    if kind == 6:
        z = 1e3 * z
    return z, y
