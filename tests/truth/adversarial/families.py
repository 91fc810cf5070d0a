"""Logits that provoke the worst errors, by what they aim at; and hill climbing from a fixed seed."""

from __future__ import annotations

import math

import numpy as np

from xentcheck.truth.formats import FORMATS


def families(rng, name, m, n):
    """Yield (family, z, y): z of shape (n, m) in the format `name`, finite."""
    form = FORMATS[name]
    u, largest = form.unit_roundoff, form.largest
    deepest = -math.log(form.smallest_normal)
    rows = np.arange(n)

    def normal(*shape):
        return rng.standard_normal(shape)

    def labels():
        return rng.integers(0, m, n)

    found = {}
    for scale in (0.1, 1.0, 10.0, 50.0):
        found[f"normal {scale}"] = (normal(n, m) * scale, labels())
    for offset in (1e1, -1e2, 1e4, -1e6, 1e8):
        if abs(offset) < largest / 4:
            found[f"offset {offset:g}"] = (normal(n, m) * 3 + offset, labels())
    found["ties"] = (np.zeros((n, m)) + rng.integers(-50, 50, (n, 1)), labels())
    for sign, which in ((1, "right"), (-1, "wrong")):
        z, y = normal(n, m), labels()
        z[rows, y] = sign * (np.abs(z).max(1) + rng.uniform(0, 1.2 * deepest, n))
        found[f"confident and {which}"] = (z, y)
    z, y = normal(n, m), labels()
    p = rng.choice([0.9, 0.99, 0.999, 1 - 4 * u], n)
    others = np.exp(z).sum(1) - np.exp(z[rows, y])
    z[rows, y] = np.log(p / (1 - p)) + np.log(np.maximum(others, 1e-30))
    found["p near 1"] = (z, y)
    for factor in (0.99, 1.02, 1.0, 1.5):
        # Terms that a running sum of 1 rounds away, or rounds up.
        z = np.full((n, m), math.log(factor * u)) - rng.uniform(0, 0.01, (n, m)) * (factor != 1.02)
        z[:, 0] = 0
        found[f"stagnation {factor}"] = (z, np.zeros(n, int))
        found[f"stagnation {factor}, maximum last"] = (z[:, ::-1], np.full(n, m - 1))
        found[f"stagnation {factor}, wrong"] = (z, np.full(n, m - 1))
    found["ascending"] = (np.sort(normal(n, m) * 6, 1), np.full(n, m - 1))
    found["descending"] = (np.sort(normal(n, m) * 6, 1)[:, ::-1], np.zeros(n, int))
    step = np.exp(rng.uniform(-9, 1, (n, 1)))
    found["ramp up"] = (np.arange(m) * step, np.full(n, m - 1))
    found["ramp down"] = (-np.arange(m) * step, np.zeros(n, int))
    z = -rng.uniform(deepest - 8, deepest + 18, (n, m))
    z[:, 0] = 0
    found["edge of underflow"] = (z, np.zeros(n, int))
    found["overflow without a shift"] = (normal(n, m) * 10 + rng.uniform(0.9, 1.3, (n, 1)) * deepest, labels())
    found["underflow without a shift"] = (normal(n, m) * 10 - rng.uniform(0.9, 1.5, (n, 1)) * deepest, labels())
    found["wild"] = (normal(n, m) * largest**0.3, labels())
    found["half of the range"] = (rng.uniform(-0.45, 0.45, (n, m)) * largest, labels())
    found["subnormal"] = (normal(n, m) * form.smallest_subnormal * 50, labels())
    z = -rng.uniform(0, 1.5, (n, m)) - math.log(max(m - 1, 1)) - rng.uniform(-1, 8, (n, 1))
    z[:, 0] = 0
    found["s of middle size"] = (z, np.zeros(n, int))
    z = normal(n, m) * 0.01 - 16.968
    z[:, 0] = 0
    found["hot spot of exp"] = (z, np.zeros(n, int))
    if m > 1:
        # Breakpoints of the rounding of 1 + exp(d).
        z = np.full((n, m), -1e3)
        z[:, 0] = 0
        at_break = np.log(rng.choice([1, 2, 3, 5], n) * u).astype(form.dtype).astype(np.float64)
        z[:, 1] = at_break * (1 + rng.integers(-40, 41, n) * 2 * u)
        found["breakpoints"] = (z, rng.integers(0, 2, n))
    for family, (z, y) in found.items():
        with np.errstate(over="ignore"):
            yield (
                family,
                np.ascontiguousarray(np.clip(z, -0.99 * largest, 0.99 * largest).astype(form.dtype)),
                np.array(y),
            )


def climb(rng, score, z, y, rounds):
    """Return the largest score met by changing rows at random; `score(z, y)` gives one number a row."""
    best = score(z, y)
    ulps = np.finfo(np.float32).eps if z.dtype == np.float32 else 2.0 ** (1 - FORMATS[z.dtype.name].precision)
    for _ in range(rounds):
        change = rng.choice([1, 8, 1024], (len(z), 1)) * ulps * rng.standard_normal(z.shape)
        change *= rng.random(z.shape) < 0.5
        new = (z.astype(np.float64) * (1 + change) + change * (rng.random((len(z), 1)) < 0.3)).astype(z.dtype)
        found = score(new, y)
        better = found > best
        z, best = np.where(better[:, None], new, z), np.where(better, found, best)
    return best
