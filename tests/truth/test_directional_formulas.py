"""The allowance of a derivative along a tangent: section 17 of docs/bounds.md transcribed again in mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from tests.truth.bounding import Row
from tests.truth.test_allowance_formulas import FORMATS, agree, second_order
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import pose

K_EXP, K_LOG, OPERATIONS = 6, 4, 8


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("v", [[1.0, -3.0, 0.5], [0.0, 0.0, 2.0], [1.0, 1.0, 1.0]])
@pytest.mark.parametrize("z", [[0.3, -1.2, 2.0], [5.0, -6.0, 4.0], [1.0, 1.0, 1.0]])
def test_of_soft_labels_of_any_sum(name: str, v: list[float], z: list[float]) -> None:
    """By the gradient's errors, the roundings of each term, and the shift by the maximum, which is differentiated."""
    scores, t = np.array([z], name), np.array([[0.5, 0.25, 0.75]], name)
    contract = Contract(dtypes=[name], labels=["soft"], soft_rows="any", reduction="none")
    problem = pose(contract, scores, t, "soft", tangent=np.array([v]))
    allowed = conformance(problem, conditions(problem)).jvp
    assert allowed is not None
    with mpmath.workdps(50):
        u, eta = mpmath.mpf(2) ** -FORMATS[name][0], mpmath.mpf(2) ** FORMATS[name][1]
        row = Row(scores[0], t[0])
        h, T, top = row.h, row.T, row.d.index(0)
        factor = second_order(row, u, u, 3, K_EXP, K_LOG)
        a = [u * (3 * d + 3 * row.D + 2 * K_EXP + h + 9 * row.l + 16) * factor for d in row.d]
        a = [x + x * x for x in a]
        sizes = [T * p + c for p, c in zip(row.p, row.t, strict=True)]
        of_row = list(zip(row.p, a, row.t, strict=True))
        gradient = [T * p * x + u * ((h + 3) * T * p + abs(T * p - c) + 3 * c) for p, x, c in of_row]
        rounded = OPERATIONS * u + u * h / (1 - 2 * u * h)
        expected = mpmath.fsum(abs(w) * g for w, g in zip(v, gradient, strict=True))
        expected += rounded * mpmath.fsum((1 + x) * s * abs(w) for x, s, w in zip(a, sizes, v, strict=True))
        relative = mpmath.fsum(p * x for p, x in zip(row.p, a, strict=True))
        expected += abs(v[top]) * (rounded * (mpmath.fsum(sizes) + T * relative) + T * relative)
        passes = (range(row.m), range(row.m - 1, -1, -1))
        expected += T * u * max(_rising(row, v, list(order)) for order in passes)
        agree(allowed[0], expected + eta)


def _rising(row: Row, v: list[float], order: list[int]) -> mpmath.mpf:
    """What a pass in this order adds in units of u: each maximum's |v| times what is seen while it is the maximum."""
    cost, seen = mpmath.mpf(0), mpmath.mpf(0)
    for place, j in enumerate(order):
        if all(row.d[j] <= row.d[i] for i in order[:place]):
            top, steps = j, 0
        else:
            steps += 1
        seen += row.p[j]
        # While it goes on, the cost is that of its end alone.
        if place + 1 == row.m or all(row.d[order[place + 1]] <= row.d[i] for i in order[: place + 1]):
            cost += abs(v[top]) * seen * (4 * steps + 8)
    return cost
