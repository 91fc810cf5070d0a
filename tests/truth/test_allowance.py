"""The allowances: what a dtype within, a contract and the rim of the range make of them, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from tests.truth.bounding import Row, allowances
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.allowance_gradient import row_gradients
from xentcheck.truth.allowance_model import conforming
from xentcheck.truth.conditions import conditions
from xentcheck.truth.grades import tight
from xentcheck.truth.problem import pose


def test_a_sum_in_float16_is_told_from_one_in_float32():
    """A running sum of 4,097 ones stops at 2,048 in float16: off by log 2, far more than float32 sums may be."""
    assert allowances(np.zeros((1, 4097), np.float16), [0], reduction="none").loss[0] < 0.005
    found = allowances(np.zeros((1, 4097), np.float16), [0], reduction="none", compute="same").loss[0]
    assert 0.02 < found < 0.2
    small = np.full((1, 4097), -9.5, np.float16)  # e^-9.5 may be flushed to 0, all 4,096 of them
    small[0, 0] = 0
    assert allowances(small, [0], reduction="none", compute="same").loss[0] > 4096 * np.exp(-9.5)


@pytest.mark.parametrize(("m", "bounded"), [(60_000, True), (65_519, False), (65_537, False)])
def test_a_sum_that_is_rounded_to_float16_may_be_inf(m, bounded):
    """With compute=same the sum of m exponentials of 1 is a float16: 65,520 of them are inf, as the format has it."""
    with np.errstate(over="ignore"):
        assert np.isfinite(np.float16(65_519))
        assert np.isinf(np.float16(65_520))
    ones = np.zeros((1, m), np.float16)
    found = allowances(ones, [0], reduction="none", compute="same")
    assert np.isfinite(found.loss).all() == np.isfinite(found.gradient).all() == bounded
    assert np.isfinite(allowances(ones, [0], reduction="none").loss).all()  # float32 inside
    apart = np.full((1, m), -8.0, np.float16)  # many classes, and a small sum
    apart[0, 0] = 0.0
    assert np.isfinite(allowances(apart, [0], reduction="none", compute="same").loss).all()


def test_a_scale_does_not_scale_underflow():
    """p/n may underflow although p does not: eta stays whole."""
    z, y = np.zeros((1000, 2), np.float32), np.zeros(1000, int)
    z[:, 0] = 80
    assert (allowances(z, y).gradient > 14 * 2.0**-126).all()


@pytest.mark.parametrize("accuracy", ["A", "A*"])
def test_accuracy_in_ulp(accuracy):
    """1, or 0.5 + 2**-10, ulp of the output at the exact value, and half a subnormal step."""
    ulps = {"A": 1.0, "A*": 0.5 + 2.0**-10}[accuracy]
    z, y = np.array([[0.0, 1.0], [0.0, -80.0]], np.float32), [0, 0]
    found = allowances(z, y, reduction="none", accuracy=accuracy)
    L = np.array([np.log1p(np.e), np.exp(-80)])
    expected = ulps * np.spacing(L.astype(np.float32)).astype(np.float64) + 2.0**-150
    assert found.loss == pytest.approx(expected, rel=1e-12, abs=0)
    assert found.rows == pytest.approx(expected, rel=1e-12, abs=0)
    assert found.gradient[0, 1] == pytest.approx(ulps * 2.0**-24 + 2.0**-150, rel=1e-12, abs=0)
    mean = allowances(z, y, accuracy=accuracy).loss
    assert mean == pytest.approx(ulps * 2.0**-24 + 2.0**-150, rel=1e-12, abs=0)
    half = allowances(z.astype(np.float64), y, reduction="none", accuracy=accuracy, output_dtype="float32")
    assert half.loss == pytest.approx(expected, rel=1e-12, abs=0)
    assert np.isinf(allowances(np.array([[3e38, -3e38]], np.float32), [0], accuracy=accuracy).loss)


def test_sixteen_bits_are_summed_in_float32_unless_declared():
    """The terms of h are those of float32; native accumulation is judged while u h <= 1/4."""
    z = np.zeros((2, 400), np.float16)
    expected = allowances(z, [0, 1], reduction="none", compute="same").loss[0]
    native = allowances(z, [0, 1], reduction="none", compute="float16").loss[0]
    assert native - expected > 399 * 2.0**-11
    assert expected < 0.51 * native
    assert np.isinf(allowances(np.zeros((1, 600), np.float16), [0], compute="float16").loss)
    assert np.isfinite(allowances(np.zeros((1, 600), np.float16), [0]).loss)
    assert np.isinf(allowances(np.zeros((600, 2), np.float16), np.zeros(600, int), compute="float16").loss)
    assert np.isfinite(allowances(np.zeros((600, 2), np.float16), np.zeros(600, int)).loss)


def test_a_wider_dtype_inside_tightens():
    """Float64 inside for float32: one rounding of the output and what float64 loses."""
    z, y = np.array([[0.5, -1.0, 2.0]], np.float32), [0]
    wide = allowances(z, y, reduction="none", compute="float64")
    plain = allowances(z, y, reduction="none")
    L = float(conditions(pose(Contract(), z, np.array(y), "sparse")).L[0])
    assert wide.loss[0] == pytest.approx(2.0**-24 * L, rel=1e-5, abs=0)
    assert (wide.gradient < plain.gradient).all()
    mean = allowances(z, y, compute="float64")
    assert mean.loss == pytest.approx(3 * 2.0**-24 * L, rel=1e-5, abs=0)


def test_a_gradient_in_the_dtype_of_the_scores_is_judged_by_it():
    """A float32 loss of bfloat16 scores keeps its allowance; a bfloat16 gradient has roundings to 8 bits more."""
    z, y = np.array([[0.5, -1.0, 2.0]], ml_dtypes.bfloat16), np.array([0])
    contract = Contract(dtypes=["bfloat16"], output_dtype="float32", reduction="none")
    wide = pose(contract, z, y, "sparse")
    narrow = replace(wide, gradient_as_scores=True)
    of_wide, of_narrow = (conformance(problem, conditions(problem)) for problem in (wide, narrow))
    assert of_narrow.loss == of_wide.loss
    assert of_narrow.gradient == pytest.approx(allowances(z, y, reduction="none").gradient, rel=1e-15)
    p = np.array([float(p) for p in Row(z[0], [1, 0, 0]).p])
    rounded = [1.0, p[1], p[2]]  # at the label the softmax and the difference to 1: p + (1 - p)
    assert of_narrow.gradient[0] - of_wide.gradient[0] == pytest.approx(2.0**-8 * np.array(rounded), rel=1e-4)
    for form in ("R", "B", "C", "B*", "C*"):
        graded, plain = tight(narrow, conditions(narrow))[form], tight(wide, conditions(wide))[form]
        assert graded.loss == plain.loss
        assert (graded.gradient > 100 * plain.gradient).all()


def test_a_narrower_dtype_inside_widens():
    """Float64 logits that are converted to float32 first: each logit is off by u |z|."""
    z, y = np.array([[100.5, 99.0, 103.0]]), [0]
    found = allowances(z, y, reduction="none", compute="float32")
    assert found.loss[0] > 2 * 2.0**-24 * 103
    assert found.loss[0] < 1e-3
    assert (found.gradient[0] > 1e-7).all()
    for kind, scores in (("probabilities", [[0.25, 0.75]]), ("log_probabilities", [[-1.4, -0.3]])):
        narrow = allowances(scores, y, input=kind, compute="float32", reduction="none")
        assert (narrow.loss > 1e6 * allowances(scores, y, input=kind, reduction="none").loss).all()


@pytest.mark.parametrize(
    ("z", "y", "form", "contract"),
    [
        ([[3e38, -3e38]], [0], "sparse", {}),
        ([[1.0, -np.inf]], [0], "sparse", {}),
        ([[1.0, -np.inf]], [[1.0, 0.0]], "onehot", {}),
        ([[np.nan, 0.0]], [0], "sparse", {}),
        ([[np.inf, 0.0]], [0], "sparse", {}),
        ([[1e5, 1e5]], [0], "sparse", {"dtypes": "float16"}),
        ([[3e4, 0.0]], [0], "sparse", {"dtypes": "float16", "compute": "same"}),
        ([[1.0, 0.0]], [[0.0, 0.0]], "soft", {"soft_rows": "renormalised"}),
    ],
)
def test_where_no_finite_bound_exists(z, y, form, contract):
    """Overflow on the way, undeclared infinities and nan, targets that cannot be renormalised."""
    contract = dict(contract)
    dtype = contract.pop("dtypes", "float32")
    with np.errstate(over="ignore"):
        found = allowances(np.array(z).astype(dtype), y, form, **contract)
    assert np.isinf(found.rows).all()
    assert np.isinf(found.loss)
    assert np.isinf(found.gradient).all()


def test_declared_infinities_are_judged():
    """A masked class has the allowance of the row without it; an infinite or undefined loss has to be that."""
    kinds = ["-inf", "+inf", "nan"]
    z = np.array([[1.0, 2.0, -np.inf]] * 2 + [[np.nan, 0.0, 1.0], [np.inf, 0.0, 1.0]])
    for form, labels in (("sparse", [0, 2, 0, 0]), ("onehot", np.eye(3)[[0, 2, 0, 0]])):
        found = allowances(z, labels, form, reduction="none", nonfinite=kinds)
        assert 0 < found.rows[0] < 1e-13
        assert found.rows[1:].tolist() == [0.0, 0.0, 0.0]
        assert (found.gradient[0] > 0).all()
        assert (found.gradient[2:] == 0).all()
        total = allowances(z, labels, form, reduction="sum", nonfinite=kinds).loss
        assert total == 0


def test_smoothing_over_a_sum_that_overflows():
    """The uniform part sums -log p over all classes before eps/m: no bound where that leaves the range."""
    z = np.zeros((1, 1000), np.float16)
    z[0, 0] = 200
    assert np.isinf(allowances(z, [0], label_smoothing=0.1, compute="same").loss)
    assert np.isfinite(allowances(z, [0], label_smoothing=0.1).loss)  # float32 holds it
    assert np.isfinite(allowances(z, [0], compute="same").loss)
    lp = np.full((1, 1000), -100, np.float16)
    assert np.isinf(allowances(lp, [0], input="log_probabilities", label_smoothing=0.1, compute="same").loss)


def test_a_sum_beyond_the_largest_number():
    """Rightly infinite as a sum; as a mean of float16 it is judged, since float32 holds the sum."""
    z = np.zeros((3000, 2), np.float16)
    z[:, 0] = 50
    y = np.ones(3000, int)
    assert np.isinf(allowances(z, y, reduction="sum").loss)
    assert np.isfinite(allowances(z, y).loss)
    assert np.isinf(allowances(z, y, compute="float16").loss)
    z = np.zeros((10, 2), np.float32)
    z[:, 0] = 8e37
    assert np.isinf(allowances(z, np.ones(10, int)).loss)


def test_class_c_has_a_bound_only_near_zero():
    """exp(z - lse) is meaningless once u |lse| > 1/4, logsumexp - z_y once 4 u |lse| > 8."""
    assert np.isfinite(allowances(np.array([[3e5, 3e5]], np.float32), [0], accuracy="C").gradient).all()
    assert np.isinf(allowances(np.array([[1e7, 1e7]], np.float32), [0], accuracy="C").gradient).all()
    assert np.isfinite(allowances(np.array([[1e7, 1e7]], np.float32), [0], accuracy="C").loss)
    assert np.isinf(allowances(np.array([[1e8, 1e8]], np.float32), [0], accuracy="C").loss)
    assert np.isfinite(allowances(np.array([[1e8, 1e8]], np.float32), [0]).gradient).all()


@pytest.mark.parametrize(("policy", "expected"), [("unspecified", np.inf), ("nan", 0.0), ("zero", 0.0)])
def test_a_mean_of_nothing(policy, expected):
    """The contract's policy holds exactly, or nothing is judged."""
    found = allowances(np.zeros((2, 3)), [-1, -1], mean_over="kept", ignore_index=-1, empty_mean=policy)
    assert found.loss == expected
    assert (found.gradient == (0.0 if policy == "zero" else np.inf)).all()
    empty = allowances(np.zeros((0, 3)), np.zeros(0, int), empty_mean=policy)
    assert empty.loss == expected
    assert empty.gradient.shape == (0, 3)
    none = allowances(np.zeros((2, 2)), [0, 0], class_weights=(0.0, 1.0), mean_over="weights", empty_mean=policy)
    assert none.loss == expected


