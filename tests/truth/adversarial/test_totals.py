"""Rows of labels with any sum: the products by T, and sums over rows that are taken term by term."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy, on_probabilities, softmax, weighted_sum
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = ("float32", "float64")
BOUNDARIES = ("exact", {"add": 1e-7}, {"clip": [1e-7, 1 - 1e-7]})


def rows_of(rng, name, single):
    """Return probabilities (that need not sum to 1) and labels of any sum, one of them or all different from 0."""
    p, t = rng.random((200, 4)), 3 * rng.random((200, 4))
    if single:
        t *= np.arange(4) == rng.integers(0, 4, 200)[:, None]
    return p.astype(name), t.astype(name)


def exact_slopes(p, t, weights=None):
    """Return T p - c by rows of fractions, rounded to extended precision."""
    found = []
    for q, row in zip(p.tolist(), t.tolist(), strict=True):
        c = [Fraction(x) * Fraction(w) for x, w in zip(row, weights or [1] * len(row), strict=True)]
        found.append([sum(c) * Fraction(x) - y for x, y in zip(q, c, strict=True)])
    return found


def apart(got, exact):
    """Return |got - exact| of fractions."""
    rows = zip(np.asarray(got, np.float64).tolist(), exact, strict=True)
    return np.array([[float(abs(Fraction(x) - y)) for x, y in zip(row, own, strict=True)] for row, own in rows])


def test_a_product_that_is_rounded_once():
    """The correctly rounded value of (sum t) p_0 off the label; at the label, a subtraction more."""
    for name, p, t in (("float32", [0.1, 0.9], [0.0, 0.1]), ("float64", [0.9, 0.1], [0.0, 3.0])):
        p, t = np.array([p], name), np.array([t], name)
        exact = exact_slopes(p, t)
        got = t.sum(1, keepdims=True) * p - t
        for reduction in ("sum", "none"):
            problem = posed(p, t, "soft", input="probabilities", soft_rows="any", reduction=reduction)
            assert apart(got, exact)[0, 0] > 0
            for allowance in (allowances(problem), tight_bounds(problem)["B"]):
                assert worst(apart(got, exact), allowance.gradient) <= 1


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=str)
def test_total_times_probability(name, single, boundary):
    """T p - t with T summed in two orders, and with class weights; p - t without T is far outside."""
    rng = np.random.default_rng(11)
    p, t = rows_of(rng, name, single)
    stated = {"input": "probabilities", "soft_rows": "any", "boundary": boundary}
    exact = exact_slopes(p, t)
    for reduction in ("sum", "none"):
        allowance = allowances(posed(p, t, "soft", reduction=reduction, **stated)).gradient
        for total in (t.sum(1, keepdims=True), alg.recursive_sum(t[:, ::-1])[:, None]):
            assert worst(apart(total * p - t, exact), allowance) <= 1
        assert worst(apart(p - t, exact), allowance) > 1e5
    weights = np.array([0.1, 0.3, 1.0, 3.1], name)
    c = t * weights
    exact = exact_slopes(p, t, weights.tolist())
    problem = posed(p, t, "soft", reduction="none", class_weights=weights.tolist(), smoothing_weights="class", **stated)
    assert worst(apart(c.sum(1, keepdims=True) * p - c, exact), allowances(problem).gradient) <= 1


@pytest.mark.parametrize("name", DTYPES)
def test_total_times_exponential(name):
    """The same from log-probabilities and logits, where the product is one rounding beside those of exp."""
    rng = np.random.default_rng(12)
    for single in (True, False):
        p, t = rows_of(rng, name, single)
        lp = np.log(p)
        total = t.sum(1, keepdims=True)
        rows, slopes = cross_entropy(lp, t.astype(float).tolist())
        for accuracy in ("B", "B+"):
            problem = posed(lp, t, "soft", soft_rows="any", reduction="none", accuracy=accuracy)
            own = alg.softmax(lp)
            got = own * total - t
            if accuracy == "B+" and single:
                own[t != 0] = 0
                got = np.where(t != 0, -total * own.sum(1, keepdims=True), own * total)
            assert worst(slopes.error(got), allowances(problem).gradient) <= 1
            if accuracy == "B":
                assert worst(rows.error(-(t * alg.log_softmax(lp)).sum(1)), tight_bounds(problem)["B"].loss) <= 1


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("accuracy", ["B", "C"])
def test_logsumexp_and_label_scores_summed_by_themselves(name, accuracy):
    """(lse.sum() - z_y.sum()) / n, one by one: class C, whose sums are as large as the logits, and not class B."""
    rng = np.random.default_rng(13)
    n = 1000
    # Equal rows: the running sums of their scores are rounded the same way, step after step.
    z = np.repeat((rng.standard_normal((1, 3)) + 5000).astype(name), n, axis=0)
    y = np.zeros(n, int)
    rows, _ = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
    lse, own = np.cumsum(alg.logsumexp(z))[-1], np.cumsum(alg.at(z, y))[-1]
    ratios = []
    for reduction, by in (("mean", z.dtype.type(n)), ("sum", z.dtype.type(1))):
        exact = weighted_sum([1.0] * n, rows, n if reduction == "mean" else 1)
        allowance = allowances(posed(z, y, reduction=reduction, accuracy=accuracy)).loss
        ratios += [worst(exact.error(got), allowance) for got in ((lse - own) / by, lse / by - own / by)]
        shifted = alg.plain(z, y)
        assert worst(exact.error(np.cumsum(shifted)[-1] / by), allowance) <= 1
    assert max(ratios) > 1.5 if accuracy == "B" else max(ratios) <= 1


ONE_LOOP = {
    "soft": {},
    "smoothed": {"label_smoothing": 0.1},
    "probabilities": {"input": "probabilities"},
    "log_probabilities": {"input": "log_probabilities"},
    "entropy": {"output": "entropy"},
}


@pytest.mark.parametrize("shape", [(64, 16), (100, 100), (2, 500)], ids=str)
@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("kind", ONE_LOOP)
def test_every_product_added_to_one_number(kind, name, shape):
    """`loss -= t[i][j] * logp[i][j]` in one loop over rows and classes: N - 1 roundings of equal terms, all one way."""
    n, m = shape
    p = np.full(shape, 1 / m, name)
    lp = np.log(p)
    given = {"soft": np.zeros(shape, name), "smoothed": np.zeros(shape, name), "probabilities": p, "entropy": lp}
    z, t, y = given.get(kind, lp), np.full(shape, 1 / m, name), np.zeros(n, int)
    if kind == "smoothed":
        t = (0.9 * alg.one_hot(z, y) + 0.1 / m).astype(name)
    rows, _ = cross_entropy(lp[:1].astype(float), t[:1].astype(float).tolist())
    form, labels = ("sparse", y) if kind in ("smoothed", "entropy") else ("soft", t)
    ratios = []
    for reduction in ("sum", "mean"):
        allowance = allowances(posed(z, labels, form, reduction=reduction, **ONE_LOOP[kind])).loss
        by = n if reduction == "mean" else 1
        for order in "CF":
            added = np.cumsum(-(t * lp).ravel(order))[-1] / z.dtype.type(by)
            ratios.append(abs(float(added) - float(rows.high[0]) * n / by) / float(allowance))
    assert max(ratios) <= 1


@pytest.mark.parametrize("n", [10, 100, 1000])
@pytest.mark.parametrize("accuracy", ["B", "C"])
def test_two_additions_a_row(n, accuracy):
    """`loss += logS; loss += top - z[y]`: each is less than half an ulp of a sum that a row of 1e7 began."""
    z, y = np.zeros((n, 2), np.float32), np.ones(n, int)
    z[0, 1], z[1:, 1] = -1e7, -0.49
    rows, _ = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
    d = alg.shifted(z)
    parts = np.stack([np.log(np.exp(d).sum(1)), -alg.at(d, y)], axis=1)
    allowance = allowances(posed(z, y, reduction="sum", accuracy=accuracy)).loss
    ratio = worst(weighted_sum([1.0] * n, rows, 1).error(np.cumsum(parts)[-1]), allowance)
    assert ratio <= 1
    assert ratio > 0.5 or accuracy == "C"


@pytest.mark.parametrize("eps", [1e-20, 1e-30, 1e-7])
def test_a_probability_that_underflows_beside_eps(eps):
    """z = [0, -746], label 1: p is 0 in float64, its slope p/(p + eps) is 1e-304, and what is lost is over eps."""
    z, y = np.array([[0.0, -746.0], [0.0, -800.0], [0.0, -700.0]]), np.array([1, 1, 1])
    t = alg.one_hot(z, y)
    _, slopes = on_probabilities(softmax(z), t.tolist(), ("add", eps), True)
    for form, labels in (("sparse", y), ("soft", t)):
        problem = posed(z, labels, form, reduction="none", boundary={"add": eps}, gradient_of="loss")
        p = alg.softmax(z)
        v = -t / (p + eps)
        got = p * (v - (p * v).sum(1, keepdims=True))
        assert (got[0] == 0).all()
        assert slopes.high[0, 1] != 0
        allowance = allowances(problem).gradient
        assert worst(slopes.error(got), allowance) <= 1
        assert worst(slopes.error(2 * got), allowance) > 100 or eps < 1e-25
