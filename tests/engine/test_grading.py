"""How accurate an answer is said to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.engine.grading import NOTE, grade_answer, stated, worse
from xentcheck.properties.answer import Answer
from xentcheck.properties.batch_truth import Truth
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.grades import GRADES


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(("returned", "ulps"), [(1.0, 0.0), (1.0 + 2.0**-50, 4.0)])
def test_errors_of_huge_losses_are_counted_in_their_own_ulp(reduction, returned, ulps):
    """A mean beyond 2**996 has no enclosure in double-double arithmetic: python-flint tells how far off it is."""
    gap = 2.0**1020
    contract, batch = Contract(reduction=reduction), Batch(np.array([[gap, 0.0]]), np.array([1]), "sparse")
    loss = np.array([gap * returned]) if reduction == "none" else np.array(gap * returned)
    answer = Answer(contract, batch, Outcome(loss=loss), Truth(contract, batch, None, False))
    assert grade_answer(answer, "loss").ulp.value == pytest.approx(ulps, abs=1e-10)


def test_a_grade_of_fail_is_not_said_to_be_within_a_bound():
    """Of batches that fail, some element may well be within the wide bound: that excuses nothing."""
    good = grade_answer(answer(Contract(reduction="none"), np.zeros((1, 2)), [0], np.array([np.log(2.0)])), "loss")
    for grade, said in (("fail", ""), ("B", NOTE)):
        assert stated(replace(good, grade=grade, note=True), "loss", Contract(reduction="none")).note == said


CLIP = {"input": "probabilities", "boundary": {"clip": [1e-7, 1 - 1e-7]}, "reduction": "none"}


def answer(contract, scores, labels, loss, gradient=None):
    """Return what a target returned, beside the truth."""
    batch = Batch(np.asarray(scores), np.asarray(labels), "sparse")
    outcome = Outcome(loss=np.asarray(loss), gradient=gradient)
    return Answer(contract, batch, outcome, Truth(contract, batch, None, gradient is not None))


def clipped(p, dtype, read_in):
    """Return -log(clip(p, 1e-7, 1 - 1e-7)) with the limits read in one dtype, rounded once to another."""
    low, high = (float(np.asarray(limit).astype(read_in)) for limit in CLIP["boundary"]["clip"])
    return np.asarray(-np.log(np.clip(np.asarray(p, np.float64), low, high))).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("read_in", ["float64", "float32", "same"])
def test_every_reading_of_a_clip_is_measured_from_its_own_value(dtype, read_in):
    """A loss that is rounded once, from limits in float64, float32 or its own dtype, is off by half an ulp."""
    kind = FORMATS[dtype].dtype
    limits = kind if read_in == "same" else np.dtype(read_in)
    p = np.array([[1.0, 0.0], [1.0, 0.0], [0.25, 0.75]], kind)
    labels = np.array([0, 1, 0])
    if dtype == "float16" and read_in == "same":  # 1e-7 is subnormal there, and 1 - 1e-7 is 1
        assert float(np.asarray(1e-7).astype(kind)) > 1.1e-7
    contract = Contract(dtypes=[dtype], **CLIP)
    found = grade_answer(answer(contract, p, labels, clipped(p[np.arange(3), labels], kind, limits)), "loss")
    assert found.grade == "A*"
    assert found.ulp.value <= 0.5 + 1e-6
    assert found.share.value < 1.0


def test_a_value_between_two_readings_conforms_and_does_not_fail():
    """The loss of p = 1 is 1e-7 or 1.19e-7 in float32: 1.1e-7 is neither, but lies between; half of that fails."""
    contract = Contract(dtypes=["float32"], **CLIP)
    p = np.array([[1.0, 0.0]], np.float32)
    readings = sorted(float(clipped([1.0], np.float32, name)[0]) for name in ("float32", "float64"))
    assert readings[1] > 1.15 * readings[0]
    between = answer(contract, p, [0], np.array([sum(readings) / 2], np.float32))
    assert between.violation("loss") is None
    found = grade_answer(between, "loss")
    assert found.grade != "fail"
    # It is measured from the nearer of the two values, not from the interval nor from its far end.
    assert found.error.value == pytest.approx((readings[1] - readings[0]) / 2, rel=1e-5)


@pytest.mark.parametrize("accuracy", GRADES[:-1])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("boundary", [{"clip": [1e-7, 1 - 1e-7]}, {"add": 1e-8}, "exact"])
def test_what_conforms_never_fails_its_grade(accuracy, dtype, boundary):
    """Whatever is returned, in steps of the allowance: "fail" and a violation come together, or neither does."""
    contract = Contract(**{**CLIP, "boundary": boundary}, dtypes=[dtype], accuracy=accuracy)
    kind = FORMATS[dtype].dtype
    p = np.array([[1.0, 0.0], [0.5, 0.5], [1e-4, 1.0], [0.99, 0.01]], kind)
    truth = answer(contract, p, [0, 0, 0, 0], np.zeros(4))
    seen = set()
    for times in (0.0, 0.5, 0.99, -0.99, 1.5, 4.0, 1e3):
        loss = truth.enclosed.loss.hi + times * truth.allowances.loss
        judged = answer(contract, p, [0, 0, 0, 0], loss)
        found, broken = grade_answer(judged, "loss"), judged.violation("loss")
        seen.add(broken is None)
        if broken is None:
            assert found.grade != "fail"
            assert found.share.value <= 1.0
        else:
            assert found.share.value > 1.0
    assert seen == {True, False}


def test_an_infinity_that_is_allowed_is_not_a_failure():
    """A loss within its allowance of the largest number may be inf."""
    largest = float(np.finfo(np.float16).max)
    contract = Contract(dtypes=["float16"], reduction="sum")
    given = answer(contract, np.array([[0.0, largest]], np.float16), [0], np.array(np.inf, np.float16))
    found = grade_answer(given, "loss")
    assert given.violation("loss") is None
    assert found is None or found.grade != "fail"


def test_the_three_errors_are_kept_apart_and_each_with_its_batch():
    """The largest in ulp at a tiny loss, the largest in nats at a large one; the report names each batch."""
    contract = Contract(dtypes=["float64"], reduction="none")
    tiny = answer(contract, np.array([[700.0, 0.0]]), [0], np.array([2e-304]))
    large = answer(contract, np.array([[1000.0, 0.0]]), [1], np.array([1000.0 + 2.0**-40]))
    for order in ((tiny, large), (large, tiny)):
        found = None
        for one in order:
            found = worse(found, grade_answer(one, "loss"))
        report = stated(found, "loss", contract)
        assert report.max_ulp > 1e15
        assert report.got == 2e-304
        assert report.max_error.value == pytest.approx(2.0**-40, rel=1e-3)
        assert (report.max_error.part, report.max_error.got) == ("loss[0]", 1000.0 + 2.0**-40)
        # The allowance of the tiny loss is that of log(1 + 1e-304) computed as log(1): far above the error.
        assert 0.0 < report.max_share.value <= 1.0
