"""The allowances of losses on given probabilities: section 8 of docs/bounds.md transcribed again in mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from tests.truth.bounding import allowances
from tests.truth.test_allowance_formulas import FORMATS, agree

K_EXP, K_LOG = 6, 4
P = [0.5, 0.25, 0.1875, 0.0625]
SOFT = [0.5, 0.125, 0.25, 0.125]
ONE = [0.0, 0.0, 1.0, 0.0]
pytestmark = pytest.mark.parametrize("name", ["float32", "float64"])
of_labels = pytest.mark.parametrize("t", [SOFT, ONE], ids=["soft", "one-hot"])


def found(name: str, t: list[float], boundary: dict[str, Any], **keys: Any) -> Any:
    """Return the allowances of one row, whose numbers both formats hold."""
    keys = {"input": "probabilities", "reduction": "none", "gradient_of": "loss", **keys}
    return allowances(np.array([P], name), np.array([t], name), "soft", boundary=boundary, **keys)


def summed(*terms: Any) -> Any:
    """Return the sum of products of the elements of lists."""
    return mpmath.fsum(mpmath.fprod(some) for some in zip(*terms, strict=True))


@of_labels
@pytest.mark.parametrize("divided", [False, True])
def test_an_eps_that_is_added(name: str, t: list[float], divided: bool) -> None:
    """The loss, and its gradient by the logits behind the probabilities."""
    eps = 0.03125
    got = found(name, t, {"add": eps, "normalise": divided})
    with mpmath.workdps(50):
        u, eta, h = mpmath.mpf(2) ** -FORMATS[name][0], mpmath.mpf(2) ** FORMATS[name][1], 3
        rho, several = (h + 2) * u if divided else mpmath.mpf(0), sum(x != 0 for x in t) > 1
        r, logs = [x / mpmath.mpf(x + eps) for x in P], [abs(mpmath.log(x + eps)) for x in P]
        loss = summed(t, [a * rho + 2 * K_LOG * u * b + 2 * u for a, b in zip(r, logs, strict=True)])
        loss += (h + 2) * u * summed(t, logs) if several else 0
        agree(got.loss[0], loss * (1 + 4 * h * u) + 5 * eta, 1e-6)
        A = summed(t, r)
        for j, p in enumerate(P):
            error = t[j] * r[j] * (rho + 6 * u) + p * A * (rho + (h + 6) * u) + p * rho * A
            agree(got.gradient[0, j], error + eta)


@of_labels
@pytest.mark.parametrize("by", ["probabilities", "logits"])
def test_a_clip_before_the_division(name: str, t: list[float], by: str) -> None:
    """One class lies below the clip: it has a share of the sum, and no derivative."""
    low, high = 0.125, 0.75
    got = found(name, t, {"clip": [low, high], "normalise": "after"}, gradient_wrt=by)
    with mpmath.workdps(50):
        u, eta, h = mpmath.mpf(2) ** -FORMATS[name][0], mpmath.mpf(2) ** FORMATS[name][1], 3
        b, inside = [mpmath.mpf(max(x, low)) for x in P], [mpmath.mpf(x >= low) for x in P]
        B, several = mpmath.fsum(b), sum(x != 0 for x in t) > 1
        of_sum = 2 * u + h * u
        logs = [abs(mpmath.log(x / B)) + 2 * abs(mpmath.log(B)) for x in b]
        loss = summed(t, [2 * K_LOG * u * x + 2 * u for x in logs]) + of_sum + 2 * u
        loss += (h + 2) * u * summed(t, logs) if several else 0
        agree(got.loss[0], loss * (1 + 4 * h * u) + 5 * eta)
        own = [(2 * K_LOG + 2) * u * abs(mpmath.log(x)) for x in b]
        mean, top = summed(b, own) / B, own[b.index(max(b))]
        v, w = [i * c / x for i, c, x in zip(inside, t, b, strict=True)], [i / B for i in inside]
        errors = []
        for j in range(4):
            of_w = 2 * h * u + 8 * u + of_sum + own[j] + 2 * top + mean + 4 * K_EXP * u
            errors.append(v[j] * 6 * u + w[j] * of_w + u * (v[j] + w[j]))
        if by == "probabilities":
            for j in range(4):
                agree(got.gradient[0, j], errors[j] + eta * (2 + (1 + t[j]) / b[j]))
            return
        terms = [p * (x + y) for p, x, y in zip(P, v, w, strict=True)]
        errors = [p * e + u * s for p, e, s in zip(P, errors, terms, strict=True)]
        every, size = mpmath.fsum(errors), mpmath.fsum(terms)
        for j, p in enumerate(P):
            agree(got.gradient[0, j], errors[j] + p * (every + (h + 6) * u * size) + u * terms[j])


def test_a_softmax_that_underflows_beside_an_eps(name: str) -> None:
    """Its error is 14 of the smallest normal numbers, which twice over p + eps is what the logarithm is off by."""
    eta = mpmath.mpf(2) ** FORMATS[name][1]
    eps = float(1000 * eta)
    z = np.array([[0.0, float(mpmath.log(eta)) - 3.0]], name)
    got = allowances(z, [1], reduction="none", gradient_of="loss", boundary={"add": eps})
    with mpmath.workdps(50):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(float(z[0, 1]))))
        roundings = 2 * K_LOG * mpmath.mpf(2) ** -FORMATS[name][0] * abs(mpmath.log(p + eps))
        agree(got.loss[0], 2 * (2 * K_EXP + 2) * eta / (p + eps) + roundings, 1e-4)