def test_no_rows_and_one_class():
    """A sum of nothing is exactly 0; a single class costs nothing but what underflows."""
    empty = allowances(np.zeros((0, 3), np.float32), np.zeros(0, int), reduction="sum")
    assert empty.loss == 0
    assert empty.rows.shape == (0,)
    one = allowances(np.array([[5.0]]), [0], reduction="none")
    assert 0 < one.loss[0] < 1e-14
    assert one.gradient.shape == (1, 1)


def test_rows_too_many_for_a_bound_but_all_zero():
    """Native float16 sums of 1000 ignored rows: zeros sum exactly."""
    found = allowances(
        np.zeros((1000, 2), np.float16), np.full(1000, -1), reduction="sum", ignore_index=-1, compute="float16"
    )
    assert found.loss == 0
    weighted = allowances(
        np.zeros((1000, 2), np.float16),
        np.zeros(1000, int),
        class_weights=(1.0, 1.0),
        mean_over="weights",
        compute="float16",
    )
    assert np.isinf(weighted.loss)
    assert np.isinf(weighted.gradient).all()


def test_what_a_contract_cannot_ask_is_not_judged():
    """A gradient by the probabilities behind logits, or behind log-probabilities."""
    for kind in ("logits", "log_probabilities"):
        assert np.isinf(allowances([[-1.0, -0.5]], [0], input=kind, gradient_wrt="probabilities").gradient).all()


