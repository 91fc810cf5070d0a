"""Soft labels read back from their logarithms: class C holds what that costs, and not what a narrower dtype does."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import allowances, posed, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = ("float32", "float64")


def labels_of(rng, name, n, m):
    """Yield rows of labels that sum to 1: even and uneven ones, a small share of all but one, one tiny share, zeros."""
    for concentration in (1.0, 0.05):
        yield rng.dirichlet(np.full(m, concentration), n).astype(name)
    for share in (1e-2, 1e-6, 1e-30):
        t = np.full((n, m), share / max(m - 1, 1))
        t[np.arange(n), rng.integers(0, m, n)] = 1.0 - share
        yield t.astype(name)
    t = np.zeros((n, m), name)
    t[:, :2] = 0.5
    yield t


def read_back(t):
    """Return log_softmax(log t), as a distribution keeps the logarithms of its parameters, and its exponential."""
    x = alg.log_softmax(np.log(t))
    return x, np.exp(x)


def forms(t, lp):
    """Yield losses of labels read back: KL(t, p) + H(t), and the sum of products."""
    x, p = read_back(t)
    logs = np.log(t)
    divergence = np.where(p == 0, 0, p * (x - lp)).sum(axis=1)
    for parts, own in ((np.exp(logs), logs), (p, x), (t, logs)):
        yield divergence - np.where(t == 0, 0, parts * own).sum(axis=1)
    yield -np.where(p == 0, 0, p * lp).sum(axis=1)


def rows_of(name, seed):
    """Yield what the families and labels of a format come to: logits, labels, exact losses and gradients."""
    rng = np.random.default_rng(seed)
    for m, n in ((2, 6), (3, 4), (20, 2)):
        for _, z, _ in families(rng, name, m, n):
            for t in labels_of(rng, name, n, m):
                exact = cross_entropy(z, [[arb(x) for x in row] for row in t.astype(float).tolist()])
                yield z, t, exact


@pytest.mark.parametrize("name", DTYPES)
def test_labels_from_their_logarithms_keep_class_c(name):
    """Losses in four forms, and the gradient; with the shifted softmax of class B, so that the labels alone matter."""
    beyond = 0.0
    for z, t, (rows, slopes) in rows_of(name, 41):
        allowed, strict = (
            allowances(posed(z, t, "soft", reduction="none", accuracy=accuracy)) for accuracy in ("C", "B")
        )
        lp, p = alg.log_softmax(z), alg.softmax(z)
        for loss in forms(t, lp):
            assert worst(rows.error(loss), allowed.loss) <= 1
        gradient = p - read_back(t)[1]
        assert worst(slopes.error(gradient), allowed.gradient) <= 1
        beyond = max(beyond, worst(slopes.error(gradient), strict.gradient))
    assert beyond > 1, "class B would do"


@pytest.mark.parametrize("name", DTYPES)
def test_rounded_labels_exceed_class_c(name):
    """Labels through float16, whose error is some hundred times that of logarithms, in rows of moderate shares."""
    rng = np.random.default_rng(42)
    t = rng.dirichlet(np.ones(4), 8).astype(name)
    z = rng.standard_normal((8, 4)).astype(name)
    rows, slopes = cross_entropy(z, [[arb(x) for x in row] for row in t.astype(float).tolist()])
    allowed = allowances(posed(z, t, "soft", reduction="none", accuracy="C"))
    narrow = t.astype(np.float16).astype(name)
    assert worst(rows.error(-(narrow * alg.log_softmax(z)).sum(axis=1)), allowed.loss) > 8
    assert worst(slopes.error(alg.softmax(z) - narrow), allowed.gradient) > 8
