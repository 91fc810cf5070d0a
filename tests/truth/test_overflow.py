"""Conditions that overflow in float64 although the exact value does not, and coefficients that underflow."""

from __future__ import annotations

import numpy as np
import pytest

from tests.truth.bounding import allowances
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


def test_weights_and_smoothing_that_leave_the_range_before_the_share_is_taken():
    """Torch sums w_j (-log p_j) over classes and rows, then multiplies by eps/m: right in the range of float32."""
    contract = Contract.from_mapping(
        {
            "class_weights": {"argument": "weight"},
            "label_smoothing": {"argument": "smoothing"},
            "smoothing_weights": "class",
            "mean_over": "weights",
        }
    )
    options = {"class_weights": np.array([1.0, 3.0]), "label_smoothing": 0.5}
    for logit, judged in ((6.78e37, False), (6.78e35, True)):
        scores = np.array([[logit, 0.0], [logit, 0.0]], np.float32)
        problem = pose(contract, scores, np.array([0, 0]), "sparse", options)
        assert np.isfinite(conformance(problem, conditions(problem)).loss) == judged


def test_the_weight_of_a_row_takes_part_in_the_sum_over_all_classes():
    """1.6e37 is the sum of -log p before smoothing takes its share; 25 times as much leaves float32, 20 times not."""
    contract = Contract(label_smoothing=0.25, reduction="sum", row_weights={"argument": "v"}, dtypes=["float32"])
    for weight, judged in ((20.0, True), (25.0, False)):
        given = {"row_weights": np.array([weight], np.float32)}
        problem = pose(contract, np.array([[8e36, 0.0, 0.0]], np.float32), np.array([0]), "sparse", given)
        assert np.isfinite(conformance(problem, conditions(problem)).loss) == judged


def test_a_z_loss_of_0_beside_a_square_that_leaves_the_range_is_not_judged():
    """As an argument lambda may be 0, and 0 times inf is nan; judged where lse^2 is in range or there is no z-loss."""
    drawn = Contract.from_mapping({"z_loss": {"argument": "z_loss"}})
    for contract, logit, judged in ((drawn, 1e200, False), (drawn, 1e100, True), (Contract(), 1e200, True)):
        options = {"z_loss": 0.0} if contract.arguments else {}
        problem = pose(contract, np.array([[logit, 0.0]]), np.array([0]), "sparse", options)
        with np.errstate(over="ignore"):
            assert np.isfinite(conformance(problem, conditions(problem)).loss) == judged


def test_a_coefficient_that_is_flushed_to_zero_takes_its_share_of_the_loss_along():
    """1e-40 is no normal number of float32: the whole loss may be lost, and where it is one, hardly anything."""
    contract = Contract(labels=["soft"], soft_rows="any", reduction="none", dtypes=["float32"])
    for coefficient, lost in ((1e-40, True), (1e-30, False)):
        labels = np.array([[coefficient, 0.0]], np.float32)
        problem = pose(contract, np.array([[0.0, 1e30]], np.float32), labels, "soft")
        allowed, loss = conformance(problem, conditions(problem)).loss[0], float(labels[0, 0]) * float(np.float32(1e30))
        assert (allowed >= loss) if lost else (allowed <= 1e-6 * loss)


@pytest.mark.parametrize("boundary", ["exact", {"add": 1e-7}, {"clip": [1e-7, 0.9999999]}], ids=str)
def test_no_bound_where_the_shift_by_the_maximum_leaves_the_range(boundary):
    """3e38 less -3e38 is no number of float32, whatever becomes of the softmax."""
    contract = Contract(boundary=boundary, gradient_of="loss", reduction="none", dtypes=["float32"])
    for size, judged in ((8e37, True), (3e38, False)):
        problem = pose(contract, np.array([[size, -size]], np.float32), np.array([0]), "sparse")
        assert np.isfinite(conformance(problem, conditions(problem)).loss).all() == judged


@pytest.mark.parametrize(
    ("divisor", "bounded"), [(7.0, True), (1e-37, True), (1e37, True), (1e-39, False), (2e38, False), (1e38, False)]
)
def test_a_divisor_that_the_format_does_not_hold_leaves_no_bound(divisor, bounded):
    """Nor one whose reciprocal may be flushed to zero, or is infinite."""
    z = np.array([[0.5, 0.0]], np.float32)
    found = allowances(z, [0], reduction="sum", divisor=divisor)
    assert np.isfinite(found.loss) == bounded
