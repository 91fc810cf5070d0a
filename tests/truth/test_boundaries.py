"""The readings of a boundary's constants: all together, and each on its own."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.boundaries import as_read, readings
from xentcheck.truth.problem import pose


@pytest.mark.parametrize("boundary", [{"clip": [1e-7, 1 - 1e-7]}, {"add": 1e-10}, {"add": 2.0**-20}, "exact"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_each_reading_is_a_problem_of_one_reading(boundary, dtype):
    """A problem of several legitimate readings is as many problems, none of which is read in another way again."""
    contract = Contract(input="probabilities", boundary=boundary, dtypes=[dtype])
    problem = pose(contract, np.array([[0.5, 0.5]], dtype), np.array([0]), "sparse")
    several = readings(problem)
    assert [readings(one) for one in as_read(problem)] == [(reading,) for reading in several]
    assert len(several) == 1 or dtype != "float64"
