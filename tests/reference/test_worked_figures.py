"""The figures that this project grew from."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck import reference
from xentcheck.reference import AveragedClipped, SummedGuarded

ROWS = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.02, 0.9, 0.08]])
LABELS = np.array([0, 1, 1])
ONEHOT = np.eye(3)[LABELS]
COSTS = [0.35667494, 0.69314718, 0.10536052]
MEAN = 0.38506088005216804


@pytest.mark.parametrize(
    "loss", [reference.sparse_loss_from_probabilities, AveragedClipped.forward], ids=["exact", "clipped"]
)
def test_one_row(loss):
    """Label 0 of [0.7, 0.2, 0.1] costs 0.35667494393873245."""
    options = {"reduction": "none"} if loss is not AveragedClipped.forward else {}
    assert loss(ROWS[:1], LABELS[:1], **options)[0] == 0.35667494393873245


@pytest.mark.parametrize("labels", [LABELS, ONEHOT], ids=["sparse", "onehot"])
def test_three_rows_and_their_mean(labels):
    """Sparse and one-hot labels cost the same three losses and the same mean, in both forms."""
    exact = reference.sparse_loss_from_probabilities if labels.ndim == 1 else reference.onehot_loss_from_probabilities
    np.testing.assert_allclose(exact(ROWS, labels, "none"), COSTS, rtol=0, atol=5e-9)
    np.testing.assert_allclose(AveragedClipped.forward(ROWS, labels), COSTS, rtol=0, atol=5e-9)
    assert exact(ROWS, labels) == MEAN
    assert AveragedClipped.calculate(ROWS, labels) == MEAN
    assert exact(ROWS, labels, "sum") == pytest.approx(3 * MEAN, rel=1e-15)


def test_the_summed_guarded_style_on_the_three_rows():
    """It gives their sum, less what the guard adds to each p."""
    expected = -np.log(np.array([0.7, 0.5, 0.9]) + 2.0**-52).sum()
    assert SummedGuarded.loss(ONEHOT, ROWS) == pytest.approx(expected, rel=1e-15)


def test_minus_log():
    """-log of seven probabilities."""
    p = np.array([1.0, 0.95, 0.9, 0.75, 0.65, 0.5, 0.25])
    expected = [
        0.0,
        0.05129329438755058,
        0.10536051565782628,
        0.2876820724517809,
        0.4307829160924542,
        0.6931471805599453,
        1.3862943611198906,
    ]
    got = reference.sparse_loss_from_probabilities(np.stack([p, 1 - p], axis=1), np.zeros(7, int), "none")
    np.testing.assert_array_equal(got, expected)
    assert not np.signbit(got).any()
