"""Rows at the rim of the range, in blocks and in long rows: as in the plain form."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.reference import plain

INF, NAN = np.inf, np.nan
LABELS = ["sparse", "onehot", "soft", "weighted", "mixed"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.usefixtures("small_blocks")
def test_rows_at_the_rim_are_as_in_the_plain_form(kind, dtype, given, calls):
    """Infinities, nan, the largest floats and factors too large for the dtype, among rows that are not unusual."""
    largest = float(np.finfo(dtype).max)
    for m in (3, 300, 700):
        z, labels = given(kind, 12, m, dtype)
        z[0, 0], z[1, 1], z[2, 2], z[3], z[4, :2] = NAN, INF, -INF, -INF, -INF
        z[5, 0], z[5, 1], z[6] = largest, -largest, largest
        upstream = np.ones(12)
        upstream[6:10] = [largest, -largest, 0.0, 0.25 * largest]
        form = "sparse" if labels.ndim == 1 else "onehot"
        loss, gradient = calls(labels)[2](z, labels, "none", upstream=upstream)
        with np.errstate(over="ignore"):
            wide = z.astype(np.float64)
            exact = getattr(plain, f"{form}_loss")(wide, labels, "none").astype(dtype)
            slopes = getattr(plain, f"{form}_gradient")(wide, labels, "none", upstream=upstream).astype(dtype)
        rtol = 1e4 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(loss, exact, rtol=rtol)
        np.testing.assert_allclose(gradient, slopes, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.usefixtures("small_blocks")
def test_pieces_without_a_finite_logit(kind, dtype, calls, dense_labels):
    """Whole pieces of a long row may be masked: as in the plain form, whether the label is among them or not."""
    rng = np.random.default_rng(5)
    z, y = rng.normal(0, 3, (6, 500)), np.array([7, 130, 131, 300, 499, 250])
    labels = y if kind == "sparse" else dense_labels(rng, kind, y, 6, 500, np.dtype(dtype))
    z[0, 128:], z[1, :128], z[2, 128:384], z[3, :384], z[4, :499], z[5] = (-INF,) * 6
    z = z.astype(dtype)
    form, eps = "sparse" if kind == "sparse" else "onehot", float(ml_dtypes.finfo(dtype).eps)
    wide = z.astype(np.float64)
    given_labels = labels if kind == "sparse" else labels.astype(np.float64)
    exact = getattr(plain, f"{form}_loss")(wide, given_labels, "none")
    slopes = getattr(plain, f"{form}_gradient")(wide, given_labels, "none")
    loss, gradient = calls(labels)[2](z, labels, "none")
    np.testing.assert_allclose(loss.astype(float), exact, rtol=20 * eps, atol=0)
    np.testing.assert_allclose(gradient.astype(float), slopes, rtol=20 * eps, atol=eps)
    assert calls(labels)[0](z, labels, "none").tobytes() == loss.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_factors_and_weights_beyond_the_dtype(reference, dtype):
    """A factor that float32 cannot hold times a small p, and a small weight times a gap that float64 cannot hold."""
    z = np.array([[0.0, 9.0, 1.0], [0.0, 9.0, 1.0]], dtype)
    for labels in (np.array([1, 0]), np.eye(3)[[1, 0]], np.eye(3, dtype=np.float32)[[1, 0]], np.full((2, 3), 0.25)):
        form = "sparse" if labels.ndim == 1 else "onehot"
        got = reference.gradient(z, labels, "none", upstream=[1e39, 1.0])
        with np.errstate(over="ignore"):
            exact = getattr(plain, f"{form}_gradient")(z.astype(float), labels, "none", upstream=[1e39, 1.0])
            exact = exact.astype(dtype)
        np.testing.assert_allclose(got, exact, rtol=1e-5)
    light = np.array([[1e-20, 2e-20, 0.0]], dtype)
    expected = plain.onehot_gradient(z[:1].astype(float), light.astype(float), upstream=1e39)
    np.testing.assert_allclose(reference.gradient(z[:1], light, upstream=1e39), expected, rtol=1e-5)
    largest = float(np.finfo(np.float64).max)
    far = np.array([[largest, -largest], [1.0, 0.0]])
    np.testing.assert_array_equal(
        reference.loss(far, np.array([[0.0, 0.25], [0.0, 1.0]]), "none"), [0.5 * largest, 1.0 + np.log1p(np.exp(-1.0))]
    )
