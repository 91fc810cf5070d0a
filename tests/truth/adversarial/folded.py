"""Softmaxes that are folded from pairs (maximum, sum), in several orders, differentiated as autodiff does it.

With dual numbers for logits, the gradient's tangent is the Hessian-vector product and the loss's the derivative along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xentcheck.truth.formats import FORMATS

LANES = {"four lanes": 4, "eight lanes": 8}
BLOCKS_OF_LANES = {"30 in 4": (30, 4, "left"), "20 in 3": (20, 3, "right"), "32 in 2": (32, 2, "right")}
ORDERS = ("left", "right", "halves", "blocks", *LANES, *BLOCKS_OF_LANES)
TIES = ("first", "last", "evenly")


@dataclass
class Dual:
    """A number and its derivative, in the arithmetic of their dtype."""

    value: np.ndarray
    tangent: np.ndarray

    def __add__(self, other):
        return Dual(self.value + other.value, self.tangent + other.tangent)

    def __sub__(self, other):
        return Dual(self.value - other.value, self.tangent - other.tangent)

    def __mul__(self, other):
        return Dual(self.value * other.value, self.tangent * other.value + self.value * other.tangent)


def _exp(x):
    if isinstance(x, Dual):
        e = np.exp(x.value)
        return Dual(e, x.tangent * e)
    return np.exp(x)


def _reciprocal(x):
    if isinstance(x, Dual):
        r = 1 / x.value
        return Dual(r, -(x.tangent * r) * r)
    return 1 / x


def _constant(like, number):
    if isinstance(like, Dual):
        return Dual(np.full_like(like.value, number), np.zeros_like(like.value))
    return np.full_like(like, number)


def _shares(left, right, ties):
    """How much of the cotangent of a maximum each of the two gets."""
    a, b = (x.value if isinstance(x, Dual) else x for x in (left, right))
    of_left = (a > b) + (a == b) * {"first": 1.0, "last": 0.0, "evenly": 0.5}[ties]
    return of_left.astype(a.dtype), (1 - of_left).astype(a.dtype)


def _scaled(x, by):
    return Dual(x.value * by, x.tangent * by) if isinstance(x, Dual) else x * by


def merges(m, order):
    """Return pairs of nodes: the classes are 0 to m - 1, and the k-th pair makes the node m + k.

    The order may be (classes of a block, lanes of each, side from which lanes and blocks are merged).
    """
    order = BLOCKS_OF_LANES.get(order, order)
    if isinstance(order, tuple):
        return _blocks_of_lanes(m, *order)
    if order == "left":
        return [(0 if j == 1 else m + j - 2, j) for j in range(1, m)]
    if order == "right":
        return [(j, m - 1 if j == m - 2 else 2 * m - 3 - j) for j in range(m - 2, -1, -1)]
    pairs, nodes = [], list(range(m))
    if order != "halves":
        heads, lanes = [], LANES.get(order)
        blocks = [range(k, min(k + 4, m)) for k in range(0, m, 4)]
        for part in blocks if lanes is None else [range(k, m, lanes) for k in range(min(lanes, m))]:
            head = part[0]
            for j in part[1:]:
                pairs.append((head, j))
                head = m + len(pairs) - 1
            heads.append(head)
        for head in heads[1:]:
            pairs.append((heads[0], head))
            heads[0] = m + len(pairs) - 1
        return pairs
    while len(nodes) > 1:
        new = []
        for left, right in zip(nodes[::2], nodes[1::2], strict=False):
            pairs.append((left, right))
            new.append(m + len(pairs) - 1)
        nodes = new + nodes[len(nodes) // 2 * 2 :]
    return pairs


def _blocks_of_lanes(m, block, width, side):
    """Return the pairs of blocks that are passed over in lanes of their own."""
    pairs, tops = [], []

    def merged(nodes):
        nodes = list(nodes)
        while len(nodes) > 1:
            pair = nodes[:2] if side == "left" else nodes[-2:]
            pairs.append(tuple(pair))
            nodes[nodes.index(pair[0]) : nodes.index(pair[1]) + 1] = [m + len(pairs) - 1]
        return nodes[0]

    for start in range(0, m, block):
        end = min(start + block, m)
        tops.append(merged([merged(range(lane, end, width)) for lane in range(start, min(start + width, end))]))
    merged(tops)
    return pairs


def _fold(logits, pairs, ties):
    """Return maxima and sums of all nodes, and the two exponentials of each pair."""
    tops, sums, rescaled = list(logits), [_constant(x, 1) for x in logits], []
    for a, b in pairs:
        left, right = _shares(tops[a], tops[b], ties)
        top = _scaled(tops[a], left) + _scaled(tops[b], right)
        each = _exp(tops[a] - top), _exp(tops[b] - top)
        tops.append(top)
        sums.append(sums[a] * each[0] + sums[b] * each[1])
        rescaled.append(each)
    return tops, sums, rescaled


def _gradient(logits, pairs, ties):
    """Return the derivatives of maximum + log(sum) by the logits, without the label's 1."""
    tops, sums, rescaled = _fold(logits, pairs, ties)
    by_top, by_sum = [_constant(x, 0) for x in tops], [_constant(x, 0) for x in tops]
    by_top[-1], by_sum[-1] = _constant(tops[-1], 1), _reciprocal(sums[-1])
    for k in range(len(pairs) - 1, -1, -1):
        (a, b), node = pairs[k], len(logits) + k
        through = [by_sum[node] * sums[one] * e for one, e in zip((a, b), rescaled[k], strict=True)]
        left = by_top[node] - through[0] - through[1]
        for one, e, own, share in zip((a, b), rescaled[k], through, _shares(tops[a], tops[b], ties), strict=True):
            by_top[one] = own + _scaled(left, share)
            by_sum[one] = by_sum[node] * e
    return by_top[: len(logits)]


