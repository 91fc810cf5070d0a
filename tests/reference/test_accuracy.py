"""The reference against mpmath: grade B+ in float64, correctly rounded or nearly so in the narrower formats."""

from __future__ import annotations

import importlib.util
import pathlib

import ml_dtypes
import mpmath
import numpy as np
import pytest

_specification = importlib.util.spec_from_file_location("exact", pathlib.Path(__file__).with_name("exact.py"))
exact = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(exact)

FORMATS = {
    "float64": (np.dtype(np.float64), 2.0**-53, 2.0**-1074),
    "float32": (np.dtype(np.float32), 2.0**-24, 2.0**-149),
    "float16": (np.dtype(np.float16), 2.0**-11, 2.0**-24),
    "bfloat16": (np.dtype(ml_dtypes.bfloat16), 2.0**-8, 2.0**-133),
}


@pytest.mark.parametrize("name", FORMATS)
def test_loss_and_gradient_within_the_tight_relative_allowance(reference, name):
    """No row of any family is off by more than grade B+ permits, and sparse and one-hot agree bit for bit."""
    dtype, u, eta = FORMATS[name]
    rng = np.random.default_rng(20)
    judged = 0
    for number in range(210 if name == "float64" else 105):
        z, y = exact.draw(rng, number)
        with np.errstate(over="ignore"):
            logits = z.astype(dtype)[np.newaxis]
        if not np.isfinite(logits.astype(float)).all():
            continue
        onehot = np.eye(z.size)[[y]]
        loss, gradient, loss_allowance, gradient_allowance = exact.row(logits[0], onehot[0])
        got_loss = reference.sparse_loss(logits, [y], "none")
        got_gradient = reference.sparse_gradient(logits, [y], "none")
        assert got_loss.dtype == got_gradient.dtype == dtype
        np.testing.assert_array_equal(got_loss, reference.onehot_loss(logits, onehot, "none"))
        np.testing.assert_array_equal(got_gradient, reference.onehot_gradient(logits, onehot, "none"))
        if loss <= float(ml_dtypes.finfo(dtype).max):
            assert exact.excess(got_loss[0], loss, loss_allowance, u, eta, z.size) <= 1
        else:
            assert got_loss[0] == np.inf
        for j in range(z.size):
            assert exact.excess(got_gradient[0, j], gradient[j], gradient_allowance[j], u, eta, z.size) <= 1
        judged += 1
    assert judged >= 80


def test_soft_rows_within_the_tight_allowance(reference):
    """Soft rows, normalised or not, hold loss T log1p(s) + sum t (M - z) and gradient T p - t."""
    rng = np.random.default_rng(21)
    for number in range(84):
        z, _ = exact.draw(rng, number)
        t = rng.dirichlet(np.ones(z.size)) * (1.0 if number % 2 else rng.uniform(0, 3))
        t[rng.random(z.size) < 0.3] = 0.0
        loss, gradient, loss_allowance, gradient_allowance = exact.row(z, t)
        got = reference.onehot_loss(z[np.newaxis], t[np.newaxis], "none")[0]
        # The sum of t and that of t (M - z) are rounded too: h + 2 more, numerics section 1, soft labels.
        assert exact.excess(got, loss, loss_allowance + (z.size + 1) * loss, 2.0**-53, 2.0**-1074, z.size) <= 1
        for j, value in enumerate(reference.onehot_gradient(z[np.newaxis], t[np.newaxis], "none")[0]):
            assert exact.excess(value, gradient[j], gradient_allowance[j], 2.0**-53, 2.0**-1074, z.size) <= 1


@pytest.mark.parametrize("gap", [1.0, 30.0, 40.0, 700.0, 744.0])
def test_a_confident_row_keeps_relative_accuracy(reference, gap):
    """log1p(exp(-gap)) and its gradient keep their digits where 1 + s is 1."""
    with mpmath.workprec(3000):
        s = mpmath.exp(-mpmath.mpf(gap))
        loss, gradient = float(mpmath.log1p(s) if gap < 50 else s), float(-s / (1 + s))
    logits = np.array([[gap, 0.0]])
    assert reference.sparse_loss(logits, [0]) == pytest.approx(loss, rel=1e-15, abs=2.0**-1074)
    assert reference.sparse_gradient(logits, [0])[0, 0] == pytest.approx(gradient, rel=1e-15, abs=2.0**-1074)


@pytest.mark.parametrize("offset", [0.0, 1.0, -1e4, 1e6, 1e8, -1e8, 2.0**60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_common_offset_changes_nothing(reference, offset, dtype):
    """Equal logits cost log 2 whatever their height."""
    logits = np.full((1, 2), offset, dtype)
    assert reference.sparse_loss(logits, [1]) == dtype(np.log(2.0))
    np.testing.assert_array_equal(reference.sparse_gradient(logits, [1]), [[0.5, -0.5]])
