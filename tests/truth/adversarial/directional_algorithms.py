"""Derivatives of the rows' losses along a tangent by many kinds of code: of logits, labels and v, in z's dtype."""

from __future__ import annotations

import numpy as np

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.hessian_algorithms import SOFTMAX, SOFTMAX_C


def weighted(p, y, v):
    """p.v - v_y."""
    return (p * v).sum(-1) - alg.at(v, y)


def weighted_recursive(p, y, v):
    return alg.recursive_sum(p * v) - alg.at(v, y)


def centred(p, y, v):
    """Minus the label's entry of v - p.v, as log_softmax gives it."""
    return -alg.at(v - (p * v).sum(-1, keepdims=True), y)


def with_gradient(p, y, v):
    """(p - t).v, one after the other."""
    return alg.recursive_sum((p - alg.one_hot(p, y)) * v)


def from_the_maximum(p, y, v):
    """The shift by the maximum differentiated, too."""
    w = v - np.take_along_axis(v, p.argmax(-1)[:, None], -1)
    return (p * w).sum(-1) - alg.at(w, y)


def dense(p, y, v):
    """-t.(v - p.v), summed over all classes with their zeros."""
    return -(alg.one_hot(p, y) * (v - (p * v).sum(-1, keepdims=True))).sum(-1)


OF_SOFTMAX = {f.__name__: f for f in (weighted, weighted_recursive, centred, with_gradient, from_the_maximum, dense)}


def quotient(z, y, v):
    """e.v / S, without a division of each exponential."""
    e = np.exp(alg.shifted(z))
    return (e * v).sum(-1) / e.sum(-1) - alg.at(v, y)


def logarithm_of_softmax(z, y, v):
    """-dp_y / p_y with dp from the rule of a quotient."""
    e = np.exp(alg.shifted(z))
    total = e.sum(-1, keepdims=True)
    change = e * v / total - e * ((e * v).sum(-1, keepdims=True) / (total * total))
    return -alg.at(change, y) / alg.at(e / total, y)


WHOLE = {f.__name__: f for f in (quotient, logarithm_of_softmax)}
KINDS = (SOFTMAX, SOFTMAX_C)


def without_label(z, y, v):
    return (alg.softmax(z) * v).sum(-1)


def without_softmax(z, y, v):
    return -alg.at(v, y)


def negative(z, y, v):
    return -weighted(alg.softmax(z), y, v)


def zero(z, y, v):
    return np.zeros(len(z), z.dtype)


def at_the_maximum(z, y, v):
    return (alg.softmax(z) * v).sum(-1) - alg.at(v, z.argmax(-1))


def over_classes(z, y, v):
    return weighted(alg.softmax(z), y, v) / z.dtype.type(z.shape[1])


def unshifted(z, y, v):
    e = np.exp(z)
    return (e * v).sum(-1) / e.sum(-1) - alg.at(v, y)


def last_class_lost(z, y, v):
    return (alg.softmax(z) * v)[:, :-1].sum(-1) - alg.at(v, y)


WRONG = {
    f.__name__: f
    for f in (
        without_label,
        without_softmax,
        negative,
        zero,
        at_the_maximum,
        over_classes,
        unshifted,
        last_class_lost,
    )
}
