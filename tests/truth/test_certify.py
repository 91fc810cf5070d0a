"""Single elements, certified to neighbouring float64 numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.arb_arrays import precision
from xentcheck.truth.certify import certify, special
from xentcheck.truth.problem import Problem, pose


def logits(scores: Any, labels: Any, **keys: Any) -> Problem:
    """Return a problem with sparse labels."""
    return pose(Contract(**keys), np.asarray(scores, np.float64), np.asarray(labels), "sparse")


def test_bounds_are_neighbours_of_the_exact_value() -> None:
    """Log 2, known to any number of digits, lies between the bounds, which are at most two steps apart."""
    low, high = certify(logits([[0.0, 0.0]], [1]), "loss", ())
    with mpmath.workdps(50):
        assert low < mpmath.log(2) < high
    assert high == np.nextafter(low, 1)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_each_part_and_index(reduction: str) -> None:
    """Rows, reduced losses and gradients, each with the index that its shape asks for."""
    problem = logits([[0.0, 0.0], [0.0, np.log(3)]], [0, 0], reduction=reduction)
    rows = [certify(problem, "rows", (i,))[0] for i in range(2)]
    assert rows == pytest.approx([np.log(2), np.log(4)], rel=1e-15)
    if reduction == "none":
        assert certify(problem, "loss", (1,)) == certify(problem, "rows", (1,))
    else:
        divided = 1 if reduction == "sum" else 2
        assert certify(problem, "loss", ())[0] == pytest.approx(np.log(8) / divided, rel=1e-15)
    share = 0.5 if reduction == "mean" else 1.0
    assert certify(problem, "gradient", (0, 1)) == (0.5 * share, 0.5 * share)
    assert certify(problem, "gradient", (1, 0))[0] == pytest.approx(-0.75 * share, rel=1e-15)


def test_precision_rises_until_a_difference_is_known() -> None:
    """P - t of 1e-60, lost at 128 bits, comes back to the last place."""
    contract = Contract(labels=["soft"], reduction="none")
    scores, targets = np.array([[0.0, -150.0]]), np.array([[1.0, np.exp(-150.0)]])
    low, high = certify(pose(contract, scores, targets, "soft"), "gradient", (0, 1))
    with mpmath.workdps(200):
        e = mpmath.exp(-150)
        total = 1 + mpmath.mpf(float(targets[0, 1]))
        exact = total * e / (1 + e) - mpmath.mpf(float(targets[0, 1]))
        assert low <= exact <= high
    assert high - low <= 2 * np.spacing(abs(high))


def test_a_zero_that_no_precision_can_prove_is_held_between_the_smallest_numbers() -> None:
    """1/3 - 1/3 is zero, but its ball never is: the bounds are the smallest numbers of either sign."""
    contract = Contract(label_smoothing=1.0, reduction="none")
    low, high = certify(pose(contract, np.zeros((1, 3)), np.array([0]), "sparse"), "gradient", (0, 1))
    assert -1e-323 <= low <= 0.0 <= high <= 1e-323


def test_several_readings_give_what_they_span() -> None:
    """In float32, clipping at 1 - 1e-7 leaves between 1e-7 and 1.19e-7 of loss."""
    contract = Contract(input="probabilities", boundary={"clip": [1e-7, 1 - 1e-7]}, reduction="none")
    low, high = certify(pose(contract, np.array([[1.0, 0.0]], np.float32), np.array([0]), "sparse"), "rows", (0,))
    assert low == pytest.approx(1e-7, rel=1e-6)
    assert high == pytest.approx(float(2.0**-23), rel=1e-6)


def test_values_that_need_no_arithmetic() -> None:
    """Ignored rows, nan and infinite ones, in every part."""
    scores = [[0.0, 1.0], [np.nan, 0.0], [-np.inf, 0.0], [0.0, 0.0]]
    problem = logits(scores, [7, 0, 0, 0], ignore_index=7, reduction="none")
    assert certify(problem, "loss", (0,)) == certify(problem, "gradient", (0, 1)) == (0.0, 0.0)
    assert np.isnan(certify(problem, "rows", (1,))).all()
    assert np.isnan(certify(problem, "gradient", (1, 1))).all()
    assert certify(problem, "loss", (2,)) == (np.inf, np.inf)
    assert certify(problem, "gradient", (2, 0)) == (-1.0, -1.0)
    assert special(problem, "rows", (3,)) is None
    total = logits(scores[2:], [0, 0], reduction="sum")
    assert certify(total, "loss", ()) == (np.inf, np.inf)
    assert special(logits(scores[3:], [0]), "loss", ()) is None


def test_precision_is_restored_after_an_error() -> None:
    """python-flint's global precision survives an exception."""
    from flint import ctx

    def fail() -> None:
        with precision(999):
            assert ctx.prec == 999
            raise KeyError

    before = ctx.prec
    with pytest.raises(KeyError):
        fail()
    assert ctx.prec == before


def test_bounds_are_rationals_around_a_rational_value() -> None:
    """A gradient of 1/3 - 1/2 = -1/6 lies between its bounds, compared as fractions."""
    contract = Contract(labels=["soft"], reduction="none")
    problem = pose(contract, np.zeros((1, 3)), np.array([[0.5, 0.25, 0.25]]), "soft")
    low, high = certify(problem, "gradient", (0, 0))
    assert Fraction(low) < Fraction(-1, 6) < Fraction(high)


def test_a_pole_beside_an_undefined_row():
    """Each element is of its own row: -1/0 is -inf where the row is defined, and anything where it is not."""
    p = np.array([[np.nan, 1.0], [0.0, 1.0], [0.0, 1.0]])
    contract = Contract(input="probabilities", gradient_wrt="probabilities", nonfinite=["nan"], reduction="none")
    problem = pose(contract, p, np.array([0, 0, 0]), "sparse")
    assert special(problem, "gradient", (1, 0)) == special(problem, "gradient", (2, 0)) == (-np.inf, -np.inf)
    assert special(problem, "gradient", (0, 0)) == (-np.inf, np.inf)


@pytest.mark.parametrize(("gradient_of", "low"), [("ideal", -np.inf), ("loss", None)])
def test_an_eps_that_rounds_to_zero_does_not_guard_an_ideal_gradient(gradient_of, low):
    """-t/p has its pole at 0 whatever the loss's eps; the derivative of the loss itself is open where eps may be 0."""
    contract = Contract(
        input="probabilities",
        gradient_wrt="probabilities",
        gradient_of=gradient_of,
        boundary={"add": 1e-10},
        dtypes=["float16"],
        reduction="none",
    )
    problem = pose(contract, np.array([[0.0, 1.0]], np.float16), np.array([0]), "sparse")
    assert special(problem, "gradient", (0, 0)) == ((low, low) if low is not None else (-np.inf, np.inf))
