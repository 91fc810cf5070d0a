"""Two classes alone: code that works on x = z_1 - z_0, whose gradient is s - t and its negative, s = sigmoid(x)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import allowances, posed, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
ALONE = {"domain": {"classes": [2, 2]}}
DTYPES = ("float32", "float64")


def batches(name):
    """Yield logits of two classes in a format, and class numbers."""
    rng = np.random.default_rng(21)
    for _, z, y in families(rng, name, 2, 12):
        if np.abs(z).max() < np.finfo(z.dtype).max / 8:
            yield z, y


def sigmoid_less_label(z, y):
    """The gradient of every binary cross-entropy: s - t by x."""
    slope = special.expit(z[:, 1] - z[:, 0]) - y.astype(z.dtype)
    return np.stack([-slope, slope], axis=1)


@pytest.mark.parametrize("name", DTYPES)
def test_sigmoid_less_label(name):
    """Allowed to a target for two classes alone; not to one for any number of them, and not with relative accuracy."""
    ratios = {"alone": [], "any": [], "relative": [], "wrong": []}
    for z, y in batches(name):
        _, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
        error = gradient.error(sigmoid_less_label(z, y))
        alone = allowances(posed(z, y, reduction="none", **ALONE)).gradient
        ratios["alone"].append(worst(error, alone))
        ratios["any"].append(worst(error, allowances(posed(z, y, reduction="none")).gradient))
        relative = allowances(posed(z, y, reduction="none", accuracy="B+", **ALONE)).gradient
        ratios["relative"].append(worst(error, relative))
        ratios["wrong"].append(worst(gradient.error(sigmoid_less_label(z, y) * (1 + 1e-4)), alone))
    assert max(ratios["alone"]) <= 1
    assert min(max(ratios["any"]), max(ratios["relative"])) > 1e3
    assert max(ratios["wrong"]) > 10


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("stated", [{"soft_cap": 30.0}, {"z_loss": 0.1}, {"input": "probabilities"}, {}], ids=str)
def test_where_the_elements_are_not_each_the_negative_of_the_other(stated, reduction):
    """A soft cap and a z-loss are of each logit, and given probabilities are two numbers: nothing more is allowed."""
    z, y = np.array([[0.01, 0.99], [0.9, 0.1]]), np.array([1, 0])
    z = z if stated.get("input") else 30 * z
    both = [allowances(posed(z, y, reduction=reduction, **stated, **domain)).gradient for domain in ({}, ALONE)]
    assert (both[0] == both[1]).all() == bool(stated)


@pytest.mark.parametrize("name", DTYPES)
def test_product_of_both_probabilities(name):
    """s (1 - s) (v_1 - v_0), the second derivative of every binary cross-entropy."""
    rng = np.random.default_rng(22)
    worst_alone, worst_any = 0.0, 0.0
    for z, y in batches(name):
        v = rng.integers(-3, 4, z.shape).astype(z.dtype)
        s = special.expit(z[:, 1] - z[:, 0])
        slope = s * (1 - s) * (v[:, 1] - v[:, 0])
        wide = z.astype(np.longdouble)
        e = np.exp(-np.abs(wide[:, 1] - wide[:, 0]))
        exact = e / (1 + e) ** 2 * (v[:, 1] - v[:, 0])
        for domain in (ALONE, {}):
            problem = posed(z, y, reduction="none", **domain)
            problem = type(problem)(**{**vars(problem), "vector": v.astype(float)})
            allowance = allowances(problem).hessian_vector
            ratio = worst(np.abs(np.stack([exact - slope, slope - exact], 1)).astype(float), allowance)
            worst_alone, worst_any = max(worst_alone, ratio * bool(domain)), max(worst_any, ratio)
    assert worst_alone <= 1
    assert worst_any > 1e3
