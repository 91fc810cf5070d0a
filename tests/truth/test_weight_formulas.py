"""How far the mean weight of a smoothed row may be off, by its definition in mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance_model import conforming, mean_weight_error
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import pose

W = [0.5, 3.0, 0.0, 1.25]
T = [[0.5, 0.25, 0.125, 0.125], [0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.5]]
EPS = 0.25


@pytest.mark.parametrize("over", ["all", "others"])
@pytest.mark.parametrize("rows", ["normalised", "renormalised"])
@pytest.mark.parametrize("row_weights", [None, (2.0, 0.5, 8.0)])
def test_of_soft_labels(over: str, rows: str, row_weights: tuple[float, ...] | None) -> None:
    """The sum over w t' with its products, t' with its share, and 1 - eps, whose rounding is that of 1."""
    keys = {"labels": ["soft"], "soft_rows": rows, "class_weights": W, "label_smoothing": EPS}
    keys |= {"smoothing_weights": "mean", "smoothing_over": over, "dtypes": ["float64"], "row_weights": row_weights}
    if row_weights is not None:
        keys["row_weights"] = {"argument": "weights"}
    options = None if row_weights is None else {"row_weights": np.array(row_weights)}
    problem = pose(Contract.from_mapping(keys), np.zeros((3, 4)), np.array(T), "soft", options)
    found = mean_weight_error(conditions(problem), conforming(problem, "B"))
    with mpmath.workdps(50):
        u, h = mpmath.mpf(2) ** -53, 3
        for i, t in enumerate(T):
            share = EPS / mpmath.mpf(h) if over == "others" else EPS / mpmath.mpf(4)
            smoothed = [(1 - EPS) * x + (share * (1 - x) if over == "others" else share) for x in t]
            plain, whole = (mpmath.fsum(a * b for a, b in zip(W, one, strict=True)) for one in (t, smoothed))
            expected = (h + 1) * u + 5 * u + ((h + 2) * u if rows == "renormalised" else 0)
            expected += (2 * u * EPS + ((h + 8) * u * share if over == "others" else 0)) * plain / whole
            assert found[i] == pytest.approx(float(expected), rel=1e-9, abs=0)
