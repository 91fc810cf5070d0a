"""The allowance of an entropy's gradient: section 18 of docs/bounds.md transcribed again in mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from tests.truth.bounding import Row, allowances
from tests.truth.test_allowance_formulas import FORMATS, agree, second_order

K_EXP, K_LOG = 6, 4
ROWS = ([0.3, -1.2, 2.0], [1e3, 1e3 - 4, 1e3 + 2], [0.0, -3.0, -5.0, 1.0], [0.0, 0.0, 0.0])
GIVEN = ([0.5, 0.25, 0.25], [0.125, 0.75, 0.0625, 0.0625], [0.9375, 0.0625])


def entropy_error(p: list[Any], a: list[Any], rho: list[Any], u: Any) -> tuple[list[Any], Any, Any]:
    """Return alpha of each a = -log p, the error E of the entropy in the bracket, and the entropy."""
    alpha = [r + (2 * K_LOG + 1) * u * x for r, x in zip(rho, a, strict=True)]
    H = mpmath.fsum(x * y for x, y in zip(p, a, strict=True))
    E = mpmath.fsum(x * (y + r * z) for x, y, r, z in zip(p, alpha, rho, a, strict=True))
    return alpha, E + (len(p) + 1) * u * H, H


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("divided", [False, True])
def test_by_probabilities(name: str, given: list[float], divided: bool) -> None:
    """a - 1, and where rows are divided by their sum, of numbers four times as large, (a - H) / P."""
    scores = np.array([given], name) * (4 if divided else 1)
    keys = {"boundary": {"normalise": True}, "domain": {"magnitude": 8.0}} if divided else {}
    found = allowances(
        scores, [0], input="probabilities", output="entropy", gradient_wrt="probabilities", reduction="none", **keys
    )
    with mpmath.workdps(50):
        u, eta, h = mpmath.mpf(2) ** -FORMATS[name][0], mpmath.mpf(2) ** FORMATS[name][1], len(given) - 1
        p, P = [mpmath.mpf(x) for x in given], 4 if divided else 1
        a, rho = [-mpmath.log(x) for x in p], [(h + 2) * u if divided else mpmath.mpf(0)] * len(p)
        alpha, E, H = entropy_error(p, a, rho, u)
        for j in range(len(p)):
            expected = alpha[j] + 3 * u * (a[j] + 1)
            if divided:
                expected = (alpha[j] + E) / P + (2 * h + 10) * u * (a[j] + H + 2) / P
            agree(found.gradient[0, j], expected + eta)


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("z", ROWS)
def test_by_logits(name: str, z: list[float]) -> None:
    """Off the maximum, whose own derivative some code does not leave out."""
    scores = np.array([z], name)
    found = allowances(scores, [0], output="entropy", reduction="none")
    with mpmath.workdps(50):
        u = mpmath.mpf(2) ** -FORMATS[name][0]
        row = Row(scores[0], np.eye(len(z))[0])
        sg = u * (3 * row.D + 2 * K_EXP + row.h)
        first = [u * max(d + 2 * K_EXP + 2, 3 * d + (2 * K_LOG + 1) * row.l + 2 * K_EXP + 4) + sg for d in row.d]
        rho = [x * second_order(row, u, u, 3, K_EXP, K_LOG) for x in first]
        rho = [x + x * x for x in rho]
        a = [row.l + d for d in row.d]
        alpha, E, H = entropy_error(row.p, a, rho, u)
        common = E + mpmath.fsum(x * r for x, r in zip(row.p, rho, strict=True)) + row.h * u
        for j, d in enumerate(row.d):
            bracket = rho[j] * abs(a[j] - H) + alpha[j] + 2 * rho[j] + common + 6 * u * (a[j] + H + 1)
            if d > 0:
                agree(found.gradient[0, j], row.p[j] * bracket)
            else:
                assert found.gradient[0, j] >= float(row.p[j] * bracket)


def test_a_probability_that_underflows_takes_its_logarithm_with_it() -> None:
    """14 of the smallest normal numbers, times 1, the entropy and -log p, which is no more than -log eta."""
    scores = np.array([[0.0, -90.0, -200.0, 0.0]], np.float32)
    found = allowances(scores, [0], output="entropy", reduction="none").gradient
    with mpmath.workdps(50):
        eta, row = mpmath.mpf(2) ** -126, Row(scores[0], np.eye(4)[0])
        H = mpmath.fsum(p * (row.l + d) for p, d in zip(row.p, row.d, strict=True))
        for j in (1, 2):
            a = min(row.l + row.d[j], -mpmath.log(eta))
            agree(found[0, j], (2 * K_EXP + 2) * eta * (1 + a + H), 1e-3)
