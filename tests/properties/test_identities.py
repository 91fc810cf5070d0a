"""Law 10 by itself: the sum of a row of the gradient, held against the sum of the elements' allowances."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.identities import gradient_row_sum, gradient_sign
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import choose
from xentcheck.targets.outcome import Outcome


def violations(scores, gradient):
    """Return what law 10 says of a gradient, for rows of label 0 that are summed."""

    class Given:
        def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
            return Outcome(gradient=np.array(gradient))

    scores = np.array(scores)
    batch = Batch(scores, np.zeros(len(scores), np.int64))
    case = Case(Contract(reduction="sum"), Capabilities(gradient=True), Given(), batch)
    return list(gradient_row_sum.judge(case))


@pytest.mark.parametrize("gap", [1.0, 46.0, 300.0, 800.0])
def test_a_shifted_row_is_found_however_small_its_elements_are(gap):
    """0.1 more in each element is 0.3 more in the sum, where p is 0.2, 1e-20, 1e-130 and 0."""
    p = np.exp(-gap) / (1.0 + 2.0 * np.exp(-gap))
    right = np.array([-2.0 * p, p, p])
    assert violations([[0.0, -gap, -gap]], [right]) == []
    (found,) = violations([[0.0, 0.0, 0.0], [0.0, -gap, -gap]], [[-2.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], right + 0.1])
    assert found.part == "gradient[1, :]"
    assert found.got == pytest.approx(0.3)
    assert found.times > 1e3


def test_huge_errors_that_cancel_are_not_called_a_sum():
    """Elements of 2**53 whose sum is exactly 0 are wrong, but float64 cannot add them without an error of 1."""
    assert violations([[0.0, -800.0, -800.0, -800.0]], [[2.0**53, 3.0, -(2.0**53 + 2.0), -1.0]]) == []


def signs(gradient, scores=((1.0, 0.0),)):
    """Return the titles of what law 11 says of a gradient of rows of label 0."""

    class Given:
        def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
            return Outcome(gradient=np.array(gradient))

    scores = np.array(scores)
    batch = Batch(scores, np.zeros(len(scores), np.int64))
    case = Case(Contract(reduction="sum"), Capabilities(gradient=True), Given(), batch)
    return [found.title for found in gradient_sign.judge(case)]


def test_signs_are_judged_beyond_the_allowance_alone():
    """Wrong by more than it is a finding, less is rounding, and so is a zero for what is nearly none."""
    p = 1.0 / (1.0 + np.e)
    assert signs([[-p, p]]) == []
    assert signs([[p, p]]) == ["the gradient has the wrong sign"]
    assert signs([[-p, -1e-3]]) == ["the gradient has the wrong sign"]
    assert signs([[-p, 0.0]]) == ["the gradient is 0 where the loss still falls"]
    far = ((700.0, 0.0),)  # p is 1e-304
    assert signs([[1e-10, -1e-320]], far) == ["the gradient has the wrong sign"]
    assert signs([[1e-20, -1e-320]], far) == []
    assert signs([[0.0, -1e-320]], far) == []


PLAIN = "the law is about plain losses of logits"


@pytest.mark.parametrize(
    ("law", "keys", "why"),
    [
        ("reductions", {"reduction": "mean"}, ""),
        ("reductions", {"reduction": "sum"}, ""),
        ("reductions", {"reduction": "none"}, "nothing is reduced"),
        ("gradient-sign", {}, ""),
        ("gradient-sign", {"z_loss": 0.1}, PLAIN),
        ("gradient-sign", {"z_loss": {"argument": "z"}}, PLAIN),
        ("gradient-sign", {"boundary": {"add": 1e-8}}, PLAIN),
        ("gradient-sign", {"input": "probabilities"}, PLAIN),
        ("gradient-sign", {"labels": ["soft"]}, "soft labels only"),
    ],
)
def test_where_laws_apply(law, keys, why):
    """A law that does not is listed with the reason."""
    (chosen,) = choose([law])
    assert chosen.applies(Contract.from_mapping(keys), Capabilities(gradient=True)) == why
