"""Soft labels, smoothing, weights, reductions, upstream cotangents, z-loss: right code keeps the allowances."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from flint import arb

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy, scaled, weighted_sum, with_z_loss
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst
from xentcheck.truth.arb_arrays import precision

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = ("float32", "float64")
SHAPES = ((1, 3), (2, 10), (10, 6))
CHOSEN = (
    "normal 1.0", "normal 10.0", "offset 10", "offset 10000", "ties", "confident and right", "confident and wrong",
    "p near 1", "stagnation 0.99", "stagnation 1.02, maximum last", "ramp up", "edge of underflow", "hot spot of exp",
    "subnormal", "breakpoints",
)  # fmt: skip


def batches(name, seed, shapes=SHAPES):
    """Yield (rng, family, z, y) of a format."""
    rng = np.random.default_rng(seed)
    for m, n in shapes:
        for family, z, y in families(rng, name, m, n):
            if family in CHOSEN:
                yield rng, family, z, y


def keep(got, exact, allowance, what):
    """Assert that every value keeps its allowance."""
    ratio = worst(exact.error(got), allowance)
    assert ratio <= 1, (what, ratio)


@pytest.mark.parametrize("name", DTYPES)
def test_reductions(name):
    """Sums and means over the rows, recursive, pairwise, by division or by a factor, with their gradients."""
    for _, family, z, y in batches(name, 1):
        n, kind = len(z), z.dtype.type
        rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
        total, mean = weighted_sum([1.0] * n, rows), weighted_sum([1.0] * n, rows, n)
        by_n = scaled(gradient, [1 / arb(n)] * n)
        sums, means = (allowances(posed(z, y, reduction=r)) for r in ("sum", "mean"))
        for f in (alg.plain, alg.recursive, alg.label_shifted):
            losses = f(z, y)
            for value in (losses.sum(), np.cumsum(losses)[-1], losses[::-1].sum()):
                keep(value, total, sums.loss, ("sum", family, n))
            for value in (losses.mean(), np.cumsum(losses)[-1] / kind(n), losses.sum() * kind(1 / n)):
                keep(value, mean, means.loss, ("mean", family, n))
            keep((losses * kind(1 / n)).sum(), mean, means.loss, ("mean by factor", family, n))
        p, t = alg.softmax(z), alg.one_hot(z, y)
        factor = kind(1 / n)
        for value in ((p - t) / kind(n), (p - t) * factor, p / kind(n) - t / kind(n), p * factor - t * factor):
            keep(value, by_n, means.gradient, ("gradient", family, n))


@pytest.mark.parametrize("name", DTYPES)
def test_class_weights_and_upstream(name):
    """The weighted mean in its three orders, its gradient, and non-uniform cotangents."""
    for rng, family, z, y in batches(name, 2):
        n, m = z.shape
        weights = rng.choice([0.1, 0.25, 0.3, 1, 2, 3.1], m).astype(z.dtype)
        w = weights[y]
        exact_w = w.astype(float).tolist()
        W = sum((arb(x) for x in exact_w), arb(0))
        rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
        mean = weighted_sum(exact_w, rows, W)
        problem = posed(z, y, class_weights=weights.astype(float).tolist(), mean_over="weights")
        allowance = allowances(problem)
        losses = alg.plain(z, y)
        for value in ((w * losses).sum() / w.sum(), ((w / w.sum()) * losses).sum()):
            keep(value, mean, allowance.loss, ("weighted mean", family, n))
        share = (w / w.sum())[:, None]
        exact_gradient = scaled(gradient, [arb(x) / W for x in exact_w])
        p, t = alg.softmax(z), alg.one_hot(z, y)
        for value in ((p - t) * share, p * share - t * share, (p - t) * w[:, None] / w.sum()):
            keep(value, exact_gradient, allowance.gradient, ("weighted gradient", family, n))
        upstream = rng.standard_normal(n).astype(z.dtype) * rng.choice([0, 1e-3, 1, 100], n).astype(z.dtype)
        problem = posed(z, y, reduction="none", upstream=upstream, class_weights=weights.astype(float).tolist())
        exact_gradient = scaled(gradient, [arb(x) * arb(float(v)) for x, v in zip(exact_w, upstream, strict=True)])
        factor = (w * upstream)[:, None]
        for value in ((p - t) * factor, p * factor - t * factor, (w[:, None] * (p - t)) * upstream[:, None]):
            keep(value, exact_gradient, allowances(problem).gradient, ("upstream", family, n))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("divisor", [3.0, 0.7, 4096.0])
def test_divisor(name, divisor):
    """Sums over a number that is given: divided first, last, by a reciprocal; with the gradient of that."""
    for _, family, z, y in batches(name, 13):
        n, kind = len(z), z.dtype.type
        rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
        total = weighted_sum([1.0] * n, rows, divisor)
        with precision(256):
            by_item = scaled(gradient, [1 / arb(divisor)] * n)
        allowance = allowances(posed(z, y, reduction="sum", divisor=divisor))
        for losses in (alg.plain(z, y), alg.label_shifted(z, y)):
            d = kind(divisor)
            for value in (losses.sum() / d, (losses / d).sum(), losses.sum() * (1 / d), (losses * (1 / d)).sum()):
                keep(value, total, allowance.loss, ("over a divisor", family, n))
        p, t = alg.softmax(z), alg.one_hot(z, y)
        for value in ((p - t) / d, (p - t) * (1 / d), p / d - t / d):
            keep(value, by_item, allowance.gradient, ("gradient over a divisor", family, n))


@pytest.mark.parametrize("name", DTYPES)
def test_row_weights(name):
    """Weights of the rows beside those of the classes: multiplied first or last, divided by their sum first or last."""
    for rng, family, z, y in batches(name, 12):
        n, m = z.shape
        weights = rng.choice([0.1, 0.25, 0.3, 1, 2, 3.1], m).astype(z.dtype)
        v = rng.choice([1e-3, 0.1, 0.7, 1, 3.1, 1000], n).astype(z.dtype)
        w = weights[y]
        with precision(256):
            exact_w = [arb(float(a)) * arb(float(b)) for a, b in zip(w, v, strict=True)]
            W = sum(exact_w, arb(0))
        by_hand, _ = cross_entropy(z, [[x * int(j == k) for j in range(m)] for x, k in zip(exact_w, y, strict=True)])
        rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
        stated = {"class_weights": weights.astype(float).tolist(), "row_weights": {"argument": "v"}}
        mean = allowances(posed(z, y, mean_over="weights", options={"row_weights": v}, **stated))
        each = allowances(posed(z, y, reduction="none", options={"row_weights": v}, **stated))
        losses = alg.plain(z, y)
        share = w * v / (w * v).sum()
        for value in (losses * w * v, losses * (w * v), v * (w * losses)):
            keep(value, by_hand, each.loss, ("weighted rows", family, n))
            keep(value.sum() / (w * v).sum(), weighted_sum(exact_w, rows, W), mean.loss, ("mean", family, n))
        keep((share * losses).sum(), weighted_sum(exact_w, rows, W), mean.loss, ("normalised first", family, n))
        with precision(256):
            by_row = scaled(gradient, [x / W for x in exact_w])
        p, t = alg.softmax(z), alg.one_hot(z, y)
        for value in ((p - t) * share[:, None], p * share[:, None] - t * share[:, None]):
            keep(value, by_row, mean.gradient, ("gradient", family, n))
        for value in (((p - t) * w[:, None]) * v[:, None], (p * w[:, None] - t * w[:, None]) * v[:, None]):
            keep(value, scaled(gradient, exact_w), each.gradient, ("gradient of rows", family, n))


@pytest.mark.parametrize("name", DTYPES)
def test_soft_labels(name):
    """-sum t log p, T log S - t.d, T logsumexp - t.z, T p - t; rows that sum to 1 nearly, to 3.7, to 0.001."""
    for rng, family, z, _ in batches(name, 3):
        n, m = z.shape
        for total in (None, 3.7, 1e-3):
            t = (rng.dirichlet(np.full(m, 0.3), n) * (total or 1.0)).astype(z.dtype)
            rows, gradient = cross_entropy(z, t.astype(float).tolist())
            stated = {"soft_rows": "normalised" if total is None else "any", "reduction": "none"}
            b = allowances(posed(z, t, "soft", **stated))
            c = allowances(posed(z, t, "soft", accuracy="C", **stated))
            bounds = tight_bounds(posed(z, t, "soft", **stated))
            d, lp, p = alg.shifted(z), alg.log_softmax(z), alg.softmax(z)
            T = t.sum(1)
            for value in (-(t * lp).sum(1), -alg.recursive_sum(t * lp), T * np.log(np.exp(d).sum(1)) - (t * d).sum(1)):
                keep(value, rows, b.loss, ("soft", family, total, m))
                keep(value, rows, bounds["B"].loss, ("soft, tight", family, total, m))
            value = T * alg.logsumexp(z) - (t * z).sum(1)
            keep(value, rows, c.loss, ("soft C", family, total, m))
            keep(value, rows, bounds["C"].loss, ("soft C, tight", family, total, m))
            keep(p * T[:, None] - t, gradient, b.gradient, ("soft gradient", family, total, m))
            keep(p * T[:, None] - t, gradient, bounds["B"].gradient, ("soft gradient, tight", family, total, m))
            if total is None:
                keep(alg.logsumexp(z) - (t * z).sum(1), rows, c.loss, ("soft C with T = 1", family, m))
                keep(p - t, gradient, b.gradient, ("soft gradient with T = 1", family, m))


@pytest.mark.parametrize("name", DTYPES)
def test_renormalised_labels(name):
    """Rows divided by their sum first, however large it is."""
    for rng, family, z, _ in batches(name, 4, ((2, 8), (10, 5))):
        n, m = z.shape
        t = (rng.dirichlet(np.full(m, 0.3), n) * 3.7).astype(z.dtype)
        exact = [[arb(x) / sum((arb(v) for v in row), arb(0)) for x in row] for row in t.astype(float).tolist()]
        rows, gradient = cross_entropy(z, exact)
        allowance = allowances(posed(z, t, "soft", soft_rows="renormalised", reduction="none"))
        q = t / t.sum(1, keepdims=True)
        keep(-(q * alg.log_softmax(z)).sum(1), rows, allowance.loss, ("renormalised", family, m))
        keep(alg.softmax(z) - q, gradient, allowance.gradient, ("renormalised gradient", family, m))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("over", ["all", "others"])
@pytest.mark.parametrize("amount", [1e-3, 0.1, 0.3, 0.9, 0.99, 1.0])
def test_smoothing(name, over, amount):
    """By smoothed targets, by two terms, by a mean: eps is the number that the dtype holds or the one declared."""
    for _, family, z, y in batches(name, 5, ((2, 6), (10, 4))):
        n, m = z.shape
        kind = z.dtype.type
        t = alg.one_hot(z, y)
        share = arb(amount) / (m if over == "all" else m - 1)
        other = [arb(0) if over == "others" else share, share]
        exact = [[(1 - arb(amount)) + other[0] if j == k else other[1] for j in range(m)] for k in y]
        rows, gradient = cross_entropy(z, exact)
        stated = {"reduction": "none", "label_smoothing": amount, "smoothing_over": over}
        allowance = allowances(posed(z, y, **stated))
        eps, lp, p = kind(amount), alg.log_softmax(z), alg.softmax(z)
        if over == "all":
            soft = (1 - eps) * t + eps / kind(m)
            values = [
                (1 - eps) * -alg.at(lp, y) + eps / kind(m) * (-lp).sum(1),
                (1 - eps) * -alg.at(lp, y) + eps * (-lp).mean(1),
                (1 - eps) * -alg.at(lp, y) + eps / kind(m) * alg.recursive_sum(-lp),
            ]
        else:
            low = eps / kind(m - 1)
            soft = np.where(t == 1, 1 - eps, low)
            values = [
                (1 - eps - low) * -alg.at(lp, y) + low * (-lp).sum(1),
                (1 - eps) * -alg.at(lp, y) + low * ((-lp).sum(1) + alg.at(lp, y)),
            ]
        for value in (-(soft * lp).sum(1), *values):
            keep(value, rows, allowance.loss, ("smoothing", family, m))
        in_steps = p - (eps / kind(m) if over == "all" else low)
        in_steps[np.arange(n), y] -= 1 - eps if over == "all" else 1 - eps - low
        for value in (p - soft, in_steps):
            keep(value, gradient, allowance.gradient, ("smoothing gradient", family, m))
        c = allowances(posed(z, y, accuracy="C", **stated))
        lse = alg.logsumexp(z)
        keep(lse - (soft * z).sum(1), rows, c.loss, ("smoothing C", family, m))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("scores", ["probabilities", "log_probabilities"])
def test_all_of_the_label_over_the_others(scores, name):
    """With a smoothing of 1 the label's term is added and taken away again: what that rounds has the term's size."""
    p = np.array([[1e-30, 0.75, 0.25], [0.5, 0.5 - 1e-30, 1e-30]], name)
    given = p if scores == "probabilities" else np.log(p)
    y, m = np.array([0, 2]), 3
    stated = {"input": scores, "reduction": "none", "label_smoothing": 1.0, "smoothing_over": "others"}
    allowance = allowances(posed(given, y, **stated)).loss
    lp = np.log(p) if scores == "probabilities" else given
    got = ((-lp).sum(1) + alg.at(lp, y)) / given.dtype.type(m - 1)
    exact = [
        -sum(_log(x, scores) for j, x in enumerate(row) if j != k) / (m - 1) for row, k in zip(given, y, strict=True)
    ]
    assert all(abs(mpmath.mpf(float(a)) - b) <= c for a, b, c in zip(got, exact, allowance, strict=True))
    assert max(abs(float(a - b)) for a, b in zip(got, exact, strict=True)) > 4 * np.finfo(name).eps


def _log(x, scores):
    return mpmath.log(mpmath.mpf(float(x))) if scores == "probabilities" else mpmath.mpf(float(x))


@pytest.mark.parametrize("name", DTYPES)
def test_mean_weights_of_smoothed_labels(name):
    """The mean weight under the smoothed label, by products or by two terms: rows, weighted mean and gradients."""
    for rng, family, z, y in batches(name, 14, ((2, 8), (10, 5))):
        n, m = z.shape
        for amount in (0.1, 0.9, 0.999):
            w = rng.choice([0, 0.1, 0.3, 1, 3.1, 1000], m).astype(z.dtype)
            w[y[0]] = 1
            exact_w = [arb(float(x)) for x in w]
            with precision(256):
                soft_y = [[(1 - arb(amount)) * int(j == k) + arb(amount) / m for j in range(m)] for k in y]
                by_row = [sum((a * b for a, b in zip(exact_w, t, strict=True)), arb(0)) for t in soft_y]
                exact = [[v * x for x in t] for v, t in zip(by_row, soft_y, strict=True)]
                W = sum(by_row, arb(0))
            rows, gradient = cross_entropy(z, exact)
            with precision(256):
                mean_gradient = scaled(gradient, [1 / W] * n)
            stated = {
                "label_smoothing": amount,
                "class_weights": w.astype(float).tolist(),
                "smoothing_weights": "mean",
                "mean_over": "weights",
            }
            each, mean = allowances(posed(z, y, reduction="none", **stated)), allowances(posed(z, y, **stated))
            number = z.dtype.type
            eps, lp, p = number(amount), alg.log_softmax(z), alg.softmax(z)
            soft = (1 - eps) * alg.one_hot(z, y) + eps / number(m)
            for v in (soft @ w, alg.recursive_sum(soft * w), (1 - eps) * w[y] + eps * w.mean()):
                losses = v * -(soft * lp).sum(1)
                keep(losses, rows, each.loss, ("mean weight", family, m))
                keep(losses.sum() / v.sum(), weighted_sum([1.0] * n, rows, W), mean.loss, ("mean", family, n))
                keep((p - soft) * v[:, None], gradient, each.gradient, ("mean weight, gradient", family, m))
                share = (v / v.sum())[:, None]
                keep((p - soft) * share, mean_gradient, mean.gradient, ("gradient of the mean", family, m))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("kind", ["label", "class"])
def test_weights_with_smoothing(name, kind):
    """The weight of the true class, or of each class inside the sum."""
    for rng, family, z, y in batches(name, 6, ((2, 8), (10, 5))):
        m, eps = z.shape[1], 0.1
        w = rng.choice([0, 0.1, 0.3, 1, 3.1], m).astype(z.dtype)
        exact_w = w.astype(float).tolist()
        exact = [
            [
                arb(exact_w[j if kind == "class" else k]) * ((1 - arb(eps)) * int(j == k) + arb(eps) / m)
                for j in range(m)
            ]
            for k in y
        ]
        rows, gradient = cross_entropy(z, exact)
        stated = {"reduction": "none", "label_smoothing": eps, "class_weights": exact_w, "smoothing_weights": kind}
        allowance = allowances(posed(z, y, **stated))
        number = z.dtype.type
        soft = (1 - number(eps)) * alg.one_hot(z, y) + number(eps) / number(m)
        c = soft * (w[None, :] if kind == "class" else w[y][:, None])
        lp, p = alg.log_softmax(z), alg.softmax(z)
        keep(-(c * lp).sum(1), rows, allowance.loss, (kind, family, m))
        keep(p * c.sum(1, keepdims=True) - c, gradient, allowance.gradient, (kind, "gradient", family, m))
        if kind == "label":
            keep(w[y] * -(soft * lp).sum(1), rows, allowance.loss, (kind, family, m))
            keep(w[y][:, None] * (p - soft), gradient, allowance.gradient, (kind, "gradient", family, m))


@pytest.mark.parametrize("name", DTYPES)
def test_z_loss(name):
    """Both lambda lse^2 beside the loss, and 2 lambda lse p beside its gradient."""
    strength = 0.01
    for _, family, z, y in batches(name, 7):
        if np.abs(z).max() > 1e5:
            continue
        m = z.shape[1]
        rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
        total, exact_gradient = with_z_loss(z, rows, gradient, strength)
        allowance = allowances(posed(z, y, reduction="none", z_loss=strength))
        number, own = z.dtype.type(strength), alg.logsumexp(z)
        keep(alg.plain(z, y) + number * own**2, total, allowance.loss, ("z-loss", family, m))
        keep(alg.plain(z, y) + number * own * own, total, allowance.loss, ("z-loss", family, m))
        p, t = alg.softmax(z), alg.one_hot(z, y)
        two = 2 * number * own[:, None]
        for value in ((p - t) + two * p, (1 + two) * p - t):
            keep(value, exact_gradient, allowance.gradient, ("z-loss gradient", family, m))
