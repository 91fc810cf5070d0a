"""The blocked reference against its plain form: the same within grade B+, however it is cut."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.reference import plain

INF, NAN = np.inf, np.nan
U = {"float32": (2.0**-24, 2.0**-149), "float64": (2.0**-53, 2.0**-1074)}
K_EXP, K_LOG = 6, 4
SHAPES = [(1, 1), (3, 1), (1, 2), (7, 3), (255, 1), (256, 1), (257, 2), (4, 63), (5, 64), (5, 65), (3, 255), (3, 256)]
SHAPES += [(3, 257), (2, 511), (2, 513), (1, 1000), (3, 600)]
SHAPES += [(342, 3), (17, 64), (3, 512), (3, 513), (3, 1024), (2, 1025), (1, 5000)]  # around a tile of numba
LABELS = ["sparse", "onehot", "soft", "weighted", "mixed"]


def allowances(z, labels, name):
    """Return what grade B+ allows loss and gradient: the bound R of docs/bounds.md for sum trees of height m - 1."""
    u, eta = U[name]
    z, h = z.astype(np.float64), z.shape[1] - 1
    t = np.eye(z.shape[1])[labels] if labels.ndim == 1 else labels.astype(np.float64)
    T = t.sum(axis=1, keepdims=True)
    d = z - z.max(axis=1, keepdims=True)
    e = np.exp(d)
    e[np.arange(len(z)), z.argmax(axis=1)] = 0.0
    s = e.sum(axis=1, keepdims=True)
    e[np.arange(len(z)), z.argmax(axis=1)] = 1.0
    p, q, level = e / (1 + s), s / (1 + s), np.log1p(s)
    D = (p * -d).sum(axis=1, keepdims=True)
    gap = (t * -d).sum(axis=1, keepdims=True)
    one = (t > 0).sum(axis=1, keepdims=True) <= 1
    rounded = np.where(one, 1, h + 2)
    loss = T * (D + 2 * K_EXP * q + 2 * K_LOG * level + h * q) + gap + (1 + rounded) * (T * level + gap)
    spread = D + 2 * K_EXP * q + h
    other = T * p * (-d + spread + 2 * K_EXP + 4) + np.where(one, 0.0, (h + 1) * T * p + 2 * t)
    top = p > 0.5
    rest = np.where(top, q, 1.0 - p)
    shift = np.where(t > 0, 0.0, p * (-d + 2 * K_EXP)).sum(axis=1, keepdims=True)
    label = T * (shift + rest * (spread + h + 4)) + 2 * T * rest
    gradient = np.where(one & (t > 0), np.where(top, label, np.maximum(label, other + T * rest)), other)
    tiny = (3 * z.shape[1] + 13) * eta * np.maximum(T, 1.0)
    return u * loss[:, 0] + tiny[:, 0], u * gradient + tiny


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("small_blocks")
def test_it_equals_the_plain_form_within_grade_b_plus(shape, kind, dtype, given, calls):
    """For shapes around the size of a block; the plain form of float64 has an error of its own."""
    z, labels = given(kind, *shape, dtype)
    form = "sparse" if labels.ndim == 1 else "onehot"
    loss, gradient, both = calls(labels)
    for_loss, for_gradient = allowances(z, labels, dtype)
    times = 2.0 if dtype == "float64" else 1.0
    wide = z.astype(np.float64)
    exact_loss = getattr(plain, f"{form}_loss")(wide, labels, "none")
    exact_gradient = getattr(plain, f"{form}_gradient")(wide, labels, "none")
    got_loss, got_gradient = both(z, labels, "none")
    assert got_loss.dtype == got_gradient.dtype == np.dtype(dtype)
    assert (np.abs(got_loss - exact_loss) <= times * for_loss).all()
    assert (np.abs(got_gradient - exact_gradient) <= times * for_gradient).all()
    np.testing.assert_array_equal(loss(z, labels, "none"), got_loss)
    np.testing.assert_array_equal(gradient(z, labels, "none"), got_gradient)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("shape", [(300, 7), (40, 100), (9, 700)])
@pytest.mark.usefixtures("small_blocks")
def test_neither_threads_nor_other_rows_change_a_bit(shape, kind, dtype, given, calls):
    """Nor does it matter how the rows are cut."""
    z, labels = given(kind, *shape, dtype)
    z[5, 0], z[3, 0] = NAN, -INF
    both = calls(labels)[2]
    loss, gradient = both(z, labels, "none", threads=1)
    for threads in (2, 4, 64):
        again = both(z, labels, "none", threads=threads)
        assert (again[0].tobytes(), again[1].tobytes()) == (loss.tobytes(), gradient.tobytes())
    for some in ([0], [2], [3], [4], [5], [8], [1, 2], slice(1, 6), slice(None, None, 2)):
        part = both(z[some], labels[some], "none", threads=1)
        assert (part[0].tobytes(), part[1].tobytes()) == (loss[some].tobytes(), gradient[some].tobytes())
    for reduction in ("sum", "mean"):
        one, four = (both(z, labels, reduction, threads=threads) for threads in (1, 4))
        assert (one[0].tobytes(), one[1].tobytes()) == (four[0].tobytes(), four[1].tobytes())


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("shape", [(512, 3), (513, 3), (5000, 2), (3000, 128), (1300, 129)])
def test_losses_of_few_classes_are_added_up_in_groups(shape, kind, given, calls):
    """They give the sum and the mean of the single losses, whose rounding errors may differ."""
    z, labels = given(kind, *shape, np.float64)
    losses = calls(labels)[0](z, labels, "none")
    for reduction, expected in (("sum", losses.sum()), ("mean", losses.mean())):
        for threads in (1, 3):
            loss = calls(labels)[0](z, labels, reduction, threads=threads)
            both = calls(labels)[2](z, labels, reduction, threads=threads)
            assert loss == both[0]
            np.testing.assert_allclose(loss, expected, rtol=1e-14)


def test_a_mean_is_finite_though_the_sum_of_a_group_is_not(reference):
    """As it is where each loss is kept; the sum is infinite, and a row with nan makes nan of both."""
    z, y = np.zeros((2000, 3)), np.zeros(2000, int)
    z[700:800, 1] = 1e307
    assert reference.loss(z, y) == reference.loss_and_gradient(z, y)[0] == pytest.approx(5e305, rel=1e-14)
    assert reference.loss(z, y, "sum") == INF
    z[3, 0] = -INF
    assert reference.loss(z, y) == INF
    z[900, 0] = NAN
    assert np.isnan(reference.loss(z, y))
    assert np.isnan(reference.loss(z, y, "sum"))
