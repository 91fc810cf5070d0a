"""Known mistakes exceed their allowances by orders of magnitude."""

from __future__ import annotations

import numpy as np
import pytest

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def worst_over_families(name, f, part="rows", accuracy="B"):
    """Return the largest ratio of an algorithm over the families of logits."""
    found = 0.0
    rng = np.random.default_rng(3)
    for m, n in ((2, 6), (10, 3)):
        for _, z, y in families(rng, name, m, n):
            exact = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())[part == "gradient"]
            allowance = getattr(allowances(posed(z, y, reduction="none", accuracy=accuracy)), part)
            found = max(found, worst(exact.error(f(z, y)), allowance))
    return found


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("wrong", alg.WRONG.values(), ids=alg.WRONG.keys())
def test_wrong_losses(name, wrong):
    """Overflow, eps, clip, a maximum never added back, bits for nats, softmax twice, a class left out."""
    assert worst_over_families(name, wrong) > 1e3


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_class_c_is_not_class_b(name):
    """Logsumexp - z_y changes with a common offset; a contract of class C allows that, one of class B does not."""
    assert worst_over_families(name, alg.lse_minus_label) > 1e3
    assert worst_over_families(name, alg.lse_minus_label, accuracy="C") < 1


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_class_b_is_not_relative(name):
    """Shifted code has a relative error of 1 on confident rows: not what B+ promises; log1p keeps it."""
    assert worst_over_families(name, alg.plain, accuracy="B+") > 1e3
    assert worst_over_families(name, alg.log1p_form, accuracy="B+") < 1
    assert worst_over_families(name, alg.gradient_softmax, "gradient", "B+") > 1e3
    assert worst_over_families(name, alg.gradient_complement, "gradient", "B+") < 1


def test_plain_code_does_not_keep_one_ulp():
    """An accuracy of A is judged in ulp of the output."""
    assert worst_over_families("float32", alg.plain, accuracy="A") > 1e3
    wide = lambda z, y: alg.log1p_form(z.astype(np.float64), y).astype(np.float32)  # noqa: E731
    assert worst_over_families("float32", wide, accuracy="A") <= 1
    assert worst_over_families("float32", wide, accuracy="A*") <= 1


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_wrong_gradients(name):
    """Without the 1/n of a mean; p alone; the sign; of softmax twice."""
    rng = np.random.default_rng(5)
    z, y = rng.standard_normal((6, 5)).astype(name) * 3, rng.integers(0, 5, 6)
    _, exact = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
    allowance = allowances(posed(z, y, reduction="sum")).gradient
    p, t = alg.softmax(z), alg.one_hot(z, y)
    for value in ((p - t) / 6, p, t - p, alg.softmax(p) - t):
        assert worst(exact.error(value), allowance) > 1e4


def test_bits_lost_to_half_precision_are_seen():
    """Float32 logits that pass through float16 or bfloat16 on the way."""
    rng = np.random.default_rng(6)
    z, y = rng.standard_normal((8, 10)).astype(np.float32) * 3, rng.integers(0, 10, 8)
    rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
    allowance, narrow = allowances(posed(z, y, reduction="none")), z.astype(np.float16).astype(np.float32)
    assert worst(rows.error(alg.plain(narrow, y)), allowance.rows) > 50
    assert worst(gradient.error(alg.gradient_softmax(narrow, y)), allowance.gradient) > 50


def test_a_sum_over_rows_is_judged_against_its_own_bound():
    """A mean over n - 1 rows, and a sum that lost a row."""
    rng = np.random.default_rng(8)
    z, y = rng.standard_normal((9, 4)).astype(np.float32), rng.integers(0, 4, 9)
    losses = alg.plain(z, y).astype(np.float64)
    for reduction, wrong in (("mean", losses.sum() / 8), ("sum", losses[:-1].sum())):
        bound = float(allowances(posed(z, y, reduction=reduction)).loss)
        assert abs(wrong - (losses.mean() if reduction == "mean" else losses.sum())) > 1e3 * bound


def test_tight_bounds_lie_below_those_of_conformance():
    """R <= B <= C, and B below the allowance of class B."""
    rng = np.random.default_rng(2)
    for _, z, y in families(rng, "float32", 10, 3):
        problem = posed(z, y, reduction="none")
        bounds, conforming = tight_bounds(problem), allowances(problem)
        for part in ("rows", "gradient"):
            b = getattr(bounds["B"], part)
            assert (b <= getattr(conforming, part)).all()
            assert (b <= getattr(bounds["C"], part)).all()
            slack = 2 * 2.0**-149
            assert (getattr(bounds["R"], part) <= b * (1 + 1e-6) + slack).all()
