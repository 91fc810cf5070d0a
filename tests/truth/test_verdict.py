"""Verdicts on values planted on either side of an allowance."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from xentcheck.contract import Contract
from xentcheck.truth import certify as certification
from xentcheck.truth import decisions, verdict
from xentcheck.truth.certify import certify
from xentcheck.truth.decisions import PROVING
from xentcheck.truth.enclose import enclose
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.verdict import Held, hold

INF, NAN = np.inf, np.nan
LARGEST = float(np.finfo(np.float64).max)


def problem(n: int = 3, m: int = 4, **keys: Any) -> Problem:
    """Return random logits with sparse labels."""
    random = np.random.default_rng(0)
    return pose(Contract(**keys), random.standard_normal((n, m)) * 3, random.integers(0, m, n), "sparse")


def held(given: Problem, part: str, got: Any, allowance: Any, **options: Any) -> Held:
    """Return the verdict on numbers for one part of a problem."""
    enclosed = enclose(given)
    found = {"rows": enclosed.rows, "loss": enclosed.loss, "gradient": enclosed.gradient}[part]
    assert found is not None
    allowance = np.broadcast_to(np.asarray(allowance, np.float64), found.shape)
    return hold(given, part, np.asarray(got, np.float64), found, allowance, **options)


def nearest(given: Problem, part: str) -> np.ndarray:
    """Return the enclosure's centres: exact values rounded to float64."""
    enclosed = enclose(given)
    return np.array({"rows": enclosed.rows, "loss": enclosed.loss, "gradient": enclosed.gradient}[part].hi)


@pytest.mark.parametrize("part", ["rows", "loss", "gradient"])
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("size", [1e-12, 1e-17, 1e-30])
def test_planted_errors_are_told_apart(part: str, reduction: str, size: float) -> None:
    """Just inside half an allowance passes; just outside fails, and only there."""
    given = problem(reduction=reduction)
    exact = nearest(given, part)
    got = exact + 1e-3
    allowance = np.abs(got - exact)
    slack = max(size, 1e-16) * 10
    inside = held(given, part, got, allowance * (1 + 1e-12) + slack)
    assert not inside.failed.any()
    assert (inside.times <= 1).all()
    assert inside.worst() is None
    outside = held(given, part, got, allowance * (1 - 1e-12) - slack)
    assert outside.failed.all()
    assert (outside.times > 1).all()
    assert (outside.error >= 0.999e-3).all()


def test_one_of_many_is_found() -> None:
    """A single wrong element is the only one that fails, and the worst says all about it."""
    given = problem(reduction="none")
    got = nearest(given, "gradient")
    got[1, 2] += 1e-9
    result = held(given, "gradient", got, 1e-10)
    assert np.argwhere(result.failed).tolist() == [[1, 2]]
    miss = result.worst()
    assert miss is not None
    assert (miss.index, miss.got, miss.allowance) == ((1, 2), got[1, 2], 1e-10)
    assert miss.bounds() == certify(given, "gradient", (1, 2))
    assert miss.exact == pytest.approx(miss.bounds()[0], rel=1e-15)
    assert miss.times == pytest.approx(10, rel=1e-5)


def test_an_allowance_within_the_last_bits_is_decided_by_ball_arithmetic() -> None:
    """Allowances a hair around the true distance of a float64, much closer than the enclosure's radius."""
    given = problem(reduction="none", n=1)
    low, high = certify(given, "rows", (0,))
    got = np.array([high])
    from xentcheck.truth.arb_arrays import precision
    from xentcheck.truth.certify import balls

    with precision(300):
        exact = balls(given, "rows", (0,), np.zeros((0, 1), np.int64), 300)[0]
        distance = float(abs(arb(high) - exact))
    for step, outside in ((-1, True), (1, False)):
        allowance = distance * (1 + step * 2.0**-50)
        blurred = enclose(given).rows
        blurred = Enclosure(blurred.hi, blurred.lo, blurred.radius + 2 * (high - low))
        result = hold(given, "rows", got, blurred, np.array([allowance]))
        assert result.failed.tolist() == [outside]
        assert result.undecided == 0
        assert (result.times[0] > 1) == outside
        assert result.error[0] == pytest.approx(distance)