def test_poles_and_zero_over_zero():
    """-c/p at p = 0: no bound at the label, nor for dense labels at 0/0; index labels leave the others 0."""
    p = np.array([[0.0, 1.0]])
    stated = {"input": "probabilities", "gradient_wrt": "probabilities", "reduction": "none"}
    assert np.isinf(allowances(p, [0], **stated).gradient[0, 0])
    assert np.isfinite(allowances(p, [1], **stated).gradient).all()
    dense = allowances(p, [[0.0, 1.0]], "onehot", **stated).gradient
    assert np.isinf(dense[0, 0])
    assert np.isfinite(dense[0, 1])
    smoothed = allowances(p, [1], label_smoothing=0.1, **stated).gradient
    assert np.isinf(smoothed[0, 0])
    both = allowances(p, [1], label_smoothing=0.1, boundary={"normalise": True}, **stated).gradient
    assert np.isinf(both).all()


def test_the_side_of_a_clip():
    """Where rounding decides whether a probability lies within the clip, the row's gradient is left open."""
    stated = {"input": "probabilities", "gradient_of": "loss", "reduction": "none", "boundary": {"clip": [0.25, 0.75]}}
    p = np.array([[0.25, 0.75], [0.3, 0.7], [0.2, 0.8], [np.nextafter(0.25, 1), 0.75]])
    for wrt in ("logits", "probabilities"):
        found = allowances(p, [0, 0, 0, 0], gradient_wrt=wrt, **stated).gradient
        assert np.isinf(found).all(axis=1).tolist() == [True, False, False, True]
    tiny = {**stated, "boundary": {"clip": [1e-42, 1.0]}}
    q = np.array([[1e-41, 0.5]], np.float32)
    assert np.isinf(allowances(q, [0], gradient_wrt="probabilities", **tiny).gradient[0]).all()
    assert np.isinf(allowances(q, [0], **tiny).loss[0])
    for normal, decided in ((1.2e-38, False), (3e-38, True)):  # the limit may be read as the smallest normal number
        q = np.array([[normal, 0.5]], np.float32)
        assert np.isfinite(allowances(q, [0], gradient_wrt="probabilities", **tiny).gradient).all() == decided


