"""The blocked reference against its plain form: the same within grade B+, whatever the blocks and the threads."""

from __future__ import annotations

import threading
import tracemalloc

import ml_dtypes
import numpy as np
import pytest

from xentcheck import reference
from xentcheck.batches.layout import LAYOUTS, lay_out
from xentcheck.reference import blocks, cut, part, plain, rows

INF, NAN = np.inf, np.nan
U = {"float32": (2.0**-24, 2.0**-149), "float64": (2.0**-53, 2.0**-1074)}
K_EXP, K_LOG = 6, 4
SHAPES = [(1, 1), (3, 1), (1, 2), (7, 3), (255, 1), (256, 1), (257, 2), (4, 63), (5, 64), (5, 65), (3, 255), (3, 256)]
SHAPES += [(3, 257), (2, 511), (2, 513), (1, 1000), (3, 600)]
BOTH = {
    "sparse": (reference.sparse_loss, reference.sparse_gradient, reference.sparse_loss_and_gradient),
    "onehot": (reference.onehot_loss, reference.onehot_gradient, reference.onehot_loss_and_gradient),
}
LABELS = ["sparse", "onehot", "soft", "weighted", "mixed"]


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 256 numbers of float32 and 128 of float64, pieces of 128, strips of 64, runs of 32, groups of 8."""
    monkeypatch.setattr(cut, "BLOCK", 2**10)
    monkeypatch.setattr(cut, "PIECE", 2**7)
    monkeypatch.setattr(cut, "STRIP", 2**6)
    monkeypatch.setattr(cut, "GROUP", 2**3)
    monkeypatch.setattr(rows, "RUN", 2**5)


def logits(rng, n, m, dtype):
    """Return rows of several kinds: spread, confident, at an offset, tied, with huge gaps."""
    z = rng.standard_normal((n, m)) * np.exp(rng.uniform(-3, 4, (n, 1)))
    z[1::5] += rng.choice([-1e4, 1e6])
    z[2::5, -1] += 40.0
    z[3::5] = np.round(z[3::5])
    z[4::5] *= 1e3
    return z.astype(dtype)


def dense(rng, kind, y, n, m, dtype):
    """Return labels of one kind."""
    t = np.zeros((n, m), dtype)
    t[np.arange(n), y] = 1
    soft = rng.dirichlet(np.ones(m), n).astype(dtype) if m > 1 else t
    if kind == "soft":
        return soft
    if kind == "weighted":
        return t * rng.uniform(0.1, 3.0, (n, 1)).astype(dtype)
    if kind == "mixed":
        t[::3], t[1::4] = soft[::3], 0
    return t


def given(kind, n, m, dtype, seed=0):
    """Return logits, labels and the functions for these."""
    rng = np.random.default_rng([seed, n, m])
    z, y = logits(rng, n, m, dtype), rng.integers(m, size=n)
    y[2::5] = m - 1
    return z, y if kind == "sparse" else dense(rng, kind, y, n, m, dtype)


def calls(labels):
    """Return the blocked loss, gradient, and both for labels of this form."""
    return BOTH["sparse" if labels.ndim == 1 else "onehot"]


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
def test_it_equals_the_plain_form_within_grade_b_plus(shape, kind, dtype):
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
        part.store(values, got)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.usefixtures("small_blocks")
def test_narrow_formats_are_within_an_ulp_of_the_plain_form(kind, dtype):
    """They are worked on in float32 and rounded once."""
    z, labels = given(kind, 9, 300, np.float64)
    z, eps = np.clip(z, -50, 50).astype(dtype), float(ml_dtypes.finfo(dtype).eps)
    form = "sparse" if labels.ndim == 1 else "onehot"
    loss, gradient = calls(labels)[2](z, labels, "none")
    exact = getattr(plain, f"{form}_gradient")(z.astype(np.float64), labels, "none")
    expected = getattr(plain, f"{form}_loss")(z.astype(np.float64), labels, "none")
    np.testing.assert_allclose(loss.astype(float), expected, rtol=eps, atol=2e-6)
    np.testing.assert_allclose(gradient.astype(float), exact, rtol=eps, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("shape", [(300, 7), (40, 100), (9, 700)])
@pytest.mark.usefixtures("small_blocks")
def test_neither_threads_nor_other_rows_change_a_bit(shape, kind, dtype):
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


def test_large_inputs_share_their_rows_among_threads(monkeypatch):
    """Unasked, and to the same bits; small ones do not. So do the pieces of a row that is long enough alone."""
    begun = []
    submit = blocks._submit
    monkeypatch.setattr(blocks, "_submit", lambda count, *others: begun.append(count) or submit(count, *others))
    monkeypatch.setattr(blocks, "_processors", lambda: 3)
    for kind in ("sparse", "soft"):
        for shape, expected in (((1100, 1000), [2]), ((1, 1_000_003), [2, 2]), ((9, 100_000), [2]), ((60, 1000), [])):
            z, labels = given(kind, *shape, np.float32)
            begun.clear()
            loss, gradient = reference.loss_and_gradient(z, labels)
            assert begun == expected
            one = reference.loss_and_gradient(z, labels, threads=1)
            assert loss == one[0]
            np.testing.assert_array_equal(gradient, one[1])


def test_a_pool_that_cannot_start_is_done_without(monkeypatch):
    """As at the interpreter's end; and the child of a fork starts threads of its own."""
    z, y = given("sparse", 600, 1000, np.float32)
    expected = reference.loss(z, y, threads=1)
    stopped = blocks.ThreadPoolExecutor(1)
    stopped.shutdown()
    monkeypatch.setattr(blocks._KEPT, "executor", lambda size: stopped)
    assert reference.loss(z, y, threads=2) == expected
    monkeypatch.undo()
    blocks._KEPT.forget()
    assert reference.loss(z, y, threads=2) == expected