def test_undecided_gradients_of_one_row_are_decided_together() -> None:
    """A blurred enclosure leaves every element to ball arithmetic, which finds the one that is wrong."""
    given = problem(reduction="none", n=2)
    enclosed = enclose(given).gradient
    assert enclosed is not None
    got = np.array(enclosed.hi)
    got[1, 3] += 1e-6
    blurred = Enclosure(enclosed.hi, enclosed.lo, enclosed.radius + 1e-5)
    result = hold(given, "gradient", got, blurred, np.full(got.shape, 1e-9))
    assert np.argwhere(result.failed).tolist() == [[1, 3]]
    assert result.undecided == 0


def test_what_exceeds_the_budget_is_counted_and_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no more ball arithmetic to spend, undecided elements are reported as such and never as failures."""
    monkeypatch.setattr(decisions, "DECIDING", 4)
    given = problem(reduction="none", n=3)
    rows = enclose(given).rows
    blurred = Enclosure(rows.hi, rows.lo, rows.radius + 1e-5)
    result = hold(given, "rows", rows.hi + 1e-6, blurred, np.full(3, 1e-9))
    assert result.failed.tolist() == [True, False, False]
    assert result.undecided == 2


def test_an_exact_value_is_held_to_an_allowance_of_nothing() -> None:
    """With an allowance of 0 the exact value passes, -0 for 0 too, and anything else fails infinitely."""
    given = pose(Contract(reduction="none"), np.zeros((1, 2)), np.array([0]), "sparse")
    gradient = enclose(given).gradient
    assert gradient is not None
    result = hold(given, "gradient", np.array([[-0.5, 0.5]]), gradient, np.zeros((1, 2)))
    assert not result.failed.any()
    one = pose(Contract(reduction="none"), np.zeros((1, 1)), np.array([0]), "sparse")
    assert not held(one, "rows", [-0.0], 0.0).failed.any()
    wrong = held(one, "rows", [5e-324], 0.0)
    assert wrong.failed.tolist() == [True]
    assert wrong.times.tolist() == [INF]


def test_infinite_allowances_are_never_failed() -> None:
    """Where there is no bound nothing is judged, whatever comes back."""
    given = pose(Contract(reduction="none"), np.array([[-INF, 0.0]] * 6), np.array([0, 0, 0, 1, 1, 1]), "sparse")
    result = held(given, "rows", [NAN, 3.0, -INF, NAN, INF, 77.0], INF)
    assert not result.failed.any()
    assert result.times.tolist() == [0.0] * 6
    assert not held(given, "rows", [NAN] * 6, NAN).failed.any()


def test_non_finite_values_in_place_of_finite_ones() -> None:
    """Not a number, or infinite: fails infinitely where the exact value and allowance are finite."""
    result = held(problem(reduction="none"), "rows", [NAN, INF, -INF], 1e300)
    assert result.failed.all()
    assert result.times.tolist() == result.error.tolist() == [INF] * 3
    miss = result.worst()
    assert miss is not None
    assert miss.times == INF


def test_exact_infinities_and_nan_ask_for_the_same() -> None:
    """+inf passes only for +inf, nan only for nan."""
    rows = np.array([[-INF, 0.0]] * 4 + [[NAN, 0.0]] * 3)
    given = pose(Contract(reduction="none"), rows, np.zeros(7, int), "sparse")
    result = held(given, "rows", [INF, -INF, NAN, 1e308, NAN, INF, 0.0], 1.0)
    assert result.failed.tolist() == [False, True, True, True, False, True, True]
    assert result.times[[0, 4]].tolist() == [0.0, 0.0]
    miss = result.worst()
    assert miss is not None
    assert miss.exact == INF
    assert miss.bounds() == (INF, INF)


@pytest.mark.parametrize(("name", "value"), [("float16", 65504.0), ("float32", FORMATS["float32"].largest)])
def test_overflow_of_the_result_format(name: str, value: float) -> None:
    """Infinity is right where the exact value, give or take the allowance, leaves the range of the result's format."""
    scores = np.array([[value, 0.0]]).astype(name)
    given = pose(Contract(reduction="none", dtypes=[name]), scores, np.array([1]), "sparse")
    allowance = value * 2.0**-8
    assert not held(given, "rows", [INF], allowance).failed.any()
    assert held(given, "rows", [-INF], allowance).failed.all()
    assert held(given, "rows", [NAN], allowance).failed.all()
    half = pose(Contract(reduction="none", dtypes=[name]), scores / 2, np.array([1]), "sparse")
    assert held(half, "rows", [INF], allowance).failed.all()
    assert held(given, "rows", [INF], allowance, result_format=FORMATS["float64"]).failed.all()