def gradient(z, y, order, ties):
    """Return the gradient of the rows' losses."""
    g = np.stack(_gradient(list(z.T), merges(z.shape[1], order), ties), 1)
    g[np.arange(len(z)), y] -= 1
    return g


def hessian_vector(z, v, order, ties):
    """Return the derivative of the gradient along v, forward over reverse."""
    logits = [Dual(x, w) for x, w in zip(z.T, v.T, strict=True)]
    return np.stack([g.tangent for g in _gradient(logits, merges(z.shape[1], order), ties)], 1)


def along(z, y, v, order, ties):
    """Return the derivative of the rows' losses along v."""
    logits = [Dual(x, w) for x, w in zip(z.T, v.T, strict=True)]
    tops, sums, _ = _fold(logits, merges(z.shape[1], order), ties)
    of_log = sums[-1].tangent / sums[-1].value
    return tops[-1].tangent + of_log - v[np.arange(len(z)), y]


def plateaux(rng, name, m, n):
    """Yield (family, z, y): rows of few values, level or nearly so, below a maximum at one end."""
    rows, peak = np.arange(n), rng.choice([3.0, 8.0, 20.0, 40.0], n)
    for step in (0.0, 0.02, 1e-3, -0.02):
        z = np.zeros((n, m))
        z[:, m // 4] += step
        z[:, m // 2] += step
        z[:, -1] = peak
        yield from _both_ways(f"level, {step:g} higher", name, z, np.zeros(n, int))
    z = rng.uniform(0.0, 1e-3, (n, m))
    z[:, m // 4] = 2e-3
    z[:, -1] = peak
    yield from _both_ways("nearly level", name, z, np.zeros(n, int))
    z = rng.choice([0.0, 0.02, 2.0, 20.0], (n, m), p=[0.7, 0.15, 0.14, 0.01])
    yield from _both_ways("few values", name, z, rng.integers(0, m, n))
    z = np.zeros((n, m)) + rng.integers(-50, 50, (n, 1)) / 8
    z[rows, -1] += rng.choice([0.0, 0.01, 5.0], n)
    yield from _both_ways("level but for the last", name, z, rng.integers(0, m, n))
    for lanes in LANES.values():
        z = np.zeros((n, m)) + np.arange(m) % lanes * 1e-3
        z[:, :lanes] += rng.choice([0.0, 3e-4, 1e-2], (n, 1))
        z[:, -1] += peak
        yield from _both_ways(f"{lanes} level lanes", name, z, np.zeros(n, int))
    # Steps whose exponentials numpy rounds by 2 u in float32, always to the same side.
    step = rng.choice([0.03717041015625, 0.047607421875, 0.165283203125, 0.19146728515625], (n, 1))
    yield from _both_ways("even steps", name, np.arange(m) * step, np.full(n, m // 3))


def _both_ways(family, name, z, y):
    z = np.clip(z, -0.99 * FORMATS[name].largest, 0.99 * FORMATS[name].largest).astype(FORMATS[name].dtype)
    yield family, z, np.array(y)
    yield f"{family}, from behind", np.ascontiguousarray(z[:, ::-1]), z.shape[1] - 1 - np.array(y)
