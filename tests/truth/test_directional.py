"""The certified derivative along a tangent, held against mpmath's difference quotient of the loss at 500 digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.certify import certify
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.verdict import hold

Z = np.array([[0.0, 1.0, -2.0, 0.5], [60.0, 0.0, 1.0, 2.0], [-700.0, 3.0, 3.0, -1e-3]])
P = np.array([[0.5, 0.25, 0.125, 0.125], [2.0**-40, 0.5, 0.25, 0.25], [0.0, 0.0, 1.0, 0.0]])
V = np.array([[1.0, -0.5, 2.0, 0.0], [3.0, 1.0, -1.0, 0.5], [2.0, 2.0, 2.0, 2.0]])
Y = np.array([3, 0, 1])
W = [2.0, 3.0, 1.0, 0.5]
PART = "jvp"
ONE = mpmath.mpf(1)


def posed(
    z: Any = Z, y: Any = Y, v: Any = V, form: str = "sparse", upstream: Any = None, rows: Any = None, **keys: Any
) -> Problem:
    """Return a problem with a tangent, and perhaps with weights of the rows."""
    declared = Contract(labels=[form], row_weights=None if rows is None else {"argument": "rows"}, **keys)
    options = {} if rows is None else {"row_weights": np.asarray(rows)}
    return pose(declared, np.asarray(z), np.asarray(y), form, options, upstream=upstream, tangent=np.asarray(v))


@dataclass(frozen=True)
class Rows:
    """The loss of a row by its definition: coefficients, and what the scores are put through before."""

    coefficients: list[list[Any]]
    lam: Any = 0.0
    scores: Callable[[Any], Any] = lambda z: z
    given: str = "logits"
    boundary: Callable[[Any], Any] = lambda p: p

    def loss(self, i: int, row: list[Any]) -> Any:
        """Return the loss of row i where its scores are these."""
        z = [self.scores(x) for x in row]
        total = sum(mpmath.exp(x) for x in z)
        p = {"logits": lambda: [mpmath.exp(x) / total for x in z], "probabilities": lambda: z}[self.given]()
        c = [mpmath.mpf(w) for w in self.coefficients[i]]
        if not any(c):
            return mpmath.mpf(0)
        cost = -sum(w * mpmath.log(self.boundary(x)) for w, x in zip(c, p, strict=True) if w)
        return cost + (mpmath.mpf(self.lam) * mpmath.log(total) ** 2 if self.lam else 0)

    def along(self, problem: Problem, i: int) -> Any:
        """Return the central difference of a row's loss along the tangent, whose error is of the size of 1e-200."""
        step = mpmath.mpf(10) ** -200
        z = [mpmath.mpf(float(x)) for x in problem.scores[i]]
        v = [mpmath.mpf(float(x)) for x in problem.tangent[i]]
        ahead, behind = ([x + sign * step * w for x, w in zip(z, v, strict=True)] for sign in (1, -1))
        return (self.loss(i, ahead) - self.loss(i, behind)) / (2 * step)


def hot(weights: Any = (1.0, 1.0, 1.0), y: Any = Y) -> list[list[Any]]:
    """Return rows of coefficients with a weight at each label."""
    return [[mpmath.mpf(w * (j == label)) for j in range(4)] for w, label in zip(weights, y, strict=True)]


def smoothed() -> list[list[Any]]:
    return [[c / 2 + ONE / 8 for c in row] for row in hot()]


