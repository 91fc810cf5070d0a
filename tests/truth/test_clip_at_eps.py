"""A boundary at the eps of the dtype: in each format that clip and no other, by value, slope and allowance."""

from __future__ import annotations

import ml_dtypes
import mpmath
import numpy as np
import pytest

from xentcheck.contract import Boundary, Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.boundaries import readings
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import pose

KEYS = {"input": "probabilities", "gradient_wrt": "probabilities", "gradient_of": "loss", "reduction": "none"}


def posed(dtype, boundary):
    """Return rows whose label has the probability 0, eps / 2, eps, 2 eps, 1/2, 1 - 2 eps, 1 - eps and 1."""
    eps = float(ml_dtypes.finfo(FORMATS[dtype].dtype).eps)
    p = np.array([0.0, eps / 2, eps, 2 * eps, 0.5, 1 - 2 * eps, 1 - eps, 1.0])
    scores = np.stack([p, 1 - p], axis=1).astype(FORMATS[dtype].dtype)
    return eps, pose(Contract(**KEYS, boundary=boundary, dtypes=[dtype]), scores, np.zeros(8, int), "sparse")


@pytest.mark.parametrize("dtype", FORMATS)
def test_values_and_slopes(dtype):
    """-log of p within [eps, 1 - eps], and -1/p there, against mpmath."""
    eps, problem = posed(dtype, {"clip": "eps"})
    enclosed = enclose(problem)
    with mpmath.workdps(40):
        for i, p in enumerate(problem.scores[:, 0].tolist()):
            low, high = enclosed.loss[i].bounds()
            assert low <= -mpmath.log(min(max(p, eps), 1 - mpmath.mpf(eps))) <= high
            slope_low, slope_high = enclosed.gradient[i, 0].bounds()
            expected = -1 / mpmath.mpf(p) if eps <= p <= 1 - eps else 0
            assert slope_low <= expected <= slope_high
    assert enclosed.loss.radius.max() < 2.0**-60


@pytest.mark.parametrize("dtype", FORMATS)
def test_it_is_the_clip_written_in_numbers(dtype):
    """Loss, gradient and allowances are those of [eps, 1 - eps]; these are read in one way alone."""
    eps, ours = posed(dtype, {"clip": "eps"})
    _, theirs = posed(dtype, {"clip": [eps, 1.0 - eps]})
    assert ours.contract.boundary == theirs.contract.boundary == Boundary(clip=(eps, 1.0 - eps))
    assert len(readings(ours)) == 1
    found, other = (conformance(one, conditions(one)) for one in (ours, theirs))
    np.testing.assert_array_equal(found.loss, other.loss)
    np.testing.assert_array_equal(found.gradient, other.gradient)


def test_rows_may_be_divided_first():
    """`normalise` stays beside it."""
    _, problem = posed("float32", {"clip": "eps", "normalise": True})
    assert problem.contract.boundary == Boundary(clip=(2.0**-23, 1 - 2.0**-23), normalise=True)
    assert not Boundary(of_dtype=True).exact
