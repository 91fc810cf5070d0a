"""Legitimate algorithms of many kinds, and known bad ones. Each takes logits (n, m) and labels (n,), in z's dtype."""

from __future__ import annotations

import ml_dtypes
import numpy as np
from scipy import special

LOG2E, LN2 = 1.4426950408889634, 0.6931471805599453


def each(z):
    return np.arange(len(z))


def at(a, y):
    return a[each(a), y]


def shifted(z):
    return z - z.max(-1, keepdims=True)


def one_hot(z, y):
    t = np.zeros(z.shape, z.dtype)
    t[each(z), y] = 1
    return t


def recursive_sum(e):
    total = e[:, 0].copy()
    for j in range(1, e.shape[1]):
        total = total + e[:, j]
    return total


def kahan_sum(e):
    total, carry = np.zeros(len(e), e.dtype), np.zeros(len(e), e.dtype)
    for j in range(e.shape[1]):
        term = e[:, j] - carry
        new = total + term
        carry, total = (new - total) - term, new
    return total


def log_softmax(z):
    d = shifted(z)
    return d - np.log(np.exp(d).sum(-1, keepdims=True)).astype(z.dtype)


def softmax(z):
    e = np.exp(shifted(z))
    return e / e.sum(-1, keepdims=True)


def logsumexp(z):
    top = z.max(-1)
    return top + np.log(np.exp(z - top[:, None]).sum(-1))


# Losses of class B


def plain(z, y):
    d = shifted(z)
    return np.log(np.exp(d).sum(-1)) - at(d, y)


def recursive(z, y):
    d = shifted(z)
    return np.log(recursive_sum(np.exp(d))) - at(d, y)


def reversed_order(z, y):
    d = shifted(z)
    return np.log(recursive_sum(np.exp(d)[:, ::-1])) - at(d, y)


def kahan(z, y):
    d = shifted(z)
    return np.log(kahan_sum(np.exp(d))) - at(d, y)


def dot(z, y):
    d = shifted(z)
    return np.log(np.exp(d) @ np.ones(z.shape[1], z.dtype)) - at(d, y)


def log1p_form(z, y):
    d = shifted(z)
    e = np.exp(d)
    e[each(z), z.argmax(-1)] = 0
    return np.log1p(e.sum(-1)) - at(d, y)


def log1p_recursive(z, y):
    d = shifted(z)
    e = np.exp(d)
    e[each(z), z.argmax(-1)] = 0
    return np.log1p(recursive_sum(e)) - at(d, y)


def online_state(z, block=1):
    top = z[:, :block].max(1)
    total = recursive_sum(np.exp(z[:, :block] - top[:, None]))
    for j in range(block, z.shape[1], block):
        part = z[:, j : j + block]
        new = np.maximum(top, part.max(1))
        total = total * np.exp(top - new) + recursive_sum(np.exp(part - new[:, None]))
        top = new
    return top, total


def online(z, y):
    top, total = online_state(z)
    return np.log(total) - (at(z, y) - top)


def chunked(z, y):
    top, total = online_state(z, 32)
    return np.log(total) + (top - at(z, y))


def merge_tree(z, y):
    top, total = z.copy(), np.ones_like(z)
    while top.shape[1] > 1:
        k = top.shape[1] // 2
        a, b = top[:, :k], top[:, k : 2 * k]
        new = np.maximum(a, b)
        merged = total[:, :k] * np.exp(a - new) + total[:, k : 2 * k] * np.exp(b - new)
        top = np.concatenate([new, top[:, 2 * k :]], 1)
        total = np.concatenate([merged, total[:, 2 * k :]], 1)
    return np.log(total[:, 0]) + (top[:, 0] - at(z, y))


def einsum(z, y):
    return -np.einsum("ij,ij->i", one_hot(z, y), log_softmax(z))


def one_hot_sum(z, y):
    return -(one_hot(z, y) * log_softmax(z)).sum(-1)


def one_hot_shifted(z, y):
    d = shifted(z)
    return np.log(np.exp(d).sum(-1)) - (one_hot(z, y) * d).sum(-1)


def softmax_then_log(z, y):
    return -np.log(at(softmax(z), y))


def softmax_by_reciprocal_then_log(z, y):
    e = np.exp(shifted(z))
    return -np.log(at(e * (1 / e.sum(-1, keepdims=True)), y))


def label_shifted_log1p(z, y):
    e = np.exp(z - at(z, y)[:, None])
    e[each(z), y] = 0
    return np.log1p(e.sum(-1))


def label_shifted(z, y):
    d = z - at(z, y)[:, None]
    top = d.max(-1)
    return top + np.log(np.exp(d - top[:, None]).sum(-1))