@pytest.mark.parametrize("threads", [0, -1])
def test_less_than_one_thread_is_refused(threads):
    """Whatever the size."""
    for n in (0, 1, 600):
        with pytest.raises(ValueError, match=f"threads is {threads}, but must be at least 1"):
            reference.loss(np.zeros((n, 1000), np.float32), np.zeros(n, int), threads=threads)


def test_what_a_thread_refuses_is_raised():
    """A label that is wrong in one block is named as it is in one row."""
    z, t = np.zeros((300, 1000), np.float32), np.zeros((300, 1000), np.float32)
    t[:, 0] = 1
    for bad in (-1.0, NAN, INF):
        t[298, 0], t[298, 7] = 1, bad
        with pytest.raises(ValueError, match=rf"labels\[298, 7\] is {bad}, but must be finite and not negative"):
            reference.loss_and_gradient(z, t, threads=4)
        t[298] = 0
        t[298, 7] = bad
        with pytest.raises(ValueError, match=rf"labels\[298, 7\] is {bad}"):
            reference.loss(z, t, threads=4)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["sparse", "onehot", "mixed"])
@pytest.mark.usefixtures("small_blocks")
def test_the_gradient_can_go_to_an_array_that_is_there(kind, layout, dtype):
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


def test_outputs_that_cannot_be_used_are_refused():
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


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, ">i4", np.float16, ml_dtypes.bfloat16, "f4", ">f4", ">f8"])
@pytest.mark.parametrize("m", [10, 130])
@pytest.mark.usefixtures("small_blocks")
def test_one_hot_rows_are_recognised_in_every_format(dtype, m):
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["sparse", "onehot"])
@pytest.mark.parametrize(
    "shape", [(210_000, 10), (21_000, 100), (16_384, 128), (2100, 1000), (210, 10_007), (8, 262_144)]
)
def test_memory_beside_the_gradient_is_a_tenth_of_the_logits(shape, kind, dtype):
    """There is no temporary as large as the logits, with one thread and with two."""
    n, m = shape
    z, y = np.ones(shape, dtype), np.arange(n) % m
    labels = y
    if kind == "onehot":
        labels = np.zeros(shape, dtype)
        labels[np.arange(n), y] = 1
    loss, _, both = calls(labels)
    for threads in (1, 2):
        assert peak(lambda t=threads: loss(z, labels, threads=t)) < 0.1 * z.nbytes
        assert peak(lambda t=threads: both(z, labels, threads=t)) < 1.1 * z.nbytes
        out = np.empty_like(z)
        assert peak(lambda t=threads, o=out: both(z, labels, out=o, threads=t)) < 0.1 * z.nbytes


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("shape", [(512, 3), (513, 3), (5000, 2), (3000, 128), (1300, 129)])
def test_losses_of_few_classes_are_added_up_in_groups(shape, kind):
    """They give the sum and the mean of the single losses, whose rounding errors may differ."""
    z, labels = given(kind, *shape, np.float64)
    losses = calls(labels)[0](z, labels, "none")
    for reduction, expected in (("sum", losses.sum()), ("mean", losses.mean())):
        for threads in (1, 3):
            loss = calls(labels)[0](z, labels, reduction, threads=threads)
            both = calls(labels)[2](z, labels, reduction, threads=threads)
            assert loss == both[0]
            np.testing.assert_allclose(loss, expected, rtol=1e-14)


