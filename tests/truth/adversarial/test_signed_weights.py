"""Class weights of either sign: legitimate code stays inside the allowances, signs that are lost are far outside."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
STATED = {"class_weights_as": "signed", "smoothing_weights": "class", "reduction": "none"}
EPS = 0.25


def signed(rng, m):
    """Return weights of either sign, sixteenths that every dtype holds."""
    return (rng.integers(1, 64, m) / 16 * rng.choice([-1, 1], m)).tolist()


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("eps", [0.0, EPS])
def test_rows_of_every_sign(name, eps):
    """Single labels, smoothed ones and soft rows, of which terms of either sign are summed."""
    rng = np.random.default_rng(31)
    for m, n in ((2, 10), (10, 8), (60, 3)):
        for family, z, y in families(rng, name, m, n):
            weights, kind = signed(rng, m), z.dtype.type
            w = np.asarray(weights, name)
            for form, t in (("sparse", alg.one_hot(z, y)), ("soft", rng.dirichlet(np.ones(m), n).astype(name))):
                exact = [
                    [arb(a) * ((1 - arb(eps)) * arb(x) + arb(eps) / m) for a, x in zip(weights, row, strict=True)]
                    for row in t.astype(float).tolist()
                ]
                rows, slopes = cross_entropy(z, exact)
                keys = {**STATED, "class_weights": weights, "label_smoothing": eps}
                soft = {"soft_rows": "any"} if form == "soft" else {}
                problem = posed(z, y if form == "sparse" else t, form, **keys, **soft)
                c = w * ((1 - kind(eps)) * t + kind(eps) / kind(m)) if eps else w * t
                lp, p = alg.log_softmax(z), alg.softmax(z)
                loss, gradient = -np.where(c == 0, 0, c * lp).sum(1), c.sum(1, keepdims=True) * p - c
                for allowed in (allowances(problem), tight_bounds(problem)["B"]):
                    assert worst(rows.error(loss), allowed.loss) <= 1, (family, m, form)
                    assert worst(slopes.error(gradient), allowed.gradient) <= 1, (family, m, form)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_lost_signs_are_found(name):
    """Their sizes, and 0 in their place, in each family of rows."""
    rng = np.random.default_rng(32)
    for family, z, y in families(rng, name, 4, 12):
        weights = [-2.0, 0.5, -0.25, 3.0]
        w = np.asarray(weights, name)
        exact = (w * alg.one_hot(z, y)).astype(float).tolist()
        rows, slopes = cross_entropy(z, exact)
        allowed = allowances(posed(z, y, class_weights=weights, class_weights_as="signed", reduction="none"))
        lp, p = alg.log_softmax(z), alg.softmax(z)
        losses = -alg.at(lp, y)
        below = (w[y] < 0) & (losses > 1e-3) & np.isfinite(allowed.loss)
        for wrong in (np.abs(w), np.maximum(w, 0)):
            assert (rows.error(losses * wrong[y])[below] > 100 * allowed.loss[below]).all(), family
            off = slopes.error(wrong[y][:, None] * (p - alg.one_hot(z, y)))
            at_label = alg.at(off, y)[below] > 100 * alg.at(allowed.gradient, y)[below]
            assert at_label.all(), family


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_rows_that_cancel(reduction):
    """The sum of rows of either sign has an error of their sizes, whatever is left of it."""
    z = np.zeros((1000, 3), np.float32)
    y = np.arange(1000) % 2
    problem = posed(z, y, class_weights=[1.0, -1.0, 1.0], class_weights_as="signed", reduction=reduction)
    allowed = allowances(problem)
    assert float(allowed.loss_estimate) == 0.0
    running = np.float32(0)
    for value in np.sort(np.where(y == 0, 1, -1) * -alg.log_softmax(z)[:, 0]):
        running += value
    assert abs(float(running)) / (1000 if reduction == "mean" else 1) <= float(allowed.loss)