def logaddexp_of_shifted(z, y):
    return repeated_logaddexp(shifted(z), y)


def exp2_form(z, y):
    kind, d = z.dtype.type, shifted(z)
    return kind(LN2) * np.log2(np.exp2(d * kind(LOG2E)).sum(-1)) - at(d, y)


def base_two(z, y):
    kind = z.dtype.type
    d = shifted(z) * kind(LOG2E)
    return kind(LN2) * (np.log2(np.exp2(d).sum(-1)) - at(d, y))


def scipy_log_softmax(z, y):
    return -at(special.log_softmax(z, axis=-1), y)


def scipy_softmax_log(z, y):
    return -np.log(at(special.softmax(z, axis=-1), y))


def softplus(z, y):
    x = at(z, 1 - y) - at(z, y)
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def logaddexp_zero(z, y):
    x = at(z, 1 - y) - at(z, y)
    return np.logaddexp(np.zeros_like(x), x)


def log_expit(z, y):
    return -special.log_expit(at(z, y) - at(z, 1 - y))


# Losses of class C


def lse_minus_label(z, y):
    return logsumexp(z) - at(z, y)


def lse_by_one_hot(z, y):
    t = one_hot(z, y)
    return logsumexp(z) * t.sum(-1) - (t * z).sum(-1)


def scipy_logsumexp(z, y):
    return special.logsumexp(z, axis=-1) - at(z, y)


def repeated_logaddexp(z, y):
    total = z[:, 0]
    for j in range(1, z.shape[1]):
        total = np.logaddexp(total, z[:, j])
    return total - at(z, y)


def logaddexp_tree(z, y):
    a = z.copy()
    while a.shape[1] > 1:
        k = a.shape[1] // 2
        a = np.concatenate([np.logaddexp(a[:, :k], a[:, k : 2 * k]), a[:, 2 * k :]], 1)
    return a[:, 0] - at(z, y)


def online_lse(z, y):
    top, total = online_state(z)
    return (np.log(total) + top) - at(z, y)


def fused_base_two(z, y):
    """exp2(fma(z, log2 e, -M log2 e)) and the logsumexp back from base 2, as attention kernels do."""
    kind, wide = z.dtype.type, np.longdouble
    scale = kind(LOG2E)
    peak = z.max(-1) * scale
    x = (z.astype(wide) * wide(scale) - peak[:, None].astype(wide)).astype(z.dtype)
    return (np.log2(np.exp2(x).sum(-1)) + peak) * kind(LN2) - at(z, y)


def rounded_maximum(z, y):
    peak = z.max(-1).astype(np.float32).astype(ml_dtypes.bfloat16).astype(z.dtype)[:, None]
    d = z - peak
    return np.log(np.exp(d).sum(-1)) - at(d, y)


CLASS_B = {
    f.__name__: f
    for f in (
        plain, recursive, reversed_order, kahan, dot, log1p_form, log1p_recursive, online, chunked, merge_tree, einsum,
        one_hot_sum, one_hot_shifted, softmax_then_log, softmax_by_reciprocal_then_log, label_shifted_log1p,
        label_shifted, logaddexp_of_shifted, exp2_form, base_two, scipy_log_softmax, scipy_softmax_log, softplus,
        logaddexp_zero, log_expit,
    )
}  # fmt: skip
CLASS_C = {
    f.__name__: f
    for f in (
        lse_minus_label, lse_by_one_hot, scipy_logsumexp, repeated_logaddexp, logaddexp_tree, online_lse,
        fused_base_two, rounded_maximum,
    )
}  # fmt: skip
RELATIVE = {f.__name__: f for f in (log1p_form, log1p_recursive, softplus)}
TIGHT_B = {f.__name__: f for f in (plain, recursive, reversed_order, kahan, log1p_form, scipy_log_softmax, one_hot_sum)}
TIGHT_C = {f.__name__: f for f in (lse_minus_label, scipy_logsumexp)}
TWO_CLASSES = {"softplus", "logaddexp_zero", "log_expit"}
NEEDS_NATIVE_TYPE = {"einsum", "dot", "scipy_log_softmax", "scipy_softmax_log", "scipy_logsumexp", "log_expit"}
"""Not for bfloat16, which these functions of numpy and scipy do not take."""


# Gradients


def minus_one(p, y):
    g = p.copy()
    g[each(g), y] -= g.dtype.type(1)
    return g


def gradient_softmax(z, y):
    return minus_one(softmax(z), y)


def gradient_reciprocal(z, y):
    e = np.exp(shifted(z))
    return minus_one(e * (1 / e.sum(-1, keepdims=True)), y)


