"""Probabilities of which nothing is left: exp(z - lse) of large logits, and logits that a narrower dtype moves."""

from __future__ import annotations

import numpy as np
import pytest

from tests.truth.adversarial.judging import allowances, posed

BOUNDARIES = [{"add": 1e-20}, {"clip": [1e-20, 1.0]}]


def _by_lse(z):
    """Return exp(z - lse), where lse is as large as the logits."""
    top = z.max(1, keepdims=True)
    return np.exp(z - (top + np.log(np.exp(z - top).sum(1, keepdims=True))))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_class_c_has_no_bound_where_lse_has_no_digit_left(boundary):
    """Three logits of 1e8 in float32 have probabilities of 1 each by exp(z - lse), as accuracy C allows."""
    z, y = np.full((1, 3), 1e8, np.float32), np.array([0])
    p = _by_lse(z)
    assert (p == 1).all()
    stated = {"boundary": boundary, "gradient_of": "loss", "reduction": "none", "z_loss": 1e-4}
    allowed = allowances(posed(z, y, accuracy="C", **stated))
    assert np.isinf(allowed.loss).all()
    assert np.isinf(allowed.gradient).all()
    assert np.isfinite(allowances(posed(z, y, **stated)).gradient).all()
    near = allowances(posed(z / np.float32(1e5), y, accuracy="C", **stated))
    assert np.isfinite(near.gradient).all()
    assert (near.gradient < 1).all()


@pytest.mark.parametrize("boundary", ["exact", *BOUNDARIES])
def test_logits_that_a_narrower_dtype_moves(boundary):
    """In bfloat16 [1002.01, 1005.9] is [1004, 1004], so that 0.02 becomes 0.5; what is small enough keeps a bound."""
    import ml_dtypes

    z, y = np.array([[1002.01, 1005.9]], np.float32), np.array([0])
    narrow = z.astype(ml_dtypes.bfloat16).astype(np.float64)
    assert (narrow == 1004).all()
    stated = {"boundary": boundary, "gradient_of": "loss", "reduction": "none", "compute": "bfloat16"}
    assert np.isinf(allowances(posed(z, y, **stated)).gradient).all()
    small = allowances(posed(z - 1000, y, **stated)).gradient[0]
    assert small[0] < 1
    assert np.isfinite(small[1])  # of the maximum, at which the roundings of both may come together


@pytest.mark.parametrize(("largest", "bounded"), [(127.0, True), (129.0, False)])
def test_up_to_a_factor_of_e_there_is_a_bound(largest, bounded):
    """From 128 on numbers of bfloat16 are 1 apart: two logits may come nearer to each other by that."""
    stated = {"reduction": "none", "compute": "bfloat16"}
    found = allowances(posed(np.array([[largest, largest - 1]], np.float32), np.array([0]), **stated)).gradient
    assert np.isfinite(found).all() == bounded


def test_of_an_entropy_nothing_is_left_either():
    """By exp(z - lse) two logits of 1e8 of three have p = 1 each, whose -p log p are 0; the entropy is log 2."""
    z, y = np.array([[1e8, 1e8, -1e8]], np.float32), np.zeros(1, int)  # the labels are not read
    assert (_by_lse(z) == [[1, 1, 0]]).all()
    stated = {"output": "entropy", "reduction": "none"}
    assert np.isinf(allowances(posed(z, y, accuracy="C", **stated)).gradient).all()
    assert np.isfinite(allowances(posed(z, y, **stated)).gradient).all()
    assert np.isfinite(allowances(posed(z / np.float32(1e5), y, accuracy="C", **stated)).gradient).all()
    moved = np.array([[1002.01, 1005.9]], np.float32)  # see above
    assert np.isinf(allowances(posed(moved, y, compute="bfloat16", **stated)).gradient).all()
    assert np.isfinite(allowances(posed(moved - 1000, y, compute="bfloat16", **stated)).gradient).any()


@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_a_probability_that_does_not_underflow_loses_nothing(part):
    """In float16 an eps of 1e-3 beside probabilities from 1.3e-4 on is another than one of 1e-4."""
    z, y = np.array([[0.0, -8.9], [0.0, -7.0], [0.0, -5.0]], np.float16), np.array([1, 1, 1])
    p = np.exp(z.astype(float))
    p /= p.sum(1, keepdims=True)
    stated = {"reduction": "none", "compute": "same", "gradient_of": "loss"}
    allowed = getattr(allowances(posed(z, y, boundary={"add": 1e-4}, **stated)), part)
    one, other = ((p[:, 1] + eps) for eps in (1e-4, 1e-3))
    if part == "loss":
        assert (np.abs(np.log(one / other)) > 2 * allowed).any()
    else:
        assert (np.abs(p[:, 1] / one - p[:, 1] / other) * p[:, 0] > 2 * allowed[:, 0]).any()