def test_values_beyond_the_range_of_float64() -> None:
    """Where even float64 overflows, infinity and the largest numbers are right, nan and others are not."""
    scores = np.array([[LARGEST, -LARGEST]] * 5)
    given = pose(Contract(reduction="none"), scores, np.ones(5, int), "sparse")
    result = held(given, "rows", [INF, NAN, -INF, 1.0, LARGEST], LARGEST * 2.0**-40)
    assert result.failed.tolist() == [False, True, True, True, True]
    assert not held(given, "rows", [LARGEST] * 5, LARGEST).failed.any()


def test_subtractions_that_overflow_are_decided() -> None:
    """A number at the other end of the range is found wrong although the difference is not representable."""
    given = pose(Contract(reduction="none"), np.array([[LARGEST / 1.5, 0.0]]), np.array([1]), "sparse")
    assert held(given, "rows", [-LARGEST], 1.0).failed.tolist() == [True]


def test_rows_that_the_contract_leaves_open_pass() -> None:
    """Where nothing is promised, anything passes: negative probabilities at the label."""
    given = pose(
        Contract(input="probabilities", reduction="none"), np.array([[-0.5, 1.5]] * 3), np.zeros(3, int), "sparse"
    )
    result = held(given, "rows", [NAN, INF, 3.0], 1e-9)
    assert not result.failed.any()
    assert result.undecided == 0


def test_hulls_of_readings_pass_at_both_ends() -> None:
    """Every reading of a constant passes with no allowance to speak of, and what lies outside their span fails."""
    contract = Contract(input="probabilities", boundary={"clip": [1e-7, 1 - 1e-7]}, reduction="none")
    given = pose(contract, np.array([[1.0, 0.0]] * 4, np.float32), np.zeros(4, int), "sparse")
    low, high = certify(given, "rows", (0,))
    got = [low, high, high * 1.001, low * 0.999]
    result = held(given, "rows", got, 1e-15)
    assert result.failed.tolist() == [False, False, True, True]
    assert (result.times[:2] <= 1).all()
    assert result.undecided == 0


def test_what_no_precision_can_decide_is_counted() -> None:
    """A zero that cannot be proved, and a number exactly one allowance away: neither inside nor outside is proved."""
    contract = Contract(label_smoothing=1.0, reduction="none")
    given = pose(contract, np.zeros((1, 3)), np.array([0]), "sparse")
    result = held(given, "gradient", [[0.5, 0.0, 0.0]], 0.5)
    assert not result.failed.any()
    assert result.undecided == 1
    assert result.times[0, 0] <= 1


def test_errors_are_upper_bounds() -> None:
    """The error includes all that the enclosure leaves open."""
    given = problem(reduction="none")
    rows = enclose(given).rows
    blurred = Enclosure(rows.hi, rows.lo, rows.radius + 0.125)
    result = hold(given, "rows", rows.hi + 0.25, blurred, np.full(3, 1.0))
    assert (result.error >= 0.375).all()
    assert result.times == pytest.approx(0.125)


def test_thousands_of_failures_are_all_reported() -> None:
    """Every element outside is failed by the enclosure's own proof; only the worst are proved twice."""
    given = problem(n=400, m=50, reduction="none")
    got = nearest(given, "gradient") + 1e-6
    result = held(given, "gradient", got, 1e-9)
    assert result.failed.all()
    assert result.failed.size == 20000


