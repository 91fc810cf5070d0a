"""Hessian-vector products of one row's loss by many kinds of code. Each takes logits, labels and v, in z's dtype."""

from __future__ import annotations

import numpy as np

from tests.truth.adversarial import algorithms as alg


def exp2_softmax(z):
    e = np.exp2(alg.shifted(z) * z.dtype.type(alg.LOG2E))
    return e / e.sum(-1, keepdims=True)


def online_softmax(z):
    top, total = alg.online_state(z)
    return np.exp(z - top[:, None]) / total[:, None]


SOFTMAX = {
    "division": alg.softmax,
    "exp of log_softmax": lambda z: np.exp(alg.log_softmax(z)),
    "recursive sum": lambda z: (e := np.exp(alg.shifted(z))) / alg.recursive_sum(e)[:, None],
    "base 2": exp2_softmax,
    "online": online_softmax,
}
SOFTMAX_C = {"exp(z - lse)": lambda z: np.exp(z - alg.logsumexp(z)[:, None])}


def centred(p, v):
    return p * (v - (p * v).sum(-1, keepdims=True))


def centred_recursive(p, v):
    return p * (v - alg.recursive_sum(p * v)[:, None])


def uncentred(p, v):
    return p * v - p * (p * v).sum(-1, keepdims=True)


def dense(p, v):
    """The matrix diag p - p p^T, row by row, times v."""
    products = []
    for row, along in zip(p, v, strict=True):
        matrix = np.diag(row) - np.outer(row, row)
        products.append((matrix * along).sum(-1))
    return np.array(products, p.dtype).reshape(p.shape)


def dense_recursive(p, v):
    """The same, summed one after the other; p (1 - p) on the diagonal."""
    products = []
    for row, along in zip(p, v, strict=True):
        matrix = -np.outer(row, row)
        np.fill_diagonal(matrix, row * (row.dtype.type(1) - row))
        products.append(alg.recursive_sum(matrix * along))
    return np.array(products, p.dtype).reshape(p.shape)


def pairwise(p, v):
    """p_j times the sum of p_k (v_j - v_k)."""
    return p * (p[:, None, :] * (v[:, :, None] - v[:, None, :])).sum(-1)


def from_the_maximum(p, v):
    """The element of the maximum as minus the sum of the others, as code gives that differentiates it too."""
    top = p.argmax(-1)[:, None]
    w = v - np.take_along_axis(v, top, -1)
    h = p * (w - (p * w).sum(-1, keepdims=True))
    np.put_along_axis(h, top, 0, -1)
    np.put_along_axis(h, top, -h.sum(-1, keepdims=True), -1)
    return h


PRODUCTS = {
    f.__name__: f for f in (centred, centred_recursive, uncentred, dense, dense_recursive, pairwise, from_the_maximum)
}


def quotient_rule(z, y, v):
    """e/S differentiated: e v/S - e (e.v)/S^2, as forward over reverse does."""
    e = np.exp(alg.shifted(z))
    total = e.sum(-1, keepdims=True)
    return e * v / total - e * ((e * v).sum(-1, keepdims=True) / (total * total))


def logarithm_of_softmax(z, y, v):
    """-log p_y differentiated twice: the terms of the label, of size v_y - p.v, cancel."""
    p = alg.softmax(z)
    change, slope, bend = centred(p, v), np.zeros_like(p), np.zeros_like(p)
    slope[alg.each(z), y] = -1 / alg.at(p, y)
    bend[alg.each(z), y] = alg.at(change, y) / (alg.at(p, y) * alg.at(p, y))
    mean, turn = (p * slope).sum(-1, keepdims=True), (change * slope + p * bend).sum(-1, keepdims=True)
    return change * (slope - mean) + p * (bend - turn)


WHOLE = {f.__name__: f for f in (quotient_rule, logarithm_of_softmax)}


def zeros(z, y, v):
    return np.zeros_like(z)


def doubled(z, y, v):
    return 2 * centred(alg.softmax(z), v)


def diagonal(z, y, v):
    p = alg.softmax(z)
    return p * (1 - p) * v


def mean_of_v(z, y, v):
    """Centred by the mean of v in place of p.v."""
    return alg.softmax(z) * (v - v.mean(-1, keepdims=True))


def gauss_newton_of_label(z, y, v):
    """(p - t)(p - t).v, the outer product of the gradient, in place of the Hessian."""
    g = alg.gradient_softmax(z, y)
    return g * (g * v).sum(-1, keepdims=True)


def unshifted(z, y, v):
    e = np.exp(z)
    return centred(e / e.sum(-1, keepdims=True), v)


def last_class_lost(z, y, v):
    h = centred(alg.softmax(z), v)
    h[:, -1] = 0
    return h


WRONG = {
    f.__name__: f for f in (zeros, doubled, diagonal, mean_of_v, gauss_newton_of_label, unshifted, last_class_lost)
}


def directions(rng, z, y):
    """Yield (name, v): small dyadic numbers, ones, a common offset, one class alone."""
    n, m = z.shape
    kind = z.dtype
    yield "dyadic", rng.choice([1.0, -1.0, 2.0, 0.0, -0.5, 3.0], (n, m)).astype(kind)
    yield "ones", np.ones((n, m), kind)
    yield "offset", (100 + rng.standard_normal((n, m))).astype(kind)
    yield "at the maximum", alg.one_hot(z, z.argmax(-1))
    yield "at the label", alg.one_hot(z, y)
