"""Enclosures at the edges: extreme logits, infinities, nan, nothing at all; and the float64 bounds of an enclosure."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from xentcheck.contract import Contract
from xentcheck.truth.certify import certify
from xentcheck.truth.enclose import Enclosed, enclose
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.problem import Problem, pose

INF, NAN = np.inf, np.nan
LARGEST = float(np.finfo(np.float64).max)


def sparse(scores: Any, labels: Any, **keys: Any) -> Problem:
    """Return a problem with sparse labels."""
    return pose(Contract(**keys), np.asarray(scores, np.float64), np.asarray(labels), "sparse")


def soft(scores: Any, labels: Any, **keys: Any) -> Problem:
    """Return a problem with soft labels."""
    return pose(Contract(labels=["soft"], **keys), np.asarray(scores, np.float64), np.asarray(labels), "soft")


def same(found: Enclosure, expected: Any) -> None:
    """Assert that an enclosure is exactly what is expected, nan and infinities included."""
    np.testing.assert_array_equal(found.hi, np.asarray(expected, np.float64))
    assert not found.lo.any()
    assert not found.radius.any()


def holds(found: Enclosure, index: tuple[int, ...], exact: mpf, relative: float, absolute: float = 0.0) -> None:
    """Assert that an enclosure holds a number and is no wider than it should be."""
    middle, radius = mpf(float(found.hi[index])) + mpf(float(found.lo[index])), mpf(float(found.radius[index]))
    assert abs(middle - exact) <= radius
    assert radius <= relative * abs(exact) + absolute


EXTREMES: dict[str, Any] = {
    "confident": [[0.0, -40.0, -45.0], [30.0, -700.0, -701.0], [0.0, -720.0, -744.0]],
    "wrong": [[-40.0, 0.0, 3.0], [-1e5, 0.0, 1.0], [-1e300, 1e300, 0.0]],
    "one ulp": [[1.0, 1.0 - 2.0**-53, 1.0], [2.0**-1074, 0.0, -(2.0**-1074)]],
    "far from zero": [[1e8, 1e8 + 1, 1e8 - 3], [-1e15, -1e15 + 0.125, -1e15], [1e200, 1e200, -1e200]],
    "stagnation": [[0.0, np.log(2.0**-53), np.log(2.0**-53)], [0.0, -36.7, -36.8]],
    "edge of the table": [[0.0, -745.1, -745.2], [0.0, -746.0, -745.9], [0.0, -708.3, -708.5]],
    "too large": [[LARGEST / 4, -LARGEST / 4, 0.0], [LARGEST / 2, LARGEST / 2, -LARGEST / 2]],
}


@pytest.mark.parametrize("family", EXTREMES)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_extreme_logits_are_enclosed_tightly(family: str, label: int) -> None:
    """Losses and label gradients keep their relative accuracy where everything is far apart, equal or tiny."""
    rows = np.array(EXTREMES[family])
    enclosed = enclose(sparse(rows, np.full(len(rows), label), reduction="none"))
    assert enclosed.gradient is not None
    with mpmath.workdps(800):
        for i, row in enumerate(rows):
            z = [mpf(float(x)) for x in row]
            top = int(np.argmax(row))
            e = [mpmath.exp(x - z[top]) if x - z[top] > -5000 else mpf(0) for x in z]
            others = sum(x for j, x in enumerate(e) if j != top)
            loss = mpmath.log1p(others) + (z[top] - z[label])
            tiny = 3 * 2.0**-1070
            holds(enclosed.rows, (i,), loss, 2.0**-66, tiny)
            for j in range(3):
                rest = sum(x for k, x in enumerate(e) if k != label)
                exact = (-rest if j == label else e[j]) / sum(e)
                holds(enclosed.gradient, (i, j), exact, 2.0**-66, tiny)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.floats(-1000, 1000, width=32), min_size=3, max_size=3), min_size=1, max_size=4),
    st.integers(0, 2),
)
def test_any_logits_are_held(rows: list[list[float]], label: int) -> None:
    """What certify proves with many bits lies in the fast enclosure, and that is narrow."""
    problem = sparse(rows, [label] * len(rows), reduction="mean")
    enclosed = enclose(problem)
    assert enclosed.gradient is not None
    for part, found in (("loss", enclosed.loss), ("rows", enclosed.rows), ("gradient", enclosed.gradient)):
        low, high = found.bounds()
        for index in np.ndindex(found.shape):
            least, most = certify(problem, part, index)
            assert low[index] <= most
            assert least <= high[index]
            assert found.radius[index] <= 2.0**-64 * abs(least) + 2.0**-1065


def test_masked_classes_drop_out() -> None:
    """A logit of -inf off the label has probability and gradient zero, and does not count."""
    masked = enclose(sparse([[1.0, -INF, 2.0, -INF]], [2], reduction="none"))
    plain = enclose(sparse([[1.0, 2.0]], [1], reduction="none"))
    assert masked.rows.hi == plain.rows.hi
    assert masked.gradient is not None
    assert plain.gradient is not None
    assert masked.gradient.hi[0, [1, 3]].tolist() == [0.0, 0.0]
    assert masked.gradient.hi[0, [0, 2]].tolist() == plain.gradient.hi[0].tolist()


def test_a_masked_label_costs_infinity_and_keeps_its_gradient() -> None:
    """A logit of -inf at the label: loss +inf, gradient p - t with p = 0 there."""
    enclosed = enclose(sparse([[-INF, 0.0, 0.0], [0.0, 0.0, 0.0]], [0, 0]))
    same(enclosed.rows[0], INF)
    same(enclosed.loss, INF)
    assert enclosed.gradient is not None
    assert enclosed.gradient.hi[0].tolist() == [-0.5, 0.25, 0.25]


def test_a_label_that_smoothing_leaves_nothing_of_may_be_masked() -> None:
    """Smoothing of 1 over the others gives the label no coefficient, so that its logit may be -inf."""
    keys = {"label_smoothing": 1.0, "smoothing_over": "others", "reduction": "none"}
    assert enclose(sparse([[-INF, 0.0, 0.0]], [0], **keys)).rows.hi[0] == pytest.approx(np.log(2), rel=1e-15)


def test_nan_outweighs_infinity_in_a_reduction() -> None:
    """The sum of an infinite and an undefined loss is undefined, in either order, and of an open one open."""
    rows = [[-INF, 0.0], [NAN, 0.0]]
    for order in (rows, rows[::-1]):
        same(enclose(sparse(order, [0, 0], reduction="sum")).loss, NAN)
    open_ = enclose(sparse([[0.0, 1.0], [-0.5, 1.5]], [0, 0], input="probabilities", reduction="sum")).loss
    assert open_.radius == INF


@pytest.mark.parametrize("row", [[NAN, 0.0], [INF, 0.0], [-INF, -INF], [INF, -INF]])
@pytest.mark.parametrize("label", [0, 1])
def test_undefined_rows_are_nan(row: list[float], label: int) -> None:
    """Nan or +inf anywhere, or -inf everywhere: loss, mean and the row's gradient are nan, other rows are not."""
    enclosed = enclose(sparse([[0.0, 0.0], row], [0, label]))
    same(enclosed.loss, NAN)
    same(enclosed.rows[1], NAN)
    assert enclosed.gradient is not None
    same(enclosed.gradient[1], [NAN, NAN])
    assert np.isfinite(enclosed.gradient.hi[0]).all()


