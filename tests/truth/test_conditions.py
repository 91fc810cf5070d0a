"""The condition quantities: right to nine digits, and defined whatever the scores hold."""

from __future__ import annotations

import ml_dtypes
import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import Problem, pose


def posed(z, labels, form="sparse", options=None, **contract) -> Problem:
    """Return the problem of scores under a contract."""
    z = np.asarray(z)
    declared = Contract(dtypes=[z.dtype.name], labels=[form], **contract)
    return pose(declared, z, np.asarray(labels), form, options)


def close(got, expected) -> bool:
    """Whether two numbers agree to nine digits."""
    return abs(float(got) - float(expected)) <= 1e-9 * abs(float(expected)) + 1e-300


@pytest.mark.parametrize(
    "row",
    [
        [0.3, -1.2, 2.0],
        [1e4 + 0.5, 1e4, 1e4 - 3],
        [0.0, -60.0, -80.0],
        [0.0, 0.0, 0.0],
        [-700.0, -1400.0, -720.0],
        [5.0],
    ],
)
def test_quantities_of_a_row_of_logits(row):
    """Every quantity against its definition at 60 digits, for each label."""
    with mpmath.workdps(60):
        z = [mpmath.mpf(x) for x in row]
        M = max(z)
        e = [mpmath.exp(x - M) for x in z]
        S = mpmath.fsum(e)
        p = [x / S for x in e]
        for y in range(len(row)):
            on = conditions(posed([row], [y]))
            rest = mpmath.fsum(x for j, x in enumerate(p) if j != y)
            expected = {
                "s": S - 1, "S": S, "l": mpmath.log(S), "q": (S - 1) / S, "lse": M + mpmath.log(S), "gap": M - z[y],
                "D": mpmath.fsum(a * (M - b) for a, b in zip(p, z, strict=True)), "L": mpmath.log(S) + M - z[y],
                "cross_entropy": mpmath.log(S) + M - z[y], "T": 1, "rest": rest, "p_label": p[y],
                "weighted_scores": abs(z[y]), "magnitude": max(abs(x) for x in z),
            }  # fmt: skip
            for name, value in expected.items():
                assert close(getattr(on, name)[0], value), (name, y)
            assert all(close(a, b) for a, b in zip(on.p[0], p, strict=True))
            assert all(close(a, b - M) for a, b in zip(on.d[0], z, strict=True))
            assert on.c.tolist() == [[float(j == y) for j in range(len(row))]]


def test_a_confident_row_keeps_its_relative_accuracy():
    """The loss of [0, -60] at 0 is exp(-60), not 0."""
    on = conditions(posed([[0.0, -60.0]], [0]))
    assert on.S[0] == 1.0
    assert on.L[0] == pytest.approx(np.exp(-60), rel=1e-12, abs=0)
    assert on.rest[0] == pytest.approx(np.exp(-60), rel=1e-12, abs=0)


def test_soft_labels_smoothing_and_weights():
    """Coefficients under both smoothings and both kinds of weights."""
    z, t, w = np.zeros((1, 4)), np.array([[0.5, 0.25, 0.25, 0.0]]), (1.0, 2.0, 3.0, 4.0)
    every = {"soft_rows": "normalised", "label_smoothing": 0.2}
    smoothed = 0.8 * t + 0.05
    assert conditions(posed(z, t, "soft", **every)).c == pytest.approx(smoothed)
    others = 0.8 * t + 0.2 * (1 - t) / 3
    assert conditions(posed(z, t, "soft", smoothing_over="others", **every)).c == pytest.approx(others)
    label = conditions(posed(z, t, "soft", class_weights=w, **every))
    assert label.c == pytest.approx(1.75 * smoothed)
    assert pytest.approx([1.75]) == label.T
    assert label.coefficients.weight == pytest.approx([1.75])
    by_class = conditions(posed(z, t, "soft", class_weights=w, smoothing_weights="class", **every))
    assert by_class.c == pytest.approx(np.array(w) * smoothed)
    assert label.coefficients.several.all()
    assert label.gap == pytest.approx([0.0])
    assert pytest.approx([1.75 * np.log(4)]) == label.L