def gradient_recursive(z, y):
    e = np.exp(shifted(z))
    return minus_one(e / recursive_sum(e)[:, None], y)


def gradient_exp_log_softmax(z, y):
    return minus_one(np.exp(log_softmax(z)), y)


def gradient_numerator(z, y):
    e = np.exp(shifted(z))
    total = e.sum(-1, keepdims=True)
    e[each(z), y] -= total[:, 0]
    return e / total


def gradient_complement(z, y):
    e = np.exp(shifted(z))
    total = e.sum(-1, keepdims=True)
    g = e / total
    e[each(z), y] = 0
    g[each(z), y] = -(e.sum(-1) / total[:, 0])
    return g


def gradient_complement_recursive(z, y):
    e = np.exp(shifted(z))
    total = recursive_sum(e)[:, None]
    g = e / total
    e[each(z), y] = 0
    g[each(z), y] = -(recursive_sum(e) / total[:, 0])
    return g


def gradient_online(z, y):
    top, total = online_state(z)
    return minus_one(np.exp(z - top[:, None]) / total[:, None], y)


def gradient_through_maximum(z, y):
    """As autodiff has it where the maximum is not detached, and one place of it is chosen."""
    g = gradient_softmax(z, y)
    g[each(z), z.argmax(-1)] -= g.sum(-1)
    return g


def gradient_through_maximum_recursive(z, y):
    """The same with sums one by one, and the last place."""
    g = gradient_recursive(z, y)
    g[each(z), z.shape[-1] - 1 - z[:, ::-1].argmax(-1)] -= recursive_sum(g)
    return g


def gradient_through_maximum_shared(z, y):
    """The same with all places of the maximum sharing evenly."""
    g, top = gradient_softmax(z, y), (z == z.max(-1, keepdims=True)).astype(z.dtype)
    return g - top / top.sum(-1, keepdims=True) * g.sum(-1, keepdims=True)


def gradient_expm1(z, y):
    lp = log_softmax(z)
    g = np.exp(lp)
    g[each(z), y] = np.expm1(at(lp, y))
    return g


def gradient_scipy(z, y):
    return minus_one(special.softmax(z, axis=-1), y)


def gradient_exp2(z, y):
    e = np.exp2(shifted(z) * z.dtype.type(LOG2E))
    return minus_one(e / e.sum(-1, keepdims=True), y)


def gradient_expit(z, y):
    s = special.expit(at(z, 1 - y) - at(z, y))
    g = np.empty_like(z)
    g[each(z), y], g[each(z), 1 - y] = -s, s
    return g


def gradient_exp_minus_lse(z, y):
    return minus_one(np.exp(z - logsumexp(z)[:, None]), y)


GRADIENTS_B = {
    f.__name__: f
    for f in (
        gradient_softmax, gradient_reciprocal, gradient_recursive, gradient_exp_log_softmax, gradient_numerator,
        gradient_complement, gradient_complement_recursive, gradient_online, gradient_expm1, gradient_scipy,
        gradient_exp2, gradient_expit, gradient_through_maximum, gradient_through_maximum_recursive,
        gradient_through_maximum_shared,
    )
}  # fmt: skip
TIGHT_GRADIENTS = {f.__name__: f for f in (gradient_softmax, gradient_scipy, gradient_recursive, gradient_complement)}
GRADIENTS_C = {"gradient_exp_minus_lse": gradient_exp_minus_lse}
RELATIVE_GRADIENTS = {f.__name__: f for f in (gradient_complement, gradient_complement_recursive)}
TWO_CLASSES |= {"gradient_expit"}
NEEDS_NATIVE_TYPE |= {"gradient_scipy", "gradient_expit"}


# What is wrong


def naive(z, y):
    return np.log(np.exp(z).sum(-1)) - at(z, y)


def with_epsilon(z, y):
    return -np.log(at(softmax(z), y) + z.dtype.type(1e-7))


def clipped(z, y):
    return -np.log(np.clip(at(softmax(z), y), 1e-7, 1))


def lost_maximum(z, y):
    d = shifted(z)
    return np.log(np.exp(d).sum(-1)) - at(z, y)


def in_bits(z, y):
    d = shifted(z)
    return np.log2(np.exp(d).sum(-1)) - at(d, y) * z.dtype.type(LOG2E)


def double_softmax(z, y):
    return plain(softmax(z), y)


def without_last_class(z, y):
    d = shifted(z)
    return np.log(np.exp(d[:, :-1]).sum(-1)) - at(d, y)


WRONG = {
    f.__name__: f for f in (naive, with_epsilon, clipped, lost_maximum, in_bits, double_softmax, without_last_class)
}