def test_ignored_rows_are_zero_whatever_they_hold() -> None:
    """Rows that are not kept cost nothing and have no gradient, nan or not; the mean is over what is asked for."""
    scores, labels = [[NAN, 0.0], [0.0, 0.0], [INF, INF]], [-100, 1, -100]
    for over, share in (("rows", 3), ("kept", 1), ("weights", 1)):
        enclosed = enclose(sparse(scores, labels, ignore_index=-100, mean_over=over))
        same(enclosed.rows[[0, 2]], [0.0, 0.0])
        assert enclosed.gradient is not None
        same(enclosed.gradient[0], [0.0, 0.0])
        assert enclosed.loss.hi == pytest.approx(np.log(2) / share, rel=1e-15)


@pytest.mark.parametrize(("policy", "value"), [("nan", NAN), ("zero", 0.0), ("unspecified", NAN)])
@pytest.mark.parametrize("scores", [np.zeros((0, 3)), np.zeros((2, 3))])
def test_means_of_nothing_follow_the_policy(policy: str, value: float, scores: np.ndarray) -> None:
    """No rows, or only ignored ones: the mean is the contract's, the sum zero, and open policies are exposed."""
    labels = np.full(len(scores), 7)
    for reduction in ("mean", "sum", "none"):
        keys = {"reduction": reduction, "empty_mean": policy, "ignore_index": 7, "mean_over": "kept"}
        problem = sparse(scores, labels, **keys)
        enclosed = enclose(problem)
        expected = {"mean": value, "sum": 0.0, "none": np.zeros(len(scores))}[reduction]
        same(enclosed.loss, expected)
        assert enclosed.gradient is not None
        same(enclosed.gradient, np.zeros(scores.shape))
        assert enclosed.unspecified == (policy == "unspecified" and reduction == "mean")
        if reduction != "none":
            np.testing.assert_array_equal(certify(problem, "loss", ()), (expected, expected))