CASES: dict[str, tuple[Problem, Rows, Any]] = {
    "plain": (posed(reduction="none"), Rows(hot()), None),
    "mean": (posed(), Rows(hot()), 3),
    "sum": (posed(reduction="sum"), Rows(hot()), 1),
    "gradient of another reduction": (posed(gradient_reduction="sum"), Rows(hot()), 3),
    "divisor": (posed(reduction="sum", divisor=7.0), Rows(hot()), 7),
    "z-loss": (posed(reduction="sum", z_loss=0.25), Rows(hot(), 0.25), 1),
    "temperature": (posed(reduction="none", temperature=0.7), Rows(hot(), scores=lambda z: z / mpmath.mpf(0.7)), None),
    "soft cap": (
        posed(reduction="none", soft_cap=30.0),
        Rows(hot(), scores=lambda z: 30 * mpmath.tanh(z / 30)),
        None,
    ),
    "smoothing": (posed(label_smoothing=0.5), Rows(smoothed()), 3),
    "weighted mean": (
        posed(class_weights=W, mean_over="weights"),
        Rows(hot([0.5, 2.0, 3.0])),
        mpmath.mpf(5.5),
    ),
    "row weights and z-loss": (
        posed(z=Z[:1], y=Y[:1], v=V[:1], rows=[3.0], reduction="sum", z_loss=0.25),
        Rows(hot([3.0], Y[:1]), 0.75),
        1,
    ),
    "ignored": (posed(y=[3, 9, 1], ignore_index=9, mean_over="kept"), Rows(hot([1.0, 0.0, 1.0])), 2),
    "soft, not summing to one": (
        posed(y=[[1.0, 2.0, 0.0, 0.25]] * 3, form="soft", reduction="none", soft_rows="any"),
        Rows([[ONE, 2 * ONE, 0 * ONE, ONE / 4]] * 3),
        None,
    ),
    "probabilities with a constant": (
        posed(
            z=P,
            reduction="sum",
            input="probabilities",
            gradient_wrt="probabilities",
            gradient_of="loss",
            boundary={"add": 2.0**-20},
        ),
        Rows(hot(), given="probabilities", boundary=lambda p: p + mpmath.mpf(2) ** -20),
        1,
    ),
    "softmax with a constant": (
        posed(reduction="none", gradient_of="loss", boundary={"add": 2.0**-20}),
        Rows(hot(), boundary=lambda p: p + mpmath.mpf(2) ** -20),
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_encloses_the_difference_quotient(name: str) -> None:
    """Double-double and ball arithmetic both hold the exact derivative, the first to a millionth of its allowance."""
    problem, rows, divisor = CASES[name]
    enclosure = enclose(problem, gradient=False).jvp
    allowance = conformance(problem, conditions(problem)).jvp
    assert enclosure.shape == allowance.shape == (() if divisor else (3,))
    assert (enclosure.radius <= 1e-6 * allowance).all()
    low, high = enclosure.bounds()
    with mpmath.workdps(500):
        exact = [rows.along(problem, i) for i in range(problem.n)]
        slack = mpmath.mpf(10) ** -150
        for index in [()] if divisor else [(i,) for i in range(problem.n)]:
            value = exact[index[0]] if index else sum(exact) / divisor
            assert low[index] - slack <= value <= high[index] + slack
            least, most = certify(problem, PART, index)
            assert least - slack <= value <= most + slack


@pytest.mark.parametrize("share", [0.001, 0.5, 3.7])
def test_along_p_minus_t_as_a_policy(share: float) -> None:
    """The factor of p is 1, whatever the row sums to: (p - t).v, and plain code is within the allowance."""
    t = [[share, 0.0, 0.25 * share, 0.0]] * 3
    problem = posed(y=t, form="soft", reduction="none", soft_rows="any", gradient_of="p - t")
    enclosure = enclose(problem, gradient=False).jvp
    allowance = conformance(problem, conditions(problem)).jvp
    low, high = enclosure.bounds()
    e = np.exp(problem.scores - problem.scores.max(axis=1, keepdims=True))
    softmax, v = e / e.sum(axis=1, keepdims=True), problem.tangent
    plain = (softmax * v).sum(axis=1) - (problem.targets * v).sum(axis=1)
    with mpmath.workdps(60):
        for i in range(3):
            z = [mpmath.mpf(float(x)) for x in problem.scores[i]]
            total = mpmath.fsum(mpmath.exp(x) for x in z)
            terms = [
                (mpmath.exp(x) / total - mpmath.mpf(float(share))) * mpmath.mpf(float(w))
                for x, share, w in zip(z, problem.targets[i], problem.tangent[i], strict=True)
            ]
            exact = mpmath.fsum(terms)
            assert low[i] <= exact <= high[i]
            assert abs(float(plain[i]) - exact) <= allowance[i]
            assert allowance[i] <= 2.0**-46 * (sum(abs(term) for term in terms) + max(abs(v[i])))


def test_the_estimate_is_the_derivative() -> None:
    """What clearly right answers are held against is the enclosed value to float64's accuracy."""
    for problem, _, _ in CASES.values():
        found, on = enclose(problem, gradient=False).jvp, conditions(problem)
        allowances = conformance(problem, on)
        assert np.allclose(allowances.jvp_estimate, found.hi, rtol=1e-13, atol=1e-13)


def test_an_upstream_gradient_has_no_part_in_it() -> None:
    """A derivative along a tangent has no cotangent."""
    upstream = np.array([2.0, -0.5, 0.0])
    assert (enclose(posed(reduction="none", upstream=upstream)).jvp.hi == enclose(posed(reduction="none")).jvp.hi).all()


def test_one_number_along_a_row_gives_nothing() -> None:
    """sum p_j c - c is 0, and code that rounds each is allowed to return some u |c|."""
    problem = posed(v=np.full(Z.shape, 3.0), reduction="none")
    low, high = enclose(problem).jvp.bounds()
    assert np.abs([low, high]).max() < 1e-20
    allowance = conformance(problem, conditions(problem)).jvp
    assert (allowance > 3.0 * 2.0**-53).all()
    assert (allowance < 3.0 * 2.0**-44).all()


@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_a_tangent_of_zeros_gives_nothing_exactly(reduction: str) -> None:
    """No product underflows that is 0."""
    problem = posed(v=np.zeros_like(V), reduction=reduction)
    assert not enclose(problem).jvp.hi.any()
    assert not conformance(problem, conditions(problem)).jvp.any()


def test_rows_without_a_value() -> None:
    """Rows with nan are nan, ignored ones 0; an infinite loss, a pole and a mean of nothing leave everything open."""
    z = np.array([[np.nan, 0.0], [1.0, 2.0], [-np.inf, 0.0], [0.0, -np.inf]])
    keys = {"ignore_index": 5, "reduction": "none", "nonfinite": ["nan", "-inf"]}
    problem = posed(z, [0, 5, 0, 0], np.ones((4, 2)), **keys)
    found, allowed = enclose(problem).jvp, conformance(problem, conditions(problem)).jvp
    assert np.isnan(found.hi[0])
    assert found.hi[1] == found.radius[1] == 0
    assert np.isinf(found.radius[2])
    assert np.isinf(allowed[2])
    low, high = found.bounds()
    assert low[3] <= 0 <= high[3]
    assert np.isnan(certify(problem, PART, (0,))).all()
    assert certify(problem, PART, (2,)) == (-np.inf, np.inf)
    nothing = posed([[0.0, 1.0]], [5], [[1.0, 2.0]], ignore_index=5, mean_over="kept", empty_mean="zero")
    assert np.isinf(conformance(nothing, conditions(nothing)).jvp)
    assert certify(nothing, PART, ()) == (-np.inf, np.inf)
    pole = posed([[0.0, 1.0]], [0], [[1.0, 2.0]], input="probabilities", gradient_wrt="probabilities", reduction="sum")
    assert certify(pole, PART, ()) == (-np.inf, np.inf)
    held = hold(pole, PART, np.array(-7.0), enclose(pole).jvp, conformance(pole, conditions(pole)).jvp)
    assert not held.failed.any()


def test_no_rows() -> None:
    """The sum of nothing does not change; one derivative a row are none."""
    empty = {"z": np.zeros((0, 3)), "y": np.zeros(0, int), "v": np.zeros((0, 3))}
    assert enclose(posed(**empty, reduction="sum")).jvp.hi == 0
    assert enclose(posed(**empty, reduction="none")).jvp.shape == (0,)


def test_beyond_the_range_of_double_double() -> None:
    """Where a product of the tangent overflows there, python-flint gives the value."""
    low, high = enclose(posed([[0.0, 0.0]], [0], [[1e300, -1e300]], reduction="none")).jvp.bounds()
    assert low[0] <= -1e300 <= high[0]
    assert np.isfinite(high).all()


def test_judges_returned_numbers() -> None:
    """The right derivative passes; zero, its negative, and one off in its tenth digit, are proved to fail."""
    problem = posed(reduction="sum")
    on = conditions(problem)
    allowed, enclosure = conformance(problem, on), enclose(problem).jvp
    right = ((on.p * V).sum(axis=1) - V[np.arange(3), Y]).sum()
    for got, fails in ((right, False), (0.0, True), (-right, True), (right * (1 + 1e-10), True)):
        assert hold(problem, PART, np.array(got), enclosure, allowed.jvp).failed.any() == fails
    assert hold(problem, PART, np.array(0.0), enclosure, allowed.jvp).worst().times > 1e10


def test_only_where_it_is_wanted() -> None:
    """Without a tangent there is no derivative along it, and no allowance."""
    problem = pose(Contract(), Z, Y, "sparse")
    assert enclose(problem).jvp is None
    assert conformance(problem, conditions(problem)).jvp is None
    with pytest.raises(ValueError, match="needs one"):
        certify(problem, PART, ())


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_what_underflows_is_a_few_of_the_smallest_normal_numbers(name):
    """14 of a probability, as of its exponential to 6 ulp and a quotient, and as many for 1 and for v in products."""
    z = np.array([[0.0, -90.0 if name == "float32" else -740.0]], name)
    problem = pose(
        Contract(reduction="none", dtypes=[name]), z, np.array([0]), "sparse", tangent=np.array([[0.0, 1.0]])
    )
    allowed = conformance(problem, conditions(problem)).jvp
    np.testing.assert_allclose(allowed, 3 * 14 * np.finfo(name).tiny, rtol=1e-4)
