"""Smoothing over the others of targets above 1: coefficients below 0, and of exactly 0."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst
from xentcheck.truth.enclose import enclose

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
STATED = {"soft_rows": "any", "smoothing_over": "others", "reduction": "none"}


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("eps", [0.1, 0.9, 1.0])
@pytest.mark.parametrize("m", [2, 5])
def test_smoothed_rows_of_any_sum(name, eps, m):
    """By smoothed targets and in two terms; allowances take sizes; without smoothing, far outside."""
    rng = np.random.default_rng(21)
    z = (rng.standard_normal((60, m)) * 5).astype(name)
    t = (4 * rng.random((60, m)) * (rng.random((60, m)) < 0.5)).astype(name)
    kind = z.dtype.type
    with ctx.workprec(256):
        share = arb(eps) / (m - 1)
        exact = [[(1 - arb(eps)) * arb(x) + share * (1 - arb(x)) for x in row] for row in t.astype(float).tolist()]
        below = any(c < 0 for row in exact for c in row)
    assert below == (eps > 0.5)
    rows, slopes = cross_entropy(z, exact)
    allowance = allowances(posed(z, t, "soft", label_smoothing=eps, **STATED))
    assert (allowance.loss > 0).all()
    assert (allowance.gradient > 0).all()
    part = kind(eps) / kind(m - 1)
    lp, p = alg.log_softmax(z), alg.softmax(z)
    for c in ((1 - kind(eps)) * t + part * (1 - t), (1 - kind(eps) - part) * t + part):
        assert worst(rows.error(-(c * lp).sum(1)), allowance.loss) <= 1
        assert worst(slopes.error(c.sum(1, keepdims=True) * p - c), allowance.gradient) <= 1
    two = (1 - kind(eps) - part) * -(t * lp).sum(1) - part * lp.sum(1)
    assert worst(rows.error(two), allowance.loss) <= 1
    assert worst(rows.error(-(t * lp).sum(1)), allowance.loss) > 1e4


@pytest.mark.parametrize("accuracy", ["B", "B+", "C"])
@pytest.mark.parametrize("stated", [{}, {"z_loss": 0.1}, {"soft_cap": 3.0}, {"boundary": {"add": 1e-3}}], ids=str)
@pytest.mark.parametrize("gradient_of", ["ideal", "loss"])
def test_no_allowance_is_negative(accuracy, stated, gradient_of):
    """Whatever the signs of the coefficients, in conformance and in the tight bounds, weighted or not."""
    z, t = np.array([[0.0, -5.0], [2.0, 1.0]]), np.array([[3.0, 0.0], [0.0, 7.0]])
    for weights in (None, (0.5, 2.0)):
        for reduction in ("none", "sum", "mean"):
            keys = {**STATED, "reduction": reduction, "class_weights": weights, "accuracy": accuracy, **stated}
            problem = posed(z, t, "soft", label_smoothing=0.9, gradient_of=gradient_of, **keys)
            for found in (allowances(problem), *tight_bounds(problem).values()):
                assert (np.asarray(found.loss) >= 0).all()
                assert (found.rows >= 0).all()
                assert (found.gradient >= 0).all()


@pytest.mark.parametrize(
    ("p", "t", "eps", "rows"),
    [
        ([[0.0]], [[0.5]], 1.0, "any"),
        ([[0.0, 1.0]], [[1.5, 0.0]], 0.75, "any"),
        ([[0.0, 1.0]], [[3.7, 0.0]], 1.0, "renormalised"),
    ],
)
def test_a_coefficient_of_exactly_zero(p, t, eps, rows):
    """0 log 0 = 0: nothing is infinite, in the enclosure and in the allowance, from probabilities and logits."""
    for scores, kind in ((np.array(p), "probabilities"), (np.log(np.array(p) + 0.0), "log_probabilities")):
        keys = {"input": kind, "label_smoothing": eps, "nonfinite": ["-inf"], **STATED, "soft_rows": rows}
        problem = posed(scores, np.array(t), "soft", **keys)
        found = enclose(problem).rows
        assert abs(found.hi[0]) < 1e-15
        assert found.radius[0] < 1e-15
        assert allowances(problem).loss_estimate[0] == 0
