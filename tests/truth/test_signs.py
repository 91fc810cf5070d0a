"""Signs of smoothed targets, where float64 tells and where only fractions do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.exact_coefficients import signs
from xentcheck.truth.problem import Problem, pose


def smoothed(t: list[list[float]], smoothing: float) -> Problem:
    """Return a problem of soft rows of any sum, smoothed over the others."""
    contract = Contract(labels=["soft"], soft_rows="any", smoothing_over="others", label_smoothing=smoothing)
    labels = np.array(t)
    return pose(contract, np.zeros(labels.shape), labels, "soft")


@pytest.mark.parametrize("smoothing", [0.9, 0.7, 0.55])
def test_signs_are_those_of_exact_arithmetic(smoothing: float) -> None:
    """(1 - eps) t + eps/(m - 1) (1 - t), in doubles next to the t at which it is 0, and in ordinary rows between."""
    eps = Fraction(smoothing)
    root = float(eps / (2 * eps - 1))
    near = [root, np.nextafter(root, 0.0), np.nextafter(root, 9.0)]
    rows = [[0.25, 0.75], [near[0], 0.0], [0.5, 0.5], [0.0, near[1]], [near[2], near[0]]]
    found = signs(smoothed(rows, smoothing), np.arange(5))
    exact = [[(1 - eps) * Fraction(t) + eps * (1 - Fraction(t)) for t in row] for row in rows]
    assert found.tolist() == [[(value > 0) - (value < 0) for value in row] for row in exact]
    assert (found < 0).any()


def test_rows_that_are_not_finite_count_as_positive() -> None:
    """So that whatever they hold is looked at."""
    found = signs(smoothed([[np.nan, 0.5], [0.5, 0.5], [np.inf, -np.inf]], 0.9), np.arange(3))
    assert found.tolist() == [[1, 1], [1, 1], [1, 1]]


def test_each_row_is_divided_by_its_own_sum() -> None:
    """Smoothed by 1 over the others a one-hot row has 0 at its label, whatever other rows there are."""
    contract = Contract(labels=["soft"], soft_rows="renormalised", smoothing_over="others", label_smoothing=1.0)
    rows = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 0.5]])
    found = signs(pose(contract, np.zeros(rows.shape), rows, "soft"), np.arange(3))
    assert found.tolist() == [[0, 1], [0, 1], [1, 0]]