def test_tiny_coefficients_may_be_flushed():
    """eps/m below the smallest normal number may become 0: so much of the loss may be missing."""
    m, eps = 1000, 1e-35
    z = np.zeros((1, m), np.float32)
    found = allowances(z, [0], label_smoothing=eps, reduction="none")
    without = allowances(z, [0], reduction="none")
    assert found.gradient[0, 1] > eps / m
    assert found.loss[0] > without.loss[0]


def test_z_loss_widens():
    """The squared logsumexp brings its own error, its gradient too; none where lse^2 may overflow."""
    z, y = np.array([[100.0, 101.0]]), [0]
    plain, penalised = allowances(z, y, reduction="sum"), allowances(z, y, reduction="sum", z_loss=0.1)
    assert penalised.loss > plain.loss + 2 * 0.1 * 100 * 2.0**-53
    assert (penalised.gradient > plain.gradient).all()
    assert np.isinf(allowances(np.array([[300.0, 301.0]], np.float16), y, z_loss=0.1, compute="same").loss)
    stated = {"gradient_of": "loss", "boundary": {"add": 1e-3}}
    bounded = allowances(z, y, z_loss=0.1, **stated).gradient
    assert (bounded > allowances(z, y, **stated).gradient).all()


def test_weights_of_soft_rows_and_boundaries():
    """Weighted, smoothed, renormalised coefficients behind every kind of input widen, and stay finite."""
    t = np.array([[1.0, 2.0, 1.0]])
    p = np.array([[0.2, 0.3, 0.5]])
    every = {"class_weights": (1.0, 2.0, 3.0), "label_smoothing": 0.1, "soft_rows": "renormalised", "reduction": "none"}
    for kind, scores in (("logits", np.log(p)), ("log_probabilities", np.log(p)), ("probabilities", p)):
        for boundary in ("exact", {"add": 1e-3}, {"clip": [1e-3, 1.0 - 1e-3]}):
            for wrt in ("logits", kind):
                stated = {"input": kind, "boundary": boundary, "gradient_of": "loss", "gradient_wrt": wrt}
                found = allowances(scores, t, "soft", **stated, **every)
                plain = allowances(scores, t / 4, "soft", reduction="none", soft_rows="any", **stated)
                assert np.isfinite(found.loss).all()
                assert np.isfinite(found.gradient).all()
                assert (found.loss > plain.loss).all()
                assert (found.gradient > plain.gradient).all()
    assert np.isfinite(allowances(np.log(p), t, "soft", accuracy="C", **every).loss).all()