def test_dense_labels_with_one_coefficient_count_as_sparse():
    """One-hot rows, weighted or not, have one nonzero coefficient; smoothed ones do not."""
    z, t = np.array([[1.0, 2.0, 0.0]]), np.array([[0.0, 0.0, 1.0]])
    on = conditions(posed(z, t, "onehot", class_weights=(1.0, 2.0, 3.0)))
    assert not on.coefficients.several.any()
    assert on.coefficients.label.tolist() == [2]
    assert pytest.approx(3 * conditions(posed(z, [2])).L) == on.L
    assert conditions(posed(z, t, "onehot", label_smoothing=0.1)).coefficients.several.all()


def test_renormalised_rows():
    """Rows are divided by their sum; one of zeros has no loss."""
    t = np.array([[2.0, 2.0], [0.0, 0.0]])
    on = conditions(posed(np.zeros((2, 2)), t, "soft", soft_rows="renormalised"))
    assert on.c.tolist() == [[0.5, 0.5], [0.0, 0.0]]
    assert on.L[0] == pytest.approx(np.log(2))
    assert np.isnan(on.L[1])
    assert on.unjudged.tolist() == [False, True]


def test_deviation_only_where_rows_are_promised_to_sum_to_one():
    """|1 - sum t|, times the largest weight."""
    z, t = np.zeros((1, 2)), np.array([[0.5, 0.25]])
    assert conditions(posed(z, t, "soft")).coefficients.deviation.tolist() == [0.25]
    assert conditions(posed(z, t, "soft", class_weights=(1.0, 3.0))).coefficients.deviation.tolist() == [0.75]
    assert conditions(posed(z, t, "soft", soft_rows="any")).coefficients.deviation.tolist() == [0.0]


def test_ignored_rows_count_nothing():
    """Loss, coefficients and weight are 0, whatever the row holds."""
    z = np.array([[1.0, 2.0], [np.nan, np.inf]])
    on = conditions(posed(z, [0, -100], ignore_index=-100, class_weights=(2.0, 3.0)))
    assert on.L[1] == on.T[1] == on.coefficients.weight[1] == 0
    assert on.coefficients.weight[0] == 2
    dense = conditions(posed(z, [0, -100], ignore_index=-100, label_smoothing=0.1))
    assert dense.c[1].tolist() == [0.0, 0.0]
    assert dense.L[1] == 0


def test_smoothing_over_the_others_of_a_single_class():
    """There are no others: what is taken away goes nowhere."""
    on = conditions(posed([[3.0]], [0], label_smoothing=0.25, smoothing_over="others"))
    assert on.c.tolist() == [[0.75]]


@pytest.mark.parametrize(
    ("row", "label", "loss", "kinds"),
    [
        ([0.0, -np.inf], 0, 0.0, ["-inf"]),
        ([0.0, -np.inf], 1, np.inf, ["-inf"]),
        ([-np.inf, -np.inf], 0, np.nan, ["-inf"]),
        ([np.inf, 0.0], 0, np.nan, ["+inf"]),
        ([np.nan, 0.0], 1, np.nan, ["nan"]),
        ([np.nan, np.inf], 1, np.nan, ["nan", "+inf"]),
        ([1.7e308, -1.7e308], 1, np.inf, []),
    ],
)
def test_infinities_and_nan_in_logits(row, label, loss, kinds):
    """A loss that is infinite or undefined says so; the other quantities stay finite. Undeclared: not judged."""
    z = np.array([row, [1.0, 2.0]])
    for form, labels in (("sparse", [label, 0]), ("onehot", np.eye(2)[[label, 0]])):
        on = conditions(posed(z, labels, form, nonfinite=kinds))
        assert on.L[0] == loss or (np.isnan(loss) and np.isnan(on.L[0]))
        assert not on.unjudged.any()
        for name in ("p", "D", "q", "l", "lse", "S", "magnitude", "rest", "near", "weighted_scores"):
            assert np.isfinite(getattr(on, name)).all(), name
        expected = [bool(kinds), False]
        assert conditions(posed(z, labels, form)).unjudged.tolist() == expected


def test_no_rows_and_one_class():
    """Shapes (0, m) and (n, 1)."""
    on = conditions(posed(np.zeros((0, 3)), np.zeros(0, int)))
    assert on.p.shape == (0, 3)
    assert on.L.shape == on.rest.shape == on.weighted_scores.shape == (0,)
    on = conditions(posed(np.array([[7.0], [-1e300]]), [0, 0]))
    assert on.L.tolist() == on.D.tolist() == on.rest.tolist() == [0.0, 0.0]