def test_a_mean_is_finite_though_the_sum_of_a_group_is_not():
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


def peak(call):
    """Return how many bytes a call allocates at the most, what it returns included."""
    tracemalloc.start()
    try:
        result = call()
        del result
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.usefixtures("small_blocks")
def test_rows_at_the_rim_are_as_in_the_plain_form(kind, dtype):
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
def test_pieces_without_a_finite_logit(kind, dtype):
    """Whole pieces of a long row may be masked: as in the plain form, whether the label is among them or not."""
    rng = np.random.default_rng(5)
    z, y = rng.normal(0, 3, (6, 500)), np.array([7, 130, 131, 300, 499, 250])
    labels = y if kind == "sparse" else dense(rng, kind, y, 6, 500, np.dtype(dtype))
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
def test_factors_and_weights_beyond_the_dtype(dtype):
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


def test_labels_wider_than_the_logits_keep_their_digits():
    """Soft rows of float64 are not rounded to float32: where T p is tiny the gradient is -t to half an ulp."""
    z, t = np.array([[0.0, 50.0, 0.0]], np.float32), np.array([[0.1 + 2.0**-29, 0.2, 0.7]])
    exact = plain.onehot_gradient(z.astype(float), t)
    assert (np.abs(reference.gradient(z, t) - exact) <= 2.0**-24 * np.abs(exact)).all()
    wide = np.array([[2**24 + 1, 0, 1]])
    assert reference.loss(z, wide) == np.float32(plain.onehot_loss(z.astype(float), wide))


def test_every_thread_is_quiet():
    """No thread warns, whichever comes first."""
    meeting = threading.Barrier(2)

    def task(number, scratch):
        meeting.wait(60)
        np.subtract(np.array([INF]), np.array([INF]))

    with np.errstate(all="ignore"):
        blocks.share(task, 2, 2, 1000)


def test_settings_of_numpy_are_left_alone():
    """Also after an error: how it treats overflow, and the length of its buffer."""
    z, t = np.zeros((2, 1000), np.float32), np.zeros((2, 1000))
    before = np.geterr(), np.getbufsize()
    with np.errstate(all="raise"):
        inside = np.geterr(), np.getbufsize()
        reference.loss_and_gradient(z, t, threads=2)
        t[1, 1] = -1
        with pytest.raises(ValueError, match="not negative"):
            reference.loss_and_gradient(z, t)
        assert (np.geterr(), np.getbufsize()) == inside
    assert (np.geterr(), np.getbufsize()) == before
