"""The certified Hessian-vector product, held against mpmath at 400 digits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.certify import certify
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.hessian import unsupported
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.verdict import hold

Z = np.array([[0.0, 1.0, -2.0, 0.5], [60.0, 0.0, 1.0, 2.0], [-700.0, 3.0, 3.0, -1e-3]])
V = np.array([[1.0, -0.5, 2.0, 0.0], [3.0, 1.0, -1.0, 0.5], [1.0, 1.0, 1.0, 1.0]])
Y = np.array([3, 0, 1])
PART = "hessian_vector"


def posed(
    z: Any = Z, y: Any = Y, v: Any = V, form: str = "sparse", upstream: Any = None, rows: Any = None, **keys: Any
) -> Problem:
    """Return a problem with a vector, and perhaps with weights of the rows."""
    declared = Contract(labels=[form], row_weights=None if rows is None else {"argument": "rows"}, **keys)
    options = {} if rows is None else {"row_weights": np.asarray(rows)}
    return pose(declared, np.asarray(z), np.asarray(y), form, options, upstream=upstream, vector=np.asarray(v))


def exact(problem: Problem, strengths: list[float], scales: list[Any]) -> list[list[Any]]:
    """Return the product of the Hessian, built element by element, with the vector."""
    found, T = [], mpmath.mpf(problem.temperature or 1.0)
    for z, v, strength, scale in zip(problem.scores, problem.vector, strengths, scales, strict=True):
        factor = mpmath.mpf(Fraction(scale).numerator) / Fraction(scale).denominator
        e = [mpmath.exp(mpmath.mpf(float(x)) / T) for x in z]
        factor /= T * T
        total = sum(e)
        p, lse, lam = [x / total for x in e], mpmath.log(total), mpmath.mpf(problem.z_loss)
        # The derivative of 2 lambda lse p by z_k is 2 lambda (p_k p_j + lse (p_j delta - p_j p_k)).
        matrix = [
            [(strength + 2 * lam * lse) * p[j] * ((j == k) - p[k]) + 2 * lam * p[j] * p[k] for k in range(len(p))]
            for j in range(len(p))
        ]
        found.append([factor * sum(h * mpmath.mpf(float(x)) for h, x in zip(row, v, strict=True)) for row in matrix])
    return found


CASES = {
    "plain": (posed(reduction="none"), [1, 1, 1], [1, 1, 1]),
    "mean": (posed(), [1, 1, 1], [Fraction(1, 3)] * 3),
    "upstream": (posed(reduction="none", upstream=np.array([2.0, -0.5, 0.0])), [1, 1, 1], [2, -0.5, 0]),
    "z-loss": (posed(reduction="sum", z_loss=0.25), [1, 1, 1], [1, 1, 1]),
    "temperature": (posed(reduction="none", temperature=0.7), [1, 1, 1], [1, 1, 1]),
    "temperature and z-loss": (posed(reduction="sum", temperature=100.0, z_loss=0.25), [1, 1, 1], [1, 1, 1]),
    "weights": (posed(reduction="sum", class_weights=[2.0, 3.0, 1.0, 0.5]), [0.5, 2, 3], [1, 1, 1]),
    "divisor": (posed(reduction="sum", divisor=7.0), [1, 1, 1], [Fraction(1, 7)] * 3),
    "row weights and z-loss": (posed(rows=[3.0, 0.0, 0.5], reduction="sum", z_loss=0.25), [1, 1, 1], [3, 0, 0.5]),
    "smoothing and weights by class": (
        posed(reduction="sum", label_smoothing=0.5, class_weights=[2.0, 3.0, 1.0, 0.5], smoothing_weights="class"),
        [0.25 + 6.5 / 8, 1 + 6.5 / 8, 1.5 + 6.5 / 8],
        [1, 1, 1],
    ),
    "soft, not summing to one": (
        posed(y=[[1.0, 2.0, 0.0, 0.25]] * 3, form="soft", reduction="none", soft_rows="any"),
        [3.25] * 3,
        [1, 1, 1],
    ),
    "p - t, not summing to one": (
        posed(y=[[1.0, 2.0, 0.0, 0.25]] * 3, form="soft", reduction="none", soft_rows="any", gradient_of="p - t"),
        [1, 1, 1],
        [1, 1, 1],
    ),
    "p - t, row weights and z-loss": (
        posed(
            y=[[0.0, 2.0, 0.0, 0.0], [0.0] * 4, [0.0, 0.0, 1.0, 0.0]],
            rows=[3.0, 0.5, 2.0],
            form="soft",
            reduction="sum",
            soft_rows="any",
            gradient_of="p - t",
            z_loss=0.25,
        ),
        [1, 1, 1],
        [3, 0.5, 2],
    ),
    "ignored": (posed(y=[3, 9, 1], ignore_index=9, mean_over="kept"), [1, 0, 1], [0.5, 0, 0.5]),
    "minus infinity": (posed(z=np.where(Z == -2.0, -np.inf, Z), reduction="none"), [1, 1, 1], [1, 1, 1]),
}


@pytest.mark.parametrize("name", CASES)
def test_encloses_the_matrix_times_the_vector(name: str) -> None:
    """Double-double and ball arithmetic both hold the exact product, the first to a millionth of its allowance."""
    problem, strengths, scales = CASES[name]
    enclosure = enclose(problem, gradient=False).hessian_vector
    allowance = conformance(problem, conditions(problem)).hessian_vector
    assert (enclosure.radius <= 1e-6 * allowance).all()
    low, high = enclosure.bounds()
    with mpmath.workdps(400):
        slack = mpmath.mpf(10) ** -390
        for i, row in enumerate(exact(problem, strengths, scales)):
            for j, value in enumerate(row):
                least, most = certify(problem, PART, (i, j))
                assert low[i, j] - slack <= value <= high[i, j] + slack
                assert least - slack <= value <= most + slack


def test_a_vector_of_ones_is_in_the_kernel() -> None:
    """H 1 = 0 is enclosed to far below an allowance; with a z-loss H 1 = 2 lambda p."""
    ones = np.ones_like(Z)
    low, high = enclose(posed(v=ones, reduction="none")).hessian_vector.bounds()
    assert (low <= 0).all()
    assert (high >= 0).all()
    assert np.abs([low, high]).max() < 1e-20
    low, high = enclose(posed(z=np.zeros((1, 4)), y=[0], v=ones[:1], z_loss=2.0)).hessian_vector.bounds()
    assert (low <= 1.0).all()
    assert (high >= 1.0).all()


def test_curvature_is_not_negative() -> None:
    """v.Hv = w Var(v) >= 0 for whatever v."""
    random = np.random.default_rng(0)
    for _ in range(20):
        problem = posed(v=random.standard_normal(Z.shape), reduction="none")
        _, high = enclose(problem).hessian_vector.bounds()
        assert ((high * problem.vector).sum(1) >= -1e-20).all()


def test_a_confident_row_keeps_its_relative_accuracy() -> None:
    """At the maximum the product is a sum over the other, tiny probabilities: its digits are all known."""
    enclosure = enclose(posed(reduction="none")).hessian_vector
    assert (enclosure.radius[1] < 1e-18 * np.abs(enclosure.hi[1])).all()


def test_rows_without_a_value() -> None:
    """Rows with nan are nan, ignored ones 0, and a mean of nothing is as declared."""
    z = np.array([[np.nan, 0.0], [1.0, 2.0]])
    problem = posed(z, [0, 5], np.ones((2, 2)), ignore_index=5, reduction="none", nonfinite=["nan"])
    enclosure = enclose(problem).hessian_vector
    assert np.isnan(enclosure.hi[0]).all()
    assert (enclosure.hi[1] == 0).all()
    assert np.isnan(certify(problem, PART, (0, 1))).all()
    weights = [1.0, 0.0]
    nothing = posed([[0.0, 1.0]], [1], [[1.0, 2.0]], class_weights=weights, mean_over="weights", empty_mean="zero")
    assert (enclose(nothing).hessian_vector.hi == 0).all()
    assert certify(nothing, PART, (0, 0)) == (0.0, 0.0)


def test_no_rows_and_one_class() -> None:
    """An empty batch has an empty product; a single class has no second derivative."""
    assert enclose(posed(np.zeros((0, 3)), np.zeros(0, int), np.zeros((0, 3)))).hessian_vector.shape == (0, 3)
    assert enclose(posed([[5.0]], [0], [[3.0]])).hessian_vector.hi.tolist() == [[0.0]]


def test_beyond_the_range_of_double_double() -> None:
    """Where a product of the vector overflows there, python-flint gives the value."""
    enclosure = enclose(posed([[0.0, 0.0]], [0], [[1e300, -1e300]])).hessian_vector
    low, high = enclosure.bounds()
    assert low[0, 0] <= 0.5e300 <= high[0, 0]
    assert np.isfinite(high).all()


def test_judges_returned_numbers() -> None:
    """The right product passes; zeros, and a product off in its tenth digit, are proved to fail."""
    problem = posed(Z[:1], Y[:1], V[:1], reduction="none")
    on = conditions(problem)
    allowed = conformance(problem, on)
    enclosure = enclose(problem).hessian_vector
    p = on.p
    right = p * (V[:1] - (p * V[:1]).sum())
    for got, fails in ((right, False), (np.zeros_like(right), True), (right * (1 + 1e-10), True)):
        held = hold(problem, PART, got, enclosure, allowed.hessian_vector)
        assert held.failed.any() == fails
    assert hold(problem, PART, np.zeros_like(right), enclosure, allowed.hessian_vector).worst().times > 1e10


def test_only_where_it_is_wanted() -> None:
    """Without a vector there is no product, and none of its allowances."""
    problem = pose(Contract(), Z, Y, "sparse")
    assert enclose(problem).hessian_vector is None
    assert conformance(problem, conditions(problem)).hessian_vector is None
    with pytest.raises(ValueError, match="needs a vector"):
        certify(problem, PART, (0, 0))


def test_contracts_without_a_formula() -> None:
    """Probabilities and boundaries are named as what they are: not judged."""
    assert unsupported(Contract()) == ""
    assert "by logits" in unsupported(Contract(input="probabilities"))
    assert "boundary" in unsupported(Contract(boundary={"add": 1e-7}))


def test_what_underflows_and_is_multiplied_again_is_held() -> None:
    """exp(-800) times 1e-20 is far below the smallest number, and times 1e300 is 3.67e-68: not 0 +- 0."""
    problem = posed([[0.0, -800.0]], [0], [[0.0, 1e300]], upstream=np.array([1e-20]), reduction="none")
    found = enclose(problem).hessian_vector
    assert found is not None
    with mpmath.workdps(60):
        p = mpmath.exp(-800) / (1 + mpmath.exp(-800))
        value = p * (1 - p) * mpmath.mpf(1e300) * mpmath.mpf(1e-20)
    assert 3.6e-68 < value < 3.7e-68
    for column, side in ((0, -value), (1, value)):
        assert abs(side - float(found.hi[0, column])) <= float(found.radius[0, column])
        low, high = certify(problem, PART, (0, column))
        assert low <= side <= high


@pytest.mark.parametrize("keys", [{}, {"z_loss": 0.25}, {"reduction": "none"}], ids=str)
def test_the_estimate_is_the_product(keys: dict[str, Any]) -> None:
    """In plain float64, which numbers that are clearly right are held against first."""
    problem = posed(**keys)
    enclosed = enclose(problem).hessian_vector
    assert enclosed is not None
    found = conformance(problem, conditions(problem)).hessian_vector_estimate
    np.testing.assert_allclose(found, enclosed.hi, rtol=1e-9, atol=1e-15)