def test_a_mean_over_rows_of_which_none_is_kept_is_zero() -> None:
    """Dividing by the number of rows is never a division by zero while there are rows."""
    same(enclose(sparse([[0.0, 1.0]], [5], ignore_index=5, mean_over="rows")).loss, 0.0)


@pytest.mark.parametrize(("policy", "value"), [("nan", NAN), ("zero", 0.0)])
def test_weights_of_zero_only_are_a_mean_of_nothing(policy: str, value: float) -> None:
    """If every label's weight is zero the divisor is zero: kept rows follow the policy, ignored ones stay zero."""
    keys = {"class_weights": [0.0, 1.0], "mean_over": "weights", "empty_mean": policy, "ignore_index": 9}
    problem = sparse([[0.0, 1.0], [0.0, 0.0]], [0, 9], **keys)
    enclosed = enclose(problem)
    same(enclosed.loss, value)
    assert enclosed.gradient is not None
    same(enclosed.gradient, [[value, value], [0.0, 0.0]])
    np.testing.assert_array_equal(certify(problem, "gradient", (0, 1)), (value, value))
    assert certify(problem, "gradient", (1, 1)) == (0.0, 0.0)


@pytest.mark.parametrize("policy", ["unspecified", "nan", "zero"])
@pytest.mark.parametrize("more", [{"label_smoothing": 0.5, "smoothing_weights": "class"}, {"z_loss": 1.0}], ids=str)
def test_something_over_a_weight_of_zero_is_undeclared(policy: str, more: dict[str, Any]) -> None:
    """What smoothing or a z-loss leaves in the numerator makes it x / 0: inf, as torch has it, or nan."""
    keys = {"class_weights": [1.0, 0.0], "mean_over": "weights", "empty_mean": policy, "ignore_index": 9}
    assert enclose(sparse([[0.0, 0.0]], [1], **keys, **more)).unspecified
    assert not enclose(sparse([[0.0, 0.0]], [0], **keys, **more)).unspecified
    assert enclose(sparse([[0.0, 0.0]], [9], **keys, **more)).unspecified == (policy == "unspecified")
    assert enclose(sparse([[0.0, 0.0]], [1], **keys)).unspecified == (policy == "unspecified")


def test_a_weight_of_zero_silences_an_infinite_cost() -> None:
    """0 log 0 = 0: a label of weight zero and probability zero costs nothing."""
    keys = {"class_weights": [0.0, 1.0], "reduction": "none"}
    for problem in (
        sparse([[-INF, 0.0]], [0], **keys),
        sparse([[0.0, 1.0]], [0], input="probabilities", **keys),
        sparse([[-INF, 0.0]], [0], input="log_probabilities", **keys),
        soft([[-INF, 0.0, 1.0]], [[0.0, 0.0, 0.0]], reduction="none"),
    ):
        enclosed = enclose(problem)
        assert enclosed.gradient is not None
        for found in (enclosed.rows, enclosed.gradient):
            assert not found.hi.any()
            assert (found.radius <= 2.0**-1050).all()