def test_no_warnings_at_the_rim():
    """Values near the largest float, infinities and nan rows raise no warning anywhere (warnings are errors)."""
    largest = np.finfo(np.float64).max
    z = np.array([[largest, -largest, 0.0], [np.nan] * 3, [np.inf] * 3, [-np.inf] * 3, [1.0, -np.inf, 2.0]])
    labels = np.array([0, 1, 2, 0, 1])
    for accuracy in ("A*", "A", "B+", "B", "C"):
        for more in ({}, {"z_loss": 0.1}, {"label_smoothing": 0.1}, {"class_weights": (1.0, 0.0, 2.0)}):
            found = allowances(z, labels, accuracy=accuracy, reduction="none", **more)
            assert not np.isnan(found.loss).any()
            assert not np.isnan(found.gradient).any()
            assert np.isinf(found.loss).all()
    for kind in ("probabilities", "log_probabilities"):
        for boundary in ("exact", {"add": 1e-7}, {"clip": [1e-7, 1 - 1e-7]}, {"normalise": True}):
            for of in ("ideal", "loss"):
                for wrt in ("logits", kind):
                    contract = {"input": kind, "boundary": boundary, "gradient_of": of, "gradient_wrt": wrt}
                    for given in (z, np.abs(z), np.zeros((5, 3))):
                        found = allowances(given, labels, reduction="none", **contract)
                        assert not np.isnan(found.loss).any()
                        assert not np.isnan(found.gradient).any()


@pytest.mark.parametrize(("classes", "bounded"), [(400, True), (600, False)])
def test_probabilities_of_many_classes_summed_natively(classes, bounded):
    """A gradient T p - t in float16 has a bound as long as u h is at most 1/4: up to 513 classes."""
    p, t = np.full((1, classes), 1.0 / classes, np.float16), np.zeros((1, classes), np.float16)
    t[0, :2] = 0.5
    found = allowances(p, t, "soft", input="probabilities", compute="float16", reduction="sum", soft_rows="any")
    assert np.isfinite(found.gradient).all() == bounded


@pytest.mark.parametrize("compute", [None, "same"])
@pytest.mark.parametrize("classes", [100, 500, 2049])
def test_probabilities_above_the_smallest_normal_number_are_not_spared(compute, classes):
    """With equal logits no float16 gradient may be 0 off the label while p is a normal number.

    But at the last place of the maximum, which may have the rounding of the sum of all, and is as small itself. The
    first and the last of each of four lanes may have that of a lane.
    """
    found = allowances(np.zeros((1, classes), np.float16), [0], reduction="none", compute=compute)
    assert (found.gradient[0, 4:-4] < 0.11 / classes).all()
    assert (found.gradient[0, 1:-1] < 0.12 / classes).all()
    # Below it, a flush to 0 is legitimate.
    spared = allowances(np.zeros((1, 20_000), np.float16), [0], reduction="none", compute=compute)
    assert (spared.gradient[0, 1:] > 1 / 20_000).all()


