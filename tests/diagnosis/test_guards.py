"""Guards of the logarithm: the constant is found and said, and what is declared is no mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import (
    P34,
    Y34,
    Array,
    given,
    hot,
    likely_cause,
    losses,
    name,
    softmax,
)


def _with_eps(eps: float) -> float:
    z = np.array([[0.0, 40.0, 1.0]])
    return float(-np.log(softmax(z)[:, 0] + eps).sum())


@pytest.mark.parametrize("eps", [1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 2.0**-52, 2.0**-23])
def test_the_eps_is_fitted_and_said(eps: float) -> None:
    """Each of the usual constants is recognised from one confident wrong row, and named in the sentence."""
    problem = given(np.array([[0.0, 40.0, 1.0]]), np.array([0]), reduction="sum")
    cause = likely_cause(problem, "loss", _with_eps(eps))
    assert cause is not None
    assert cause.mechanism == "eps_added"
    stated = float(cause.sentence.split("eps = ")[1].split(" ")[0])
    assert stated == pytest.approx(eps, rel=1e-3)


@pytest.mark.parametrize(("dtype", "eps"), [("float32", 1e-7), ("float32", 1e-6), ("float64", 1e-15)])
def test_an_eps_of_which_the_sum_keeps_few_digits_is_said(dtype: str, eps: float) -> None:
    """Beside p = 1 an eps of 1e-7 becomes 1.19e-7 in float32: the loss is that of the sum as it is rounded."""
    p = np.array([[1.0], [1.0]], dtype)
    got = -np.log(p[:, 0] + p.dtype.type(eps))
    assert abs(got[0] / eps + 1) > 1e-3, "the eps itself must not be what is returned"
    problem = given(p, np.array([0, 0]), dtype=dtype, input="probabilities", reduction="none")
    cause = likely_cause(problem, "loss", got.astype(np.float64))
    assert cause is not None
    assert cause.mechanism == "eps_added"
    assert float(cause.sentence.split("eps = ")[1].split(" ")[0]) == pytest.approx(eps)


@pytest.mark.parametrize("eps", [1e-8, 1e-10, 1e-12])
def test_what_is_added_to_the_sum_of_the_exponentials_is_said_of_a_gradient(eps: float) -> None:
    """It is p - t, and p does not sum to 1: where p is near 1 that alone is seen."""
    z, y = np.array([[0.0, 1.0, -2.0], [9.0, 0.0, 0.0], [0.0, 0.0, 0.5], [3.0, -40.0, -40.0]]), np.array([0, 0, 1, 0])
    d = z - z.max(axis=-1, keepdims=True)
    p = np.exp(d) / (np.exp(d).sum(axis=-1, keepdims=True) + eps)
    cause = likely_cause(given(z, y, reduction="sum"), "gradient", p - hot(y, 3))
    assert cause is not None
    assert (cause.mechanism, cause.sentence.split(" ")[0]) == ("eps_in_denominator", f"{eps:.4g}")


def test_where_the_contract_clips_another_limit_is_likelier_than_an_added_constant() -> None:
    """A given probability of 0 costs -log c under both: float64's eps under float32, where the contract says eps."""
    p = np.array([[0.0, 1.0], [0.75, 0.25]])
    limits = {"input": "probabilities", "boundary": {"clip": "eps"}, "reduction": "none"}
    problem = given(p, np.array([0, 0]), dtype="float32", **limits)
    cause = likely_cause(problem, "loss", -np.log([2.0**-52, 0.75]))
    assert cause is not None
    assert cause.mechanism == "clip"
    assert cause.sentence.startswith("The probability is clipped to [2.2")


@pytest.mark.parametrize("c", [1e-7, 1e-8, 1e-12, 1e-15])
def test_the_clip_is_fitted_and_said(c: float) -> None:
    """A clip costs exactly -log c at a confident wrong row, and is told from an added eps."""
    problem = given(np.array([[0.0, 40.0, 1.0], [3.0, 2.0, 1.0]]), np.array([0, 1]), reduction="sum")
    p = softmax(problem.scores)[[0, 1], [0, 1]]
    cause = likely_cause(problem, "loss", -np.log(np.clip(p, c, 1 - c)).sum())
    assert cause is not None
    assert cause.mechanism == "clip"
    assert f"{c:g}" in cause.sentence


def test_a_clip_leaves_a_dead_zone_in_the_gradient() -> None:
    """The row whose label's probability is below c has gradient zero."""
    z = np.array([[0.0, 40.0, 1.0], [3.0, 2.0, 1.0]])
    got = softmax(z) - hot(np.array([0, 1]), 3)
    got[0] = 0
    assert name(given(z, [0, 1], reduction="sum"), "gradient", got) == "clip"


@pytest.mark.parametrize(
    ("mechanism", "wrong"),
    [
        ("softmax_of_probabilities", lambda p, y: losses(p, hot(y, 4)).mean()),
        ("eps_added", lambda p, y: -np.log(p[range(3), y] + 1e-7).mean()),
        ("clip", lambda p, y: -np.log(np.clip(p[range(3), y], 1e-7, 1 - 1e-7)).mean()),
        ("binary_cross_entropy", lambda p, y: -(hot(y, 4) * np.log(p) + (1 - hot(y, 4)) * np.log1p(-p)).sum() / 3),
    ],
)
def test_mistakes_on_probabilities(mechanism: str, wrong: Callable[[Array, Array], Any]) -> None:
    """Losses of probabilities, one of which is 1e-9 at its label."""
    assert name(given(P34, Y34, input="probabilities"), "loss", wrong(P34, Y34)) == mechanism


def test_probabilities_that_do_not_sum_to_one_show_a_renormalisation() -> None:
    """Dividing the rows by their sum is a mistake where the contract does not state it, and the other way round."""
    p = P34 * np.array([[0.9], [1.0], [1.1]])
    kept, divided = -np.log(p[range(3), Y34]).sum(), -np.log((p / p.sum(-1, keepdims=True))[range(3), Y34]).sum()
    declared = given(p, Y34, input="probabilities", reduction="sum")
    assert name(declared, "loss", divided) == "renormalised"
    normalised = given(p, Y34, input="probabilities", reduction="sum", boundary={"normalise": True})
    assert name(normalised, "loss", kept) == "not_renormalised"


def test_a_stated_guard_is_no_mistake_and_its_loss_is() -> None:
    """With eps declared, log(p + eps) is right and log p is not."""
    problem = given(P34, Y34, input="probabilities", reduction="sum", boundary={"add": 1e-7})
    p = P34[range(3), Y34]
    assert name(problem, "loss", -np.log(p + 1e-7).sum()) is None
    assert name(problem, "loss", -np.log(p).sum()) == "guard_missing"
    assert name(problem, "loss", -np.log(p + 1e-9).sum()) == "eps_added"


@pytest.mark.parametrize("eps", [1e-8, 1e-6, 1e-5])
@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_a_constant_in_a_divisor(eps: float, part: str) -> None:
    """What is to protect an empty batch makes the means of all others smaller."""
    z = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
    y = np.array([1, 0])
    wrong = losses(z, hot(y, 3)).sum() if part == "loss" else softmax(z) - hot(y, 3)
    cause = likely_cause(given(z, y), part, wrong / (2 + eps))
    assert cause is not None
    assert (cause.mechanism, f"{eps:g} is added to the divisor, 2" in cause.sentence) == ("divisor_guarded", True)
    assert name(given(z, y), part, wrong / 2) is None
