"""The hyperbolic tangent's enclosure, and conditions and allowances under a soft cap."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth import hessian
from xentcheck.truth.allowance import conformance
from xentcheck.truth.allowance_logits import logit_error, probability_move, slope_error
from xentcheck.truth.allowance_model import conforming, known
from xentcheck.truth.arb_arrays import ArbArray, precision
from xentcheck.truth.ball import Ball
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.grades import tight
from xentcheck.truth.problem import pose


def posed(z, labels, form="sparse", **contract):
    """Return the problem of logits under a contract."""
    return pose(Contract(dtypes=[z.dtype.name], labels=[form], **contract), z, np.asarray(labels), form)


def allowances(z, labels, form="sparse", **contract):
    """Return the conformance allowances of logits under a contract."""
    problem = posed(z, labels, form, **contract)
    return conformance(problem, conditions(problem))


ARGUMENTS = {
    "near": np.linspace(-0.07, 0.07, 300),
    "far": np.linspace(-400.0, 400.0, 301),
    "tiny": np.array([0.0, 5e-324, -1e-308, 1e-200, 1e-20, -3e-9]),
    "huge": np.array([1e5, -1e30, 1e200]),
    "single": np.array([[0.5]]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_tanh_is_accurate(name):
    """The value lies in its ball, whose radius is below 2^-72 of it."""
    x = ARGUMENTS[name]
    with np.errstate(all="ignore"):
        high, low, radius = (part.ravel() for part in Ball.exact(x).tanh().enclosure())
    assert (radius <= 2.0**-72 * np.abs(high) + 2.0**-1060).all()
    with mpmath.workprec(400):
        for i, number in enumerate(x.ravel().tolist()):
            error = abs(mpmath.tanh(mpmath.mpf(number)) - mpmath.mpf(high[i]) - mpmath.mpf(low[i]))
            assert error <= mpmath.mpf(radius[i]), number


@pytest.mark.parametrize("spread", [1e-3, 0.1, 3.0])
def test_tanh_of_a_ball_holds_that_of_its_points(spread):
    """Both ends and the centre of balls near 0, across the limit of the fraction and far away."""
    centre = np.concatenate([np.linspace(-0.1, 0.1, 81), np.linspace(-9.0, 9.0, 40), [1e30, -1e30]])
    radius = np.full(centre.shape, spread)
    with np.errstate(all="ignore"):
        high, low, reach = Ball(centre, None, radius).tanh().enclosure()
    with mpmath.workprec(400):
        for i, x in enumerate(centre.tolist()):
            for point in (mpmath.mpf(x) - spread, mpmath.mpf(x), mpmath.mpf(x) + spread):
                error = abs(mpmath.tanh(point) - mpmath.mpf(high[i]) - mpmath.mpf(low[i]))
                assert not np.isfinite(reach[i]) or error <= mpmath.mpf(reach[i]), x


def test_the_two_arithmetics_agree():
    """Double-double and ball arithmetic of 128 bits overlap."""
    x = np.linspace(-3.0, 3.0, 101)
    high, low, radius = Ball.exact(x).tanh().enclosure()
    with precision(128):
        apart = ArbArray.exact(x).tanh() - ArbArray.from_enclosure(high, low, radius)
        assert all(ball.contains(0) for ball in apart.values.tolist())


def test_conditions_are_of_the_capped_logits():
    """Everything but the given scores; the slope is 1 - tanh^2 without cancellation."""
    z = np.array([[1000.0, -20.0, 3.0]])
    on = conditions(posed(z, [1], soft_cap=10.0))
    assert on.z == pytest.approx(10.0 * np.tanh(z / 10.0))
    assert on.magnitude == pytest.approx([10.0])
    assert pytest.approx(np.logaddexp.reduce(on.z[0]) - on.z[0, 1]) == on.L
    assert on.slope[0, 1] == pytest.approx(1.0 - np.tanh(2.0) ** 2)
    assert on.slope[0, 0] == pytest.approx(4.0 * np.exp(-200.0))


def test_a_cap_far_above_the_logits_is_nearly_off():
    """c tanh(z/c) = z - z^3 / 3c^2 + ...: loss and gradient become those without a cap."""
    z = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, 1.0]])
    capped, plain = enclose(posed(z, [0, 1], soft_cap=2.0**30)), enclose(posed(z, [0, 1]))
    assert capped.loss.hi == pytest.approx(plain.loss.hi, rel=1e-15)
    assert np.allclose(capped.gradient.hi, plain.gradient.hi, rtol=1e-14)
    wide, narrow = allowances(z, [0, 1], soft_cap=2.0**30), allowances(z, [0, 1])
    assert narrow.loss < wide.loss < 20 * narrow.loss


def test_the_gradient_vanishes_far_above_the_cap():
    """At |z|/c = 50 the exact one is below 1e-40, and all that is allowed are some roundings."""
    z = np.array([[50.0, -50.0, 51.0]], np.float32)
    exact, allowed = enclose(posed(z, [0], soft_cap=1.0)).gradient, allowances(z, [0], soft_cap=1.0).gradient
    assert (np.abs(exact.hi) < 1e-40).all()
    assert (allowed < 50 * 2.0**-24).all()
    assert (allowed > 2.0**-24 * 0.1).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("grade", ["", "B"])
def test_what_moved_logits_do_to_probabilities_by_the_formula(dtype, grade):
    """Section 14 transcribed in mpmath, of a capped softmax: in 16 bits u delta is a part of it that counts."""
    z = np.array([[25.0, -7.0, 24.0, 11.0], [0.0, 0.5, -40.0, 3.0]]).astype(dtype)
    problem = posed(z, [0, 3], reduction="none", soft_cap=30.0, compute="same")
    on = conditions(problem)
    by = known(problem, grade) if grade else conforming(problem, "B")
    delta, found = logit_error(on, by), probability_move(on, by, np.zeros(z.shape))
    k_e, k_l, shift, branch = (4, 4, 1, 2) if grade else (6, 4, 3, 3)
    for i, y in enumerate([0, 3]):
        with mpmath.workdps(50):
            s = [30 * mpmath.tanh(mpmath.mpf(float(x)) / 30) for x in z[i]]
            e, off = [mpmath.exp(x - max(s)) for x in s], [mpmath.mpf(float(x)) for x in delta[i]]
            p, d, top = [x / sum(e) for x in e], [max(s) - x for x in s], s.index(max(s))
            change = mpmath.log(mpmath.fsum(a * mpmath.exp(b) for a, b in zip(p, off, strict=True)))
            x = [mpmath.expm1(b + change) for b in off]
            apart = [0 if j == top else off[j] + off[top] for j in range(4)]
            row = mpmath.fsum(p[j] * (1 + x[j]) * (shift * (1 + d[j]) + 2 * k_e + 2 * k_l) * apart[j] for j in range(4))
            x[y] = min(x[y], mpmath.fsum(p[j] * x[j] for j in range(4) if j != y) / p[y])
            for j in range(4):
                expected = x[j] + by.u * ((branch + 2 * k_l + 1) * (off[j] + max(off)) + row)
                assert found[i, j] == pytest.approx(float(expected), rel=1e-6, abs=0)


@pytest.mark.parametrize("accuracy", ["A*", "A", "B+", "B", "C"])
def test_no_warnings_at_the_rim(accuracy):
    """Values near the largest float, infinities, nan and the smallest and largest caps raise no warning."""
    largest = np.finfo(np.float64).max
    z = np.array([[largest, -largest, 0.0], [np.nan] * 3, [np.inf] * 3, [-np.inf] * 3, [1.0, -np.inf, 2.0]])
    for cap in (1e-300, 1.0, 1e6, 1e300):
        for more in ({}, {"z_loss": 0.1}, {"label_smoothing": 0.1}, {"nonfinite": ["-inf", "+inf", "nan"]}):
            problem = posed(z, [0, 1, 2, 0, 1], accuracy=accuracy, reduction="none", soft_cap=cap, **more)
            found = conformance(problem, conditions(problem))
            assert not np.isnan(found.loss).any()
            assert not np.isnan(found.gradient).any()
            assert enclose(problem).loss.shape == (5,)
            assert tight(problem, conditions(problem))["B"].loss.shape == (5,)


def test_infinite_logits_have_a_bound_where_they_are_declared():
    """A logit of -inf is one of -c; undeclared, its row is left alone."""
    z, y = np.array([[1.0, -np.inf, 2.0]]), [1]
    assert np.isfinite(allowances(z, y, soft_cap=5.0, nonfinite=["-inf"]).loss)
    assert allowances(z, y, soft_cap=5.0, nonfinite=["-inf"]).loss > 0
    assert np.isinf(allowances(z, y, soft_cap=5.0).loss)


def test_no_rows_and_one_class():
    """Shapes (0, m) and (n, 1): with one class the loss is 0 whatever its logit is."""
    assert allowances(np.zeros((0, 3)), np.zeros(0, int), soft_cap=1.0, reduction="none").loss.shape == (0,)
    found = allowances(np.array([[7.0], [-1e300]]), [0, 0], soft_cap=3.0, reduction="none")
    assert np.isfinite(found.loss).all()
    assert np.isfinite(found.gradient).all()


def test_no_bound_where_the_cap_leaves_the_format():
    """1/c may be flushed to zero in float16 from 4096 on; a cap beyond the largest number is infinite there."""
    z = np.array([[1.0, 2.0]], np.float16)
    assert np.isfinite(allowances(z, [0], soft_cap=2048.0, compute="same").loss)
    assert np.isinf(allowances(z, [0], soft_cap=8192.0, compute="same").loss)
    assert np.isfinite(allowances(z, [0], soft_cap=8192.0).loss)  # in float32
    assert np.isinf(allowances(z.astype(np.float32), [0], soft_cap=1e39).gradient).all()


def test_no_bound_where_errors_of_the_logits_are_large():
    """bfloat16 logits of 1e5 under a cap of 1e6 may be off by thousands."""
    z = np.array([[1.0e5, 1.0e5]], np.float32).astype("bfloat16")
    assert np.isinf(allowances(z, [0], soft_cap=1e6, compute="same").loss)
    assert np.isinf(allowances(z, [0], soft_cap=1e6, compute="same").gradient).all()


def test_no_bound_where_a_backward_pass_overflows():
    """Upstream times gradient times c comes before the division by c: in float16, 16384 * 0.27 * 30 is infinite."""
    z = np.array([[1.0, 0.0]], np.float16)
    contract = Contract(dtypes=["float16"], reduction="none", soft_cap=30.0, compute="same")
    for upstream, judged in ((16384.0, False), (100.0, True)):
        problem = pose(contract, z, np.array([0]), "sparse", upstream=np.array([upstream]))
        assert np.isfinite(conformance(problem, conditions(problem)).gradient).all() == judged


def test_second_derivatives_say_why_not():
    """The Hessian under a soft cap has no formula here."""
    assert "soft cap" in hessian.unsupported(Contract(soft_cap=30.0))


def test_no_bound_where_a_backward_pass_leaves_the_range_before_it_divides():
    """In float16 3000 from upstream times a cap of 30 is infinite, and not if a gradient of 0.1 comes before it."""
    contract = Contract(dtypes=["float16"], reduction="none", soft_cap=30.0, compute="same")
    for logit, judged in ((-2.25, True), (0.0, False)):
        problem = pose(
            contract, np.array([[logit, 0.0]], np.float16), np.array([1]), "sparse", upstream=np.array([3000.0])
        )
        assert np.isfinite(conformance(problem, conditions(problem)).gradient).all() == judged


def test_tanh_of_a_small_number_is_nearly_as_accurate_as_the_arithmetic():
    """What a continued fraction leaves out at |x| <= 1/16 is below 2^-93 of it, and less nearer to 0."""
    x = np.array([2.0**-4, -(2.0**-4), 2.0**-5, 1e-5])
    high, _, radius = Ball.exact(x).tanh().enclosure()
    assert (radius <= np.array([2.0**-93, 2.0**-93, 2.0**-98, 2.0**-98]) * np.abs(high)).all()


def test_slopes_of_class_c_are_off_by_the_exponentials_of_which_tanh_is_made():
    """1 - t t is off by (4 k_t + 9) u; by 2 (2 k_e + 4) u more where t is 2/(1 + exp(-2x)) - 1."""
    problem = posed(np.zeros((1, 2), np.float32), [0], reduction="none", soft_cap=30.0)
    u, k_t, k_e = 2.0**-24, 8, 6
    found = [slope_error(conditions(problem), conforming(problem, accuracy)) / u for accuracy in ("B", "C")]
    assert found == [4 * k_t + 9, 4 * k_t + 9 + 2 * (2 * k_e + 4)]