def test_soft_labels_on_masked_classes() -> None:
    """-inf logits: nothing where the target is zero, an infinite loss where it is not."""
    targets = [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]]
    enclosed = enclose(soft([[0.0, 0.0, -INF]] * 2, targets, reduction="none"))
    assert enclosed.rows.hi[0] == pytest.approx(np.log(2), rel=1e-15)
    same(enclosed.rows[1], INF)
    assert enclosed.gradient is not None
    assert enclosed.gradient.hi.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.5, -0.5]]


@pytest.mark.parametrize("targets", [[[NAN, 1.0]], [[INF, 0.0]], [[-0.5, 1.5]]])
def test_targets_that_make_no_sense_leave_the_row_open(targets: list[list[float]]) -> None:
    """Targets that are not finite, or negative where the cost is infinite, are not judged."""
    problem = soft([[-INF, 0.0]], targets)
    enclosed = enclose(problem)
    assert enclosed.loss.radius == INF
    assert certify(problem, "loss", ()) == (-INF, INF)


def test_targets_that_cannot_be_renormalised_leave_the_row_open() -> None:
    """A row of zeros cannot be divided by its sum; other rows are enclosed as ever."""
    enclosed = enclose(soft([[0.0, 0.0]] * 2, [[0.0, 0.0], [3.0, 1.0]], soft_rows="renormalised", reduction="none"))
    assert enclosed.rows.radius[0] == INF
    assert enclosed.rows.hi[1] == pytest.approx(np.log(2), rel=1e-15)


def probabilities(scores: Any, labels: Any = (0,), **keys: Any) -> Enclosed:
    """Return the enclosures of a problem on probabilities, rows not reduced."""
    return enclose(sparse(scores, labels, input="probabilities", reduction="none", **keys))


def test_a_probability_of_zero_at_the_label() -> None:
    """Without a boundary the loss is +inf, with one it is finite; so is a zero off the label."""
    same(probabilities([[0.0, 1.0]]).rows, [INF])
    assert probabilities([[0.0, 1.0]], boundary={"add": 1e-7}).rows.hi[0] == pytest.approx(-np.log(1e-7), rel=1e-15)
    assert probabilities([[0.0, 1.0]], boundary={"clip": [1e-7, 1.0]}).rows.hi[0] == pytest.approx(-np.log(1e-7))
    assert probabilities([[0.0, 1.0]], [1]).rows.hi[0] == 0.0
    same(probabilities([[0.0, 1.0]], boundary={"clip": [0.0, 1.0]}).rows, [INF])


def test_derivatives_by_a_probability_of_zero() -> None:
    """-t/p is -inf at a label of probability zero, and 0 off the label."""
    problem = sparse([[0.0, 1.0]], [0], input="probabilities", gradient_wrt="probabilities", reduction="none")
    enclosed = enclose(problem)
    assert enclosed.gradient is not None
    same(enclosed.gradient, [[-INF, 0.0]])
    assert certify(problem, "gradient", (0, 0)) == (-INF, -INF)
    problem = sparse([[-INF, 1.0]], [0], gradient_wrt="probabilities", reduction="none")
    assert enclose(problem).gradient.hi.tolist() == [[-INF, 0.0]]  # type: ignore[union-attr]


def test_an_exact_probability_of_one_with_eps_is_a_small_negative() -> None:
    """-log(1 + eps) is negative, and the enclosure says so."""
    rows = probabilities([[1.0, 0.0]], boundary={"add": 1e-12}).rows
    low, high = rows.bounds()
    assert low[0] <= high[0] < 0
    with mpmath.workdps(60):
        holds(rows, (0,), -mpmath.log1p(mpf(1e-12)), 2.0**-60)


def test_constants_that_round_to_zero_leave_the_row_open_above() -> None:
    """1e-12 is zero in float16: with p = 0 the loss is -log(1e-12) or infinite, so anything above is right."""
    contract = Contract(input="probabilities", boundary={"add": 1e-12}, reduction="none", dtypes=["float16"])
    problem = pose(contract, np.array([[0.0, 1.0]], np.float16), np.array([0]), "sparse")
    assert enclose(problem).rows.radius[0] == INF
    assert certify(problem, "rows", (0,)) == (-INF, INF)
    other = pose(contract.replace(gradient_of="loss"), np.array([[0.0, 1.0]], np.float16), np.array([0]), "sparse")
    assert (enclose(other).gradient.radius == INF).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("boundary", ["exact", {"add": 1e-3}, {"normalise": True}])
