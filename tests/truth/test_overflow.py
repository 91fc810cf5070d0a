"""Conditions that overflow in float64 although the exact value does not."""

from __future__ import annotations

import numpy as np

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import pose

WEIGHTED = Contract.from_mapping({"class_weights": {"argument": "weight"}, "mean_over": "weights"})


def test_a_weighted_loss_beyond_the_range_is_not_judged():
    """The weight times the loss is beyond float64, the weighted mean is not: whatever comes back is left alone."""
    problem = pose(
        WEIGHTED, np.array([[0.0, 4e307]]), np.array([0]), "sparse", {"class_weights": np.array([1000.0, 1.0])}
    )
    allowed = conformance(problem, conditions(problem))
    assert np.isinf(allowed.loss)
    assert np.isinf(allowed.rows).all()


def test_an_infinite_loss_that_is_exact_is_judged():
    """A label at -inf has an infinite loss by right, which the allowance of 0 asks for."""
    problem = pose(Contract(nonfinite=("-inf",)), np.array([[0.0, -np.inf]]), np.array([1]), "sparse")
    assert conformance(problem, conditions(problem)).loss == 0.0
