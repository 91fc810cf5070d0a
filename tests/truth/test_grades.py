"""Grades: the worst element decides; what cannot be judged is not graded."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.conditions import conditions
from xentcheck.truth.grades import GRADES, grade, tight
from xentcheck.truth.problem import pose


def setting(z, y, **contract):
    """Return the problem, its bounds and its exact losses to float64."""
    z = np.asarray(z)
    problem = pose(Contract(dtypes=[z.dtype.name], reduction="none", **contract), z, np.asarray(y), "sparse")
    on = conditions(problem)
    return problem, tight(problem, on), on.L


@pytest.fixture
def confident():
    """A row whose loss is about exp(-8): R, B and C lie far apart."""
    return setting(np.array([[1000.0, 992.0], [1000.0, 992.0]], np.float32), [0, 0])


def graded(problem, bounds, exact, errors, part="loss"):
    """Return the grade of values with given errors."""
    errors = np.asarray(errors, np.float64)
    return grade(errors, exact, exact + errors, bounds, problem, part)


def test_the_bounds_are_those_of_the_forms(confident):
    """R < B < C here, and each is calculated once."""
    bounds = confident[1]
    r, b, c = (bounds[form].loss[0] for form in "RBC")
    assert 0 < 100 * r < b
    assert 100 * b < c
    assert bounds["B"] is bounds["B"]
    assert list(bounds) == ["R", "B", "C", "B*", "C*"]
    assert len(bounds) == 5


def test_each_grade_by_its_limit(confident):
    """Half an ulp, one ulp, R, B, C and beyond; the worst element decides."""
    problem, bounds, exact = confident
    unit = float(np.spacing(np.float32(exact[0])))
    r, b, c, noted = (float(bounds[form].loss[0]) for form in ("R", "B", "C", "B*"))
    for error, expected in ((0.5 * unit, "A*"), (unit, "A"), (r, "B+"), (b, "B"), (c, "C"), (10 * c, "fail")):
        found = graded(problem, bounds, exact, [0.0, error])
        assert found.grade == expected
        assert found.max_ulp == pytest.approx(error / unit)
        assert found.index == (1,)
        assert not found.note
    assert graded(problem, bounds, exact, [0.501 * unit, 0.0]).grade == "A"
    assert graded(problem, bounds, exact, [1.01 * unit, 0.0]).grade == "B+"
    assert c > noted > b


def test_a_legitimate_algorithm_that_is_not_plain_has_a_note(confident):
    """Beyond the tight bound, within that of conformance: B, or C, with a note."""
    problem, bounds, exact = confident
    found = graded(problem, bounds, exact, [1.5 * float(bounds["B"].loss[0]), 0.0])
    assert (found.grade, found.note) == ("B", True)
    found = graded(problem, bounds, exact, [1.5 * float(bounds["C"].loss[0]), 0.0])
    assert (found.grade, found.note) == ("C", True)


def test_wrongly_not_finite_fails(confident):
    """Nan and infinity where the exact value is finite."""
    problem, bounds, exact = confident
    for value in (np.nan, np.inf):
        found = grade(np.zeros(2), exact, np.array([exact[0], value]), bounds, problem)
        assert (found.grade, found.max_ulp, found.index) == ("fail", np.inf, (1,))


def test_elements_without_a_bound_are_not_graded():
    """Differences that overflow, and losses that are infinite."""
    problem, bounds, exact = setting(np.array([[3e38, -3e38], [0.0, 1.0]], np.float32), [0, 0])
    assert grade(np.array([1e30, 0.0]), exact, exact, bounds, problem).index == (1,)
    assert grade(np.array([1e30, 0.0]), exact, exact, bounds, problem).grade == "A*"
    problem, bounds, exact = setting(np.array([[3e38, -3e38]], np.float32), [1])
    found = grade(np.array([np.inf]), exact, np.array([np.inf]), bounds, problem)
    assert (found.grade, found.max_ulp, found.index) == ("A*", 0.0, None)


def test_gradient_and_scalar_loss():
    """An index of two numbers for the gradient, of none for a scalar."""
    z = np.array([[1.0, 2.0], [3.0, 0.0]])
    problem = pose(Contract(), z, np.array([0, 1]), "sparse")
    on = conditions(problem)
    bounds = tight(problem, on)
    g = (on.p - on.c) / 2
    got = g.copy()
    got[1, 0] += 1e-9
    found = grade(np.abs(got - g), g, got, bounds, problem, "gradient")
    assert (found.grade, found.index) == ("fail", (1, 0))
    mean = np.array(on.L.mean())
    found = grade(np.array(0.0), mean, mean, bounds, problem)
    assert (found.grade, found.index, found.max_ulp) == ("A*", (), 0.0)


def test_no_rows():
    """Nothing to grade."""
    problem, bounds, exact = setting(np.zeros((0, 3)), np.zeros(0, int))
    assert grade(exact, exact, exact, bounds, problem).index is None


def test_ulp_of_the_declared_output():
    """A float32 result of float64 logits is measured in float32."""
    z = np.array([[0.0, 1.0]])
    _, _, exact = setting(z, [0])
    got = exact.astype(np.float32).astype(np.float64)
    for output, expected in (("float32", "A*"), ("any", "fail")):
        problem, bounds, exact = setting(z, [0], output_dtype=output)
        assert grade(np.abs(got - exact), exact, got, bounds, problem).grade == expected


def test_the_order_of_the_grades():
    """Best first."""
    assert GRADES == ("A*", "A", "B+", "B", "C", "fail")
