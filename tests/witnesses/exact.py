"""Cross-entropy and its allowances by mpmath: shares nothing with the package."""

from __future__ import annotations

import mpmath
import numpy as np

U = 2.0**-53
NORMAL = 2.0**-1022


def row(logits, weights, bits=1400):
    """Return the loss, the gradient, and the tight B allowances of both (k = 2, h = m - 1), -inf logits left out."""
    with mpmath.workprec(bits):
        kept = [j for j, value in enumerate(logits) if value > -np.inf]
        z = [mpmath.mpf(float(logits[j])) for j in kept]
        t = [mpmath.mpf(float(weights[j])) for j in kept]
        M = max(z)
        e = [mpmath.exp(value - M) for value in z]
        S, T = mpmath.fsum(e), mpmath.fsum(t)
        p = [value / S for value in e]
        linear = mpmath.fsum(a * (M - b) for a, b in zip(t, z, strict=True))
        loss = T * mpmath.log(S) + linear
        D = mpmath.fsum(a * (M - b) for a, b in zip(p, z, strict=True))
        h, q, level, m = len(logits) - 1, 1 - 1 / S, mpmath.log(S), len(logits)
        radius = U * (T * (D + 4 * q + h + 4 * level) + linear + (h + 2) * loss) + 5 * m * NORMAL
        spread = D + 4 * q + h
        gradient, radii = np.zeros(m), np.full(m, 5 * NORMAL)
        exact = [mpmath.mpf(0)] * m
        for j, a, b, c in zip(kept, p, t, z, strict=True):
            exact[j] = T * a - b
            shift = max(M - c + spread + 6, 2 * (M - c) + spread + 5 * level + 4)
            radii[j] += float(U * (T * a * (shift + h + 1) + abs(exact[j]) + b * (1 - a)))
        for j in range(m):
            gradient[j] = float(exact[j])
        return float(loss), gradient, float(radius) + 2 * U * float(loss), radii + 2 * U * np.abs(gradient)


def batch(logits, targets, bits=1400):
    """Return `row` of every row, stacked."""
    rows = [row(a, b, bits) for a, b in zip(logits, targets, strict=True)]
    return tuple(np.array([item[k] for item in rows]) for k in range(4))


def slope(logits, targets, direction):
    """Return the exact directional derivative of the summed loss."""
    with mpmath.workprec(300):
        total = mpmath.mpf(0)
        for z, t, v in zip(logits, targets, direction, strict=True):
            top = max(float(value) for value in z)
            e = [mpmath.exp(mpmath.mpf(float(a)) - top) if a > -np.inf else mpmath.mpf(0) for a in z]
            S, T = mpmath.fsum(e), mpmath.fsum(mpmath.mpf(float(a)) for a in t)
            total += mpmath.fsum(
                (T * a / S - mpmath.mpf(float(b))) * mpmath.mpf(float(c)) for a, b, c in zip(e, t, v, strict=True)
            )
        return total