@pytest.mark.parametrize(
    ("keys", "shifted"),
    [
        ({}, True),
        ({"output": "entropy"}, True),
        ({"boundary": {"add": 1e-7}, "gradient_of": "loss"}, True),
        ({"accuracy": "B+"}, False),
        ({"gradient_of": "p - t", "soft_rows": "any", "labels": ["soft"]}, False),
        ({"input": "probabilities"}, False),
        ({"input": "probabilities", "output": "entropy"}, False),
        ({"input": "probabilities", "gradient_of": "loss"}, False),
    ],
    ids=str,
)
def test_the_last_place_has_the_rounding_of_a_sum_where_a_maximum_may_be_differentiated(keys, shifted):
    """Not where that would lose what is promised, where p - t is no derivative, or probabilities need no maximum.

    The first and the last of each of up to 32 lanes may have something of it, too.
    """
    scores = np.full((1, 1024), "input" in keys, np.float32)  # a probability of 1 is as large as one can be
    labels, form = (np.eye(1024)[[3]], "soft") if "labels" in keys else (np.array([3]), "sparse")
    problem = pose(Contract(reduction="none", **keys), scores, labels, form)
    allowed = conformance(problem, conditions(problem)).gradient[0]
    assert (allowed[[0, -1]] > 100 * allowed[500]).tolist() == [shifted] * 2
    merged = shifted and "output" not in keys
    assert (allowed[[1, 2, -32, -2]] > allowed[500]).tolist() == [merged] * 4
    assert (allowed[160:-160] == allowed[500]).all()
    plain = tight(problem, conditions(problem))["B"].gradient[0]
    assert plain[-1] == plain[1]


@pytest.mark.parametrize("m", [5, 50])
def test_of_dense_labels_the_sum_of_all_errors_is_at_the_maximum(m):
    """There is no label whose element is made otherwise than by subtraction: each one's error is in the sum."""
    random = np.random.default_rng(1)
    z = random.normal(scale=0.5, size=(1, m)).astype(np.float32)
    z[0, 0] = 2.0
    labels = random.random((1, m))
    problem = pose(Contract(labels=["soft"], reduction="none"), z, labels / labels.sum(), "soft")
    on, by = conditions(problem), conforming(problem, "B")
    allowed = conformance(problem, on).gradient[0]
    assert allowed[0] > 1.05 * row_gradients(on, by, through_maximum=False).error[0, 1:].sum()


def test_a_z_loss_of_next_to_nothing_leaves_nearly_all_as_it_is():
    """A backward pass may round the sum with it once more; the element at the label is made as without it."""
    found = [
        allowances(np.array([[3.0, 0.0, 1.0, -2.0]], np.float32), [3], reduction="none", z_loss=strength).gradient[0]
        for strength in (0.0, 2.0**-60)
    ]
    assert (found[1] >= found[0]).all()
    assert (found[1] < 1.15 * found[0]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_upstream_of_zero_leaves_nothing_to_round(dtype):
    """Nothing times finite numbers is nothing exactly, even where others underflow beside it."""
    z = np.array([[3.0, 0.0, 1.0], [3.0, 0.0, 1.0]], dtype)
    declared = Contract(reduction="none", dtypes=[dtype])
    problem = pose(declared, z, np.array([0, 1]), "sparse", upstream=np.array([0.0, np.finfo(dtype).tiny], dtype))
    allowed = conformance(problem, conditions(problem)).gradient
    assert (allowed[0] == 0.0).all()
    assert (allowed[1] > np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("keys", [{}, {"gradient_of": "loss"}, {"output": "entropy"}], ids=str)
def test_probabilities_that_are_divided_by_their_sum_have_a_gradient_of_some_digits(keys):
    """Of four ordinary ones some tens of units in the last place, of terms below 10, are all that is lost."""
    scores = np.array([[0.5, 0.25, 0.125, 0.0625], [0.5, 1.5, 0.25, 0.75]], np.float32)
    stated = {"input": "probabilities", "boundary": {"normalise": True}, "gradient_wrt": "probabilities"}
    found = allowances(scores, [0, 3], reduction="none", **stated, **keys).gradient
    assert (found < 500 * 2.0**-24).all()
    assert (found > 2.0**-26).any()