def test_z_loss_adds_the_squared_logsumexp():
    """Lambda lse^2 beside the cross-entropy, not in ignored rows."""
    z = np.array([[1.0, 2.0], [1.0, 2.0]])
    on = conditions(posed(z, [0, -1], z_loss=0.5, ignore_index=-1))
    assert pytest.approx([on.cross_entropy[0] + 0.5 * np.logaddexp(1, 2) ** 2, 0]) == on.L


@pytest.mark.parametrize(
    ("boundary", "expected"),
    [
        ("exact", [0.25, 0.75]),
        ({"add": 0.01}, [0.26, 0.76]),
        ({"clip": [0.3, 0.7]}, [0.3, 0.7]),
        ({"normalise": True}, [0.25, 0.75]),
    ],
)
def test_probabilities_and_their_boundaries(boundary, expected):
    """The loss is that of the bounded probability, from probabilities, log-probabilities and logits alike."""
    p = np.array([[0.25, 0.75], [0.25, 0.75]])
    for kind, scores in (("probabilities", p), ("log_probabilities", np.log(p)), ("logits", np.log(p) + 3)):
        on = conditions(posed(scores, [0, 1], input=kind, boundary=boundary))
        assert pytest.approx(-np.log(expected)) == on.L
        assert on.p == pytest.approx(p)
        assert on.log_boundary[0] == pytest.approx(np.log(expected))


def test_rows_are_divided_by_their_sum():
    """Probabilities by their sum, log-probabilities by a softmax; a row of zeros has no loss."""
    p = np.array([[0.5, 1.5], [0.0, 0.0]])
    on = conditions(posed(p, [0, 0], input="probabilities", boundary={"normalise": True}))
    assert on.L[0] == pytest.approx(-np.log(0.25))
    assert on.unjudged.tolist() == [False, True]
    on = conditions(posed(np.log(p[:1]), [0], input="log_probabilities", boundary={"normalise": True}))
    assert on.L[0] == pytest.approx(-np.log(0.25))
    assert on.softmax


@pytest.mark.parametrize(
    ("row", "loss", "unjudged"),
    [
        ([0.0, 1.0], np.inf, False),
        ([np.nan, 1.0], np.nan, True),
        ([-0.5, 1.5], np.nan, True),
        ([np.inf, 1.0], np.nan, True),
    ],
)
def test_hard_probabilities(row, loss, unjudged):
    """Zero costs infinity; what is no probability is not judged unless it is declared."""
    on = conditions(posed([row], [0], input="probabilities"))
    assert on.L[0] == loss or np.isnan(loss) == np.isnan(on.L[0])
    assert on.unjudged.tolist() == [unjudged]


def test_zero_times_log_zero_is_zero():
    """A class with probability 0 and target 0 costs nothing."""
    on = conditions(posed([[0.0, 1.0]], [[0.0, 1.0]], "onehot", input="probabilities"))
    assert on.L.tolist() == [0.0]
    on = conditions(posed([[-np.inf, 0.0]], [[0.0, 1.0]], "soft", input="log_probabilities", nonfinite=["-inf"]))
    assert on.L.tolist() == [0.0]
    assert on.magnitude.tolist() == [0.0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_format_is_read_exactly(dtype):
    """Scores are converted to float64 without a rounding."""
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    z = np.array([[0.1, 0.2, 0.7]]).astype(kind)
    on = conditions(posed(z, [1]))
    wide = z.astype(np.float64)
    assert on.L[0] == pytest.approx(np.log(np.exp(wide).sum()) - wide[0, 1], rel=1e-12)


def test_a_weight_of_zero_times_an_infinite_loss_is_left_open():
    """Of the probability 0 at the label; a weight of 2 makes it an infinity that is judged."""
    keys = {"input": "probabilities", "reduction": "none", "row_weights": {"argument": "weights"}}
    rows = [[0.0, 1.0], [0.5, 0.5]]
    for weight in (0.0, 2.0):
        found = conditions(posed(rows, [0, 1], options={"row_weights": np.array([weight, 1.0])}, **keys))
        assert found.unjudged.tolist() == [weight == 0, False]