def test_one_row_too_long_to_prove_twice_is_still_failed() -> None:
    """The second proof is left out where it would be slow."""
    given = problem(n=1, m=20000)
    assert held(given, "loss", nearest(given, "loss") + 1.0, 1e-9).failed.all()


def test_a_contradiction_between_the_arithmetics_is_a_fault_of_xentcheck() -> None:
    """Should a wrong enclosure fail a right value, the second proof finds out."""
    given = problem(reduction="none")
    exact = enclose(given).rows
    wrong = Enclosure(exact.hi + 1.0, exact.lo, exact.radius)
    with pytest.raises(ArithmeticError, match="fault of xentcheck"):
        hold(given, "rows", exact.hi, wrong, np.full(3, 1e-9))


def test_a_wrong_shape_is_refused() -> None:
    """Numbers are never broadcast against the exact values."""
    with pytest.raises(ValueError, match="shape"):
        held(problem(reduction="none"), "rows", [1.0], 1.0)


def test_failures_are_proofs_in_exact_arithmetic() -> None:
    """For random errors around an allowance, failed is what exact fractions of the certified bounds allow."""
    random = np.random.default_rng(5)
    given = problem(n=200, m=5, reduction="none")
    rows = enclose(given).rows
    allowance = np.full(200, 3 * 2.0**-53)
    got = rows.hi + random.integers(-9, 10, 200) * 2.0**-53
    result = hold(given, "rows", got, rows, allowance)
    assert result.undecided == 0
    for i in range(200):
        low, high = (Fraction(bound) for bound in certify(given, "rows", (i,)))
        x, limit = Fraction(got[i]), Fraction(allowance[i])
        if low - x > limit or x - high > limit:
            assert result.failed[i]
        if high - x <= limit and x - low <= limit:
            assert not result.failed[i]


def test_scalar_close_to_its_limit_is_decided():
    """A scalar loss closer to its limit than the enclosure is narrow is decided like an element of an array."""
    problem = pose(Contract(), np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5]]), np.array([0, 2]), "sparse")
    enclosure = enclose(problem).loss
    got = 1.8528400403825518
    distance = 8.3856158756479186e-16  # of that from the exact value, 1.852840040382550950915773561254302899794524...
    for allowance, outside in ((distance * (1 + 2.0**-40), False), (distance * (1 - 2.0**-40), True)):
        held = hold(problem, "loss", np.float64(got), enclosure, np.float64(allowance))
        assert held.failed.shape == ()
        assert bool(held.failed) is outside


def test_what_is_proved_wrong_is_calculated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof, what is shown of the worst, and every later question for it: one evaluation in balls."""
    calculated = []
    real = certification._by_row

    def counted(*given: Any) -> Any:
        calculated.append(given)
        return real(*given)

    monkeypatch.setattr(certification, "_by_row", counted)
    given = problem(reduction="mean")
    result = held(given, "loss", nearest(given, "loss") + 1e-9, 1e-10)
    first = result.worst()
    assert first is not None
    assert result.worst() is first
    low, high = first.bounds()
    assert low <= nearest(given, "loss") <= high
    assert len(calculated) == 1


def test_what_is_too_large_to_be_proved_again_is_calculated_when_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reduction goes through hundreds of such batches, and shows the last."""
    scores = np.zeros((2, PROVING))
    given = pose(Contract(), scores, np.zeros(2, int), "sparse")
    asked = []
    monkeypatch.setattr(verdict, "certify", lambda *place: asked.append(place) or certify(*place))
    miss = held(given, "loss", 1.0, 1e-10).worst()
    assert miss is not None
    assert (asked, miss.exact) == ([], pytest.approx(np.log(PROVING)))
    low, high = miss.bounds()
    assert low <= np.log(PROVING) <= high
    assert len(asked) == 1


def test_what_only_balls_can_tell_is_known_by_them() -> None:
    """The exact value lies beyond the range of float64: the double-double value says nothing."""
    given = pose(Contract(reduction="sum"), np.array([[1.7e308, -1.7e308]] * 2), np.ones(2, int), "sparse")
    miss = held(given, "loss", 0.0, 1.0).worst()
    assert miss is not None
    assert miss.exact == miss.bounds()[0] > 1e308
