"""Inputs that broke earlier versions of the bounds: each names the algorithm and what has to cover it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import arb, ctx

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy, on_probabilities, softmax
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = ("float32", "float64")


def ratio(f, z, y, name, part="rows", **contract):
    """Return error/allowance of one row of logits."""
    row, label = np.array([z], name), np.array([y])
    exact = cross_entropy(row, alg.one_hot(row, label).astype(float).tolist())[part == "gradient"]
    allowance = getattr(allowances(posed(row, label, reduction="none", **contract)), part)
    return worst(exact.error(f(row, label)), allowance)


def broken(f, z, y, form, name="float64"):
    """Return error/bound of one row under a tight bound, which is the first version of the allowance."""
    row, label = np.array([z], name), np.array([y])
    exact, _ = cross_entropy(row, alg.one_hot(row, label).astype(float).tolist())
    return worst(exact.error(f(row, label)), tight_bounds(posed(row, label, reduction="none"))[form].rows)


@pytest.mark.parametrize("name", DTYPES)
def test_complement_has_two_sums(name):
    """Numerator and S stagnate in opposite orders: h counts twice."""
    u = 2.0**-24 if name == "float32" else 2.0**-53
    z = [0.0, 0.0] + [math.log(1.02 * u)] * 2998
    for f in (alg.gradient_complement, alg.gradient_complement_recursive):
        for accuracy in ("B", "B+"):
            assert ratio(f, z, 0, name, "gradient", accuracy=accuracy) <= 1
    row, label = np.array([z], name), np.array([0])
    _, exact = cross_entropy(row, alg.one_hot(row, label).astype(float).tolist())
    bounds = tight_bounds(posed(row, label, reduction="none"))
    for form in ("R", "B"):
        assert worst(exact.error(alg.gradient_complement_recursive(row, label)), bounds[form].gradient) <= 1
    # With h once, the bound would be broken: the numerator is rounded up, S down, at every step.
    error, once = exact.error(alg.gradient_complement_recursive(row, label))[0, 0], u * 2999 * abs(exact.high[0, 0])
    assert error > 1.2 * (float(bounds["R"].gradient[0, 0]) - once)


@pytest.mark.parametrize("name", DTYPES)
def test_log_of_softmax(name):
    """The logarithm of a probability is relative to itself: 8 u L."""
    assert ratio(alg.softmax_then_log, [-9.03, 2.614], 1, name) <= 1
    assert broken(alg.softmax_then_log, [-9.03, 2.614], 1, "B") > 1


@pytest.mark.parametrize("name", DTYPES)
def test_base_two(name):
    """The product d log2 e has two more roundings of the size of d."""
    assert ratio(alg.base_two, [6.12, -18.893, -31.589], 2, name) <= 1
    assert broken(alg.base_two, [6.12, -18.893, -31.589], 2, "B") > 1


@pytest.mark.parametrize("name", DTYPES)
def test_fused_base_two(name):
    """The maximum in base 2 is rounded: class C, with 4 u |lse|, and exp(0) is no longer exact."""
    assert ratio(alg.fused_base_two, [-329.988, -101.36, 259.785], 2, name, accuracy="C") <= 1
    assert broken(alg.fused_base_two, [-329.988, -101.36, 259.785], 2, "C") > 1


@pytest.mark.parametrize("name", DTYPES)
def test_maximum_rounded_to_16_bits(name):
    """exp(0) is no longer exact: 2 k_exp, not 2 k_exp q."""
    assert ratio(alg.rounded_maximum, [0.0011], 0, name) <= 1
    assert broken(alg.rounded_maximum, [0.0011], 0, "B", name) > 1e6


@pytest.mark.parametrize("name", DTYPES)
def test_exp_of_z_minus_lse(name):
    """Changes with a common offset: class C, expm1(4 u |lse|)."""
    assert ratio(alg.gradient_exp_minus_lse, [1000.1, 1000.2], 0, name, "gradient", accuracy="C") <= 1
    assert ratio(alg.gradient_exp_minus_lse, [1000.1, 1000.2], 0, "float32", "gradient") > 2


def test_clip_in_float32_with_log_in_float64():
    """With p = 1 - 2**-24 and a limit of 1 - 1e-7: an error of u, whatever -log p is."""
    p = np.array([[1 - 2.0**-24, 2.0**-24]], np.float32)
    stated = {"input": "probabilities", "reduction": "none", "boundary": {"clip": [1e-7, 1 - 1e-7]}}
    allowance = allowances(posed(p, np.array([0]), **stated)).loss
    high = float(np.float32(1 - 1e-7))
    nominal, read = -math.log(1 - 1e-7), -math.log(min(float(p[0, 0]), high))
    assert abs(nominal - read) <= allowance[0]


def test_flushed_probability():
    """With p = 8.67e-40 in float32 may be read as 0: -log(p + eps) with a large eps is judged, -log p is not."""
    p = np.array([[8.67e-40, 1.0]], np.float32)
    stated = {"input": "probabilities", "reduction": "none"}
    assert np.isinf(allowances(posed(p, np.array([0]), **stated)).loss[0])
    assert np.isinf(allowances(posed(p, np.array([0]), gradient_wrt="probabilities", **stated)).gradient[0, 0])
    assert allowances(posed(p, np.array([0]), boundary={"add": 1e-7}, **stated)).loss[0] < 1e-5
    assert np.isfinite(allowances(posed(p, np.array([1]), **stated)).loss[0])


def test_differences_that_overflow():
    """One-hot times log_softmax of [3e38, -3e38] is nan in float32: no allowance there."""
    z = np.array([[3e38, -3e38]], np.float32)
    found = allowances(posed(z, np.array([0]), reduction="none"))
    assert np.isinf(found.loss).all()
    assert np.isinf(found.gradient).all()
    assert np.isnan(alg.one_hot_sum(z, np.array([0]))).all()


def test_base_two_overflows_beyond_a_quarter_of_the_range():
    """(z - M) log2 e overflows where z - M does not: |z| of 0.45 times the largest is already without a bound."""
    z = np.array([[1.5e38, -1.5e38]], np.float32)
    assert np.isinf(alg.base_two(z, np.array([1]))).all()
    assert np.isinf(allowances(posed(z, np.array([1]), reduction="none")).loss).all()
    z = np.array([[0.8e38, -0.8e38]], np.float32)
    assert np.isfinite(alg.base_two(z, np.array([1]))).all()
    assert np.isfinite(allowances(posed(z, np.array([1]), reduction="none")).loss).all()


def test_strong_smoothing():
    """1 - eps is rounded relative to 1: for eps near 1 the label's coefficient is off by far more than 4 u t'."""
    eps, m, kind = 0.999, 100, np.float32
    z = np.random.default_rng(0).standard_normal((1, m)).astype(kind)
    z[0, 0] -= 60
    y = np.array([0])
    t = (1 - kind(eps)) * alg.one_hot(z, y) + kind(eps) / kind(m)
    with ctx.workprec(200):
        exact = [[(1 - arb(eps)) * int(j == 0) + arb(eps) / m for j in range(m)]]
    rows, gradient = cross_entropy(z, exact)
    allowance = allowances(posed(z, y, reduction="none", label_smoothing=eps))
    assert worst(rows.error(-(t * alg.log_softmax(z)).sum(1)), allowance.loss) <= 1
    error = gradient.error(alg.softmax(z) - t)
    assert worst(error, allowance.gradient) <= 1
    assert error[0, 0] > 3 * 2.0**-24 * 5 * float(exact[0][0])


def test_allowance_that_underflowed():
    """(u p) x loses what p (u x) keeps: tiny probabilities times a large relative error."""
    z, y = np.array([[0.0, -708.0]]), np.array([0])
    allowance = allowances(posed(z, y, reduction="none")).gradient[0, 1]
    p, u = math.exp(-708.0), 2.0**-53
    assert allowance >= p * (u * (3 * 708)) > 0


def test_added_eps_in_a_softmax():
    """min(1, p/eps) scales the softmax's error: far below eps the loss hardly depends on p."""
    z, y, eps = np.array([[0.0, -60.0]], np.float32), np.array([1]), float(np.float32(1e-7))
    rows, _ = on_probabilities(softmax(z), [[0.0, 1.0]], ("add", eps), True)
    allowance = allowances(posed(z, y, reduction="none", boundary={"add": eps})).loss
    value = -np.log(alg.at(alg.softmax(z), y) + np.float32(1e-7))
    assert worst(rows.error(value), allowance) <= 1
    assert allowance[0] < 200 * 2.0**-24