def test_negative_probabilities_are_open_where_the_logarithm_does_not_exist(boundary: Any) -> None:
    """A negative probability at the label is not judged, one off the label only matters for the row's sum."""
    assert probabilities([[-0.5, 1.5]], boundary=boundary).rows.radius[0] == INF
    off = probabilities([[-0.5, 1.5]], [1], boundary=boundary).rows.radius[0]
    assert (off == INF) == (boundary == {"normalise": True})
    assert probabilities([[-1e-4, 1.0]], boundary={"add": 1e-3}).rows.hi[0] == pytest.approx(-np.log(9e-4))
    assert probabilities([[-0.5, 1.0]], boundary={"clip": [0.5, 1.0]}).rows.hi[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("kind", ["probabilities", "log_probabilities"])
def test_undefined_entries_of_probabilities(kind: str) -> None:
    """A nan at the label is nan; elsewhere, or an infinity, leaves the row open: algorithms may not even look."""
    keys = {"input": kind, "reduction": "none"}
    at = enclose(sparse([[NAN, 0.5]], [0], **keys))
    same(at.rows, [NAN])
    assert at.gradient is not None
    assert (at.gradient.radius == INF).all()
    for bad in (NAN, INF):
        off = enclose(sparse([[bad, 0.5]], [1], **keys))
        assert off.rows.radius[0] == INF
    nothing = [[0.0 if kind == "probabilities" else -INF] * 2]
    same(enclose(sparse(nothing, [0], boundary={"normalise": True}, **keys)).rows, [NAN])


def test_log_probabilities_of_minus_infinity() -> None:
    """A probability of zero: infinite at the label, finite with a boundary, nothing elsewhere."""
    keys = {"input": "log_probabilities", "reduction": "none"}
    same(enclose(sparse([[-INF, 0.0]], [0], **keys)).rows, [INF])
    same(enclose(sparse([[-INF, 0.0]], [1], **keys)).rows, [0.0])
    found = enclose(sparse([[-INF, 0.0]], [0], boundary={"add": 1e-7}, **keys)).rows
    assert found.hi[0] == pytest.approx(-np.log(1e-7))


def test_what_float64_cannot_hold_is_unknown_to_enclose_and_bounded_by_certify() -> None:
    """A loss beyond the range of float64 has an infinite radius; certify knows that it is above the largest number."""
    problem = sparse([[LARGEST, -LARGEST]], [1], reduction="none")
    assert enclose(problem).rows.radius[0] == INF
    assert certify(problem, "rows", (0,)) == (LARGEST, INF)
    total = sparse([[LARGEST, 0.0]] * 3, [1, 1, 1], reduction="sum")
    assert enclose(total).loss.radius == INF
    assert certify(total, "loss", ()) == (LARGEST, INF)


def test_rows_beyond_the_fast_arithmetic_are_evaluated_by_the_slow_one() -> None:
    """Sizes at which splitting a product overflows are enclosed as tightly as any."""
    problem = sparse([[2.0**1010, 0.0]], [1], reduction="none", class_weights=[1.0, 0.75])
    enclosed = enclose(problem)
    assert enclosed.rows.hi[0] == 0.75 * 2.0**1010
    assert enclosed.rows.radius[0] <= 2.0**900
    steep = sparse([[-730.0, 0.0]], [0], gradient_wrt="probabilities", reduction="none")
    found = enclose(steep).gradient
    assert found is not None
    assert found.radius[0, 0] == INF
    assert certify(steep, "gradient", (0, 0)) == (-INF, -LARGEST)


def test_without_gradient() -> None:
    """Asked for the loss alone, the gradient is None and the loss the same."""
    problem = sparse([[1.0, 2.0, 4.0]], [1])
    alone = enclose(problem, gradient=False)
    assert alone.gradient is None
    assert alone.loss.hi == enclose(problem).loss.hi


def test_enclosing_changes_nothing_around() -> None:
    """Scores keep their bits, and numpy's error state and python-flint's precision are as before."""
    import flint

    scores = np.array([[1e308, -1e308], [NAN, 0.0]])
    problem = sparse(scores, [1, 0])
    before = (problem.scores.copy(), np.geterr(), flint.ctx.prec)
    enclose(problem)
    certify(problem, "rows", (0,))
    np.testing.assert_array_equal(problem.scores, before[0])
    assert (np.geterr(), flint.ctx.prec) == before[1:]


def test_bounds_are_rounded_outward_and_no_further_than_needed() -> None:
    """Float64 bounds hold the exact ends, are their close to them, and keep what is exact."""
    random = np.random.default_rng(0)
    hi = np.concatenate([random.standard_normal(200), [1.0, 0.0, 5.0, 1.0, -1.0]])
    lo = np.concatenate([hi[:200] * random.uniform(-1, 1, 200) * 2.0**-54, [2.0**-60, 0.0, 0.0, 0.0, -(2.0**-54)]])
    radius = np.concatenate(
        [np.abs(hi[:200]) * 2.0 ** random.uniform(-80, 1, 200), [0.0, 0.0, 0.0, 2.0**-70, 2.0**-70]]
    )
    low, high = Enclosure(hi, lo, radius).bounds()
    for h, t, r, a, b in zip(hi, lo, radius, low, high, strict=True):
        least, most = Fraction(h) + Fraction(t) - Fraction(r), Fraction(h) + Fraction(t) + Fraction(r)
        assert Fraction(a) <= least
        assert most <= Fraction(b)
        step = 2 * Fraction(np.spacing(max(abs(h), r)))
        assert least - step < Fraction(a)
        assert Fraction(b) < most + step
    assert (low[201:203].tolist(), high[201:203].tolist()) == ([0.0, 5.0], [0.0, 5.0])


def test_bounds_of_what_is_not_finite() -> None:
    """Infinities and nan are their own bounds, an infinite radius has infinite ones, overflow stays finite inside."""
    found = Enclosure(
        np.array([NAN, INF, -INF, 1.0, LARGEST, -LARGEST]),
        np.zeros(6),
        np.array([0.0, 0.0, 0.0, INF, LARGEST / 4, LARGEST / 4]),
    )
    low, high = found.bounds()
    np.testing.assert_array_equal(low[:4], [NAN, INF, -INF, -INF])
    np.testing.assert_array_equal(high[:4], [NAN, INF, -INF, INF])
    assert high[4] == INF
    assert 0 < low[4] <= LARGEST * 0.75
    assert low[5] == -INF
    assert -LARGEST * 0.75 <= high[5] < 0
    assert found[1:3].shape == (2,)


@pytest.mark.parametrize("undefined", [[1], [0, 1], [1, 2], [0, 3], [1, 3]])
def test_rows_around_undefined_ones_are_those_of_a_batch_without_them(undefined: list[int]) -> None:
    """Loss and gradient of each row go to its own place, wherever the rows lie that are not evaluated."""
    scores, labels = np.array([[0.5, 0.0, 1.0], [3.0, -1.0, 0.0], [-2.0, 0.25, 0.0], [7.0, 1.0, 8.0]]), [0, 1, 2, 0]
    whole = enclose(sparse(scores, labels, reduction="none"))
    scores[undefined, 0] = NAN
    found = enclose(sparse(scores, labels, reduction="none", nonfinite=["nan"]))
    for part in ("loss", "gradient"):
        high, expected = getattr(found, part).hi, getattr(whole, part).hi.copy()
        expected[undefined] = NAN
        np.testing.assert_array_equal(high, expected)


def test_a_loss_is_enclosed_whose_gradient_is_left_open():
    """The entropy of [1/2, 1/2, 0] is log 2, and its derivative by the last probability is infinite or nothing."""
    problem = sparse([[0.5, 0.5, 0.0]], [0], output="entropy", input="probabilities", gradient_wrt="probabilities")
    found = enclose(problem)
    with mpmath.workdps(40):
        holds(found.rows, (0,), mpmath.log(2), 1e-25)
    assert found.gradient is not None
    assert np.isinf(found.gradient.radius).all()
