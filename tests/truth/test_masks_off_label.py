"""-inf promised off the label alone: which rows are judged, to what value, and what is seen of the others."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import xentcheck
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import pose
from xentcheck.zoo import bugs_masks, right_calls

INF = np.inf
ROWS = np.array([[0.5, -INF, 2.0], [-INF, 1.0, 0.25], [-INF, -INF, 1.0], [-INF, -INF, -INF]])
OFF = ("-inf off the label",)


def unjudged(scores, labels, form="sparse", nonfinite=OFF, **more):
    """Return which rows are not judged."""
    contract = Contract(reduction="none", labels=(form,), nonfinite=nonfinite, **more)
    return conditions(pose(contract, np.asarray(scores), np.asarray(labels), form)).unjudged.tolist()


@pytest.mark.parametrize(
    ("labels", "keys", "expected"),
    [
        ([0, 1, 2, 0], {}, [False, False, False, True]),
        ([1, 0, 1, 2], {}, [True] * 4),
        ([1, 0, 1, 2], {"nonfinite": ("-inf", *OFF)}, [False] * 4),
        ([1, 0, 1, 2], {"nonfinite": ("+inf", "nan")}, [True] * 4),
        ([0, 1, 2, 0], {"label_smoothing": 0.1}, [True] * 4),
        ([1, 0, 2, -100], {"ignore_index": -100}, [True, True, False, False]),
        ([0, 0, 2, 2], {"class_weights": (0.0, 1.0, 1.0), "reduction": "sum"}, [False, True, False, True]),
    ],
)
def test_rows_with_a_masked_label_are_not_judged(labels, keys, expected):
    """A label at -inf, one of weight 0 too, and a share of smoothing; ignored rows have no label."""
    more = {key: value for key, value in keys.items() if key != "reduction"}
    assert unjudged(ROWS, labels, **more) == expected


def test_shares_of_dense_rows_count():
    """Every class of a soft row that is not 0."""
    soft = [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [0.1, 0.0, 0.9], [0.0, 0.0, 0.0]]
    assert unjudged(ROWS, soft, "soft", soft_rows="any") == [False, False, True, False]


def test_the_value_is_that_without_the_class():
    """Against mpmath; loss, gradient and allowances are those of "-inf"."""
    scores, labels = ROWS[:3], np.array([0, 1, 2])
    found, other = (
        pose(Contract(reduction="none", nonfinite=kinds), scores, labels, "sparse") for kinds in (OFF, ("-inf",))
    )
    enclosed = enclose(found)
    with mpmath.workdps(40):
        for i, label in enumerate(labels):
            present = [mpmath.mpf(z) for z in scores[i] if z > -INF]
            total = mpmath.fsum(mpmath.exp(z) for z in present)
            low, high = enclosed.loss[i].bounds()
            assert low <= mpmath.log(total) - mpmath.mpf(scores[i, label]) <= high
            for j in range(3):
                p = mpmath.exp(scores[i, j]) / total if scores[i, j] > -INF else mpmath.mpf(0)
                low, high = enclosed.gradient[i, j].bounds()
                assert low <= p - (j == label) <= high
    ours, theirs = (conformance(one, conditions(one)) for one in (found, other))
    np.testing.assert_array_equal(ours.loss, theirs.loss)
    np.testing.assert_array_equal(ours.gradient, theirs.gradient)
    assert np.isfinite(ours.loss).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_masked_label_is_seen_and_an_absent_class_is_judged():
    """A finite cost of a masked label conforms and breaks `-inf`; the product with 0 falls under both."""
    right, bug = right_calls.masked_label_costs_a_number, bugs_masks.masked_class_times_zero
    quick = {"dtypes": ["float32"], "reduction": "none"}
    report = xentcheck.check(right.loss, gradient=right.gradient, contract={**right.contract, **quick})
    assert report.findings == ()
    assert "minus-infinity" in {law.name for law in report.properties if law.status == "passed"}
    assert any("-inf at the label: not declared" in line for line in report.observations)
    strict = xentcheck.check(
        right.loss, contract={"nonfinite": ["-inf"], **quick}, properties=["value"], fail_fast=True
    )
    assert [found.property for found in strict.findings] == ["value"]
    wrong = xentcheck.check(bug.loss, contract=bug.contract, properties=["minus-infinity"], fail_fast=True)
    assert [found.property for found in wrong.findings] == ["minus-infinity"]
