"""Where the gradient goes."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.batches.layout import LAYOUTS, lay_out


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["sparse", "onehot", "mixed"])
@pytest.mark.usefixtures("small_blocks")
def test_the_gradient_can_go_to_an_array_that_is_there(reference, kind, layout, dtype, given, calls):
    """Of any layout that can be written to; it is returned, and holds what a new one would."""
    z, labels = given(kind, 6, 100, np.float32)
    z = np.clip(z, -50, 50).astype(dtype)
    expected = calls(labels)[1](z, labels)
    out = lay_out(np.full(z.shape, 7.0, dtype), layout)
    for call in (calls(labels)[1], reference.gradient):
        if not out.flags.writeable or np.unique([abs(stride) for stride in out.strides if stride]).size < 2:
            out = np.full(z.shape, 7.0, dtype)
        assert call(z, labels, out=out) is out
        np.testing.assert_array_equal(out, expected)
        out[...] = 7.0
    assert reference.loss_and_gradient(z, labels, out=out)[1] is out
    np.testing.assert_array_equal(out, expected)


def test_outputs_that_cannot_be_used_are_refused(reference):
    """Of another shape or dtype, read-only, or in the memory of an input."""
    z, y, t = np.zeros((4, 6), np.float32), np.zeros(4, int), np.ones((4, 6), np.float32)
    readonly = np.zeros_like(z)
    readonly.flags.writeable = False
    for out, kind, sentence in [
        (np.zeros((4, 6)), TypeError, "out must be an array of dtype float32, but has dtype float64"),
        ([[0.0]], TypeError, "out must be an array of dtype float32, but has type list"),
        (np.zeros((4, 5), np.float32), ValueError, r"out must be a writeable array of shape \(4, 6\)"),
        (readonly, ValueError, "out must be a writeable array"),
        (z, ValueError, "out must not overlap the logits or the labels"),
        (t, ValueError, "out must not overlap the logits or the labels"),
        (z[::-1], ValueError, "out must not overlap"),
    ]:
        with pytest.raises(kind, match=sentence):
            reference.gradient(z, t, out=out)
        if out is not t:
            with pytest.raises(kind, match=sentence):
                reference.loss_and_gradient(z, y, out=out)
    assert not z.any()
