"""Formats of logits and of labels."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.reference import plain
from xentcheck.reference.part import store

LABELS = ["sparse", "onehot", "soft", "weighted", "mixed"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_stored_in_float16_is_rounded_once(dtype):
    """As numpy rounds it: at, between and beside all subnormal numbers and their midpoints, and far from these."""
    grid = np.arange(-(2**13), 2**13) * 2.0**-25
    away = np.ldexp(1.0 + np.arange(4096) * 2.0**-12, np.arange(4096) % 60 - 40)
    values = np.concatenate([grid, away, -away, [np.inf, -np.inf, np.nan]]).astype(dtype)
    values = np.concatenate(
        [values, np.nextafter(values, np.dtype(dtype).type(1)), np.nextafter(values, np.dtype(dtype).type(-1))]
    )
    with np.errstate(all="ignore"):
        expected, got = values.astype(np.float16), np.empty(len(values), np.float16)
        store(values, got)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.usefixtures("small_blocks")
def test_narrow_formats_are_within_an_ulp_of_the_plain_form(kind, dtype, given, calls):
    """They are worked on in float32 and rounded once."""
    z, labels = given(kind, 9, 300, np.float64)
    z, eps = np.clip(z, -50, 50).astype(dtype), float(ml_dtypes.finfo(dtype).eps)
    form = "sparse" if labels.ndim == 1 else "onehot"
    loss, gradient = calls(labels)[2](z, labels, "none")
    exact = getattr(plain, f"{form}_gradient")(z.astype(np.float64), labels, "none")
    expected = getattr(plain, f"{form}_loss")(z.astype(np.float64), labels, "none")
    np.testing.assert_allclose(loss.astype(float), expected, rtol=eps, atol=2e-6)
    np.testing.assert_allclose(gradient.astype(float), exact, rtol=eps, atol=1e-7)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, ">i4", np.float16, ml_dtypes.bfloat16, "f4", ">f4", ">f8"])
@pytest.mark.parametrize("m", [10, 130])
@pytest.mark.usefixtures("small_blocks")
def test_one_hot_rows_are_recognised_in_every_format(reference, dtype, m, given):
    """To the bits of sparse labels: in any byte order and layout, with negative zeros, in blocks and in long rows."""
    z, y = given("sparse", 40, m, np.float32)
    loss, gradient = reference.sparse_loss_and_gradient(z, y, "none")
    t = np.zeros((40, m), dtype)
    t[np.arange(40), y] = 1
    versions = [t, np.asfortranarray(t), np.repeat(t, 2, axis=1)[:, ::2], t[::-1].copy()[::-1]]
    if t.dtype.kind not in "biu":
        some = t.copy()
        some[3:9] = np.where(some[3:9] == 0, -some[3:9], some[3:9])
        versions += [np.where(t == 0, -t, t), some]
    for labels in versions:
        got = reference.onehot_loss_and_gradient(z, labels, "none")
        assert got[0].tobytes() == loss.tobytes()
        assert got[1].tobytes() == gradient.tobytes()
        alone = labels.copy()
        alone[5] = 0
        if m > 10:
            alone[5, :2] = 1
        got = reference.onehot_loss_and_gradient(z, alone, "none")
        others = np.arange(40) != 5
        assert got[0][others].tobytes() == loss[others].tobytes()
        assert got[1][others].tobytes() == gradient[others].tobytes()


def test_labels_wider_than_the_logits_keep_their_digits(reference):
    """Soft rows of float64 are not rounded to float32: where T p is tiny the gradient is -t to half an ulp."""
    z, t = np.array([[0.0, 50.0, 0.0]], np.float32), np.array([[0.1 + 2.0**-29, 0.2, 0.7]])
    exact = plain.onehot_gradient(z.astype(float), t)
    assert (np.abs(reference.gradient(z, t) - exact) <= 2.0**-24 * np.abs(exact)).all()
    wide = np.array([[2**24 + 1, 0, 1]])
    assert reference.loss(z, wide) == np.float32(plain.onehot_loss(z.astype(float), wide))
