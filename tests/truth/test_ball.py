"""Ball operations: whatever the operands' true values are, the true result lies inside."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from xentcheck.truth.arb_arrays import ArbArray, precision, upward
from xentcheck.truth.ball import Ball

SHAPES = [(8, 10), (40, 3), (1, 1)]


def ball(seed: int, shape: tuple[int, ...], low: float = -6.0, high: float = 6.0, positive: bool = False) -> Ball:
    """Return balls of random size, with wide, narrow and zero radii."""
    random = np.random.default_rng(seed)
    head = random.uniform(1, 10, shape) * 10.0 ** random.uniform(low, high, shape)
    if not positive:
        head = head * random.choice([-1.0, 1.0], shape)
    tail = head * random.uniform(-1, 1, shape) * 2.0**-54
    total = head + tail
    radius = head * random.choice([0.0, 2.0**-80, 2.0**-40, 2.0**-5], shape)
    return Ball(total, tail - (total - head), np.abs(radius))


def points(operand: Ball) -> list[list[Fraction]]:
    """Return three points of each ball: both ends and one between."""
    parts = [np.zeros(operand.shape) if part is None else np.broadcast_to(part, operand.shape) for part in
             (operand.high, operand.low, operand.radius)]  # fmt: skip
    middle = [Fraction(a) + Fraction(b) for a, b in zip(parts[0].ravel(), parts[1].ravel(), strict=True)]
    radius = [Fraction(r) for r in parts[2].ravel()]
    return [[c + share * r for c, r in zip(middle, radius, strict=True)] for share in (-1, Fraction(1, 3), 1)]


def inside(value: Fraction | mpmath.mpf, high: float, low: float, radius: float) -> bool:
    """Return whether a value lies in a ball; everything lies in one of infinite radius."""
    if not (np.isfinite(high) and np.isfinite(radius)):
        return True
    if isinstance(value, Fraction):
        return abs(value - Fraction(high) - Fraction(low)) <= Fraction(radius)
    return bool(abs(value - mpmath.mpf(high) - mpmath.mpf(low)) <= mpmath.mpf(radius))


def holds(result: Ball, values: list[Fraction]) -> bool:
    """Return whether every value lies in its ball."""
    parts = (part.ravel() for part in result.enclosure())
    return all(inside(v, *triple) for v, *triple in zip(values, *parts, strict=True))


OPERATIONS: dict[str, tuple[Callable[[Ball, Ball], Ball], Callable[[Fraction, Fraction], Fraction]]] = {
    "add": (lambda a, b: a + b, lambda x, y: x + y),
    "subtract": (lambda a, b: a - b, lambda x, y: x - y),
    "multiply": (lambda a, b: a * b, lambda x, y: x * y),
    "divide": (lambda a, b: a / b, lambda x, y: x / y),
    "hull, first": (lambda a, b: a.hull(b), lambda x, y: x),
    "hull, second": (lambda a, b: a.hull(b), lambda x, y: y),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("span", [0.5, 6.0, 140.0])
def test_every_pair_of_points_stays_inside(name: str, shape: tuple[int, int], span: float) -> None:
    """The results of three points of each operand, ends included, lie in the result's ball."""
    ours, exact = OPERATIONS[name]
    a, b = ball(1, shape, -span, span), ball(2, shape, -span, span)
    with np.errstate(all="ignore"):
        result = ours(a, b)
    for xs in points(a):
        for ys in points(b):
            assert holds(result, [exact(x, y) for x, y in zip(xs, ys, strict=True)])


def test_hulls_of_balls_inside_one_another_are_the_larger() -> None:
    """Where one ball holds the other the hull is the larger one, in either order; equal balls are their own hull."""
    wide, narrow = Ball(np.array([1.0]), None, np.array([0.5])), Ball(np.array([1.125]), None, np.array([0.0625]))
    for hull in (wide.hull(narrow), narrow.hull(wide), wide.hull(wide)):
        high, low, radius = hull.enclosure()
        assert high[0] + low[0] == 1.0
        assert 0.5 <= radius[0] <= 0.5 * (1 + 2.0**-40)


@pytest.mark.parametrize("radius", [None, 2.0**-70])
def test_bounds_in_float64_hold_the_low_part(radius: float | None) -> None:
    """Of 1 + 2^-60, and of that with a radius: one float64 below and one above, and no further away than that."""
    one = Ball(np.ones(1), np.full(1, 2.0**-60), None if radius is None else np.full(1, radius))
    low, high = (float(bound[0]) for bound in one.bounds())
    assert low <= 1 < Fraction(1) + Fraction(2.0**-60) + Fraction(radius or 0.0) <= Fraction(high)
    assert (low, high) == (1 - 2.0**-53, 1 + 2.0**-52)


def test_sums_of_exact_numbers_are_exact() -> None:
    """The difference of two float64 numbers has no radius, however much cancels."""
    result = Ball.exact([1e300, 1.0, 0.3]) - Ball.exact([1.0, 1.0 - 2.0**-53, 1e-300])
    assert result.radius is None
    assert points(result)[0][1] == Fraction(2.0**-53)


def test_products_of_exact_numbers_are_exact() -> None:
    """Without a radius while no bit falls below the smallest number, and a single number where nothing is left over."""
    random = np.random.default_rng(4)
    a, b = (random.uniform(-9, 9, 400) * 10.0 ** random.uniform(-135, 135, 400) for _ in range(2))
    a[:20], b[20:40] = 0.0, 0.0
    a[40:60], b[40:60] = 5e-324 * random.integers(1, 2**40, 20), 10.0 ** random.uniform(60, 250, 20)
    product = Ball.exact(a) * Ball.exact(b)
    assert product.radius is None
    for x, y, high, low in zip(a, b, product.high, product.low, strict=True):
        assert Fraction(high) + Fraction(low) == Fraction(x) * Fraction(y)
    assert (Ball.exact(a) * 1.0).low is None
    tiny = Ball.exact(np.array([1e-200, 1.0, 0.0])) * Ball.exact(np.array([1e-120, 3.0, 1e-200]))
    assert [r > 0 for r in tiny.radius] == [True, False, False]
    with np.errstate(all="ignore"):
        huge = Ball.exact(np.array([1e305])) * Ball.exact(np.array([1e305]))
    assert np.isinf(huge.enclosure()[2]).all()


def test_operands_broadcast_and_floats_count_as_exact() -> None:
    """Rows combine with columns and with Python floats on either side of an operator."""
    a, column = ball(3, (4, 5), positive=True), ball(4, (4, 1), positive=True)
    assert (a * column).shape == (column + a).shape == (4, 5)
    for result, exact in ((2.0 * a, 2), (1.0 - a, None), (a + 0.0, 1)):
        values = [x * exact if exact else 1 - x for x in points(a)[2]]
        assert holds(result, values)
    assert (np.ones((4, 5)) * a).shape == (4, 5)


def test_tiny_products_keep_an_absolute_radius() -> None:
    """Below the normal range a product's ball still holds the exact product."""
    a, b = ball(5, (50, 4), -165, -155), ball(6, (50, 4), -165, -155)
    for xs, ys in zip(points(a), points(b), strict=True):
        assert holds(a * b, [x * y for x, y in zip(xs, ys, strict=True)])


def test_reciprocals_of_exact_numbers_are_held() -> None:
    """Nearly none is a sum of two float64, and each is known to about a hundred bits."""
    x = np.array([3.0, 7.0, -0.1, 1e200, 1e-200, 1.0 + 2.0**-52])
    high, low, radius = Ball.exact(x).reciprocal().enclosure()
    for number, *found in zip(x.tolist(), high, low, radius, strict=True):
        assert inside(1 / Fraction(number), *found)
    assert (radius <= 2.0**-99 * np.abs(high) + 2.0**-1070).all()


@pytest.mark.parametrize("share", [2.0**-20, 2.0**-4, 0.25, 0.5, 0.9])
def test_reciprocals_of_wide_balls_hold_those_of_their_ends(share: float) -> None:
    """One over a power of two has no error of its own, so that nothing but the radius covers the nearer end."""
    x = np.array([1.0, 2.0, -8.0, 2.0**200, 2.0**-200])
    operand = Ball(x, None, share * np.abs(x))
    result = operand.reciprocal()
    for ends in points(operand):
        assert holds(result, [1 / end for end in ends])


def test_a_reciprocal_of_a_ball_around_zero_is_unknown() -> None:
    """Where zero may be inside nothing finite is said."""
    with np.errstate(all="ignore"):
        radius = Ball(np.array([1.0, 0.0, 1e-10]), None, np.array([1.0, 0.0, 0.5])).reciprocal().enclosure()[2]
    assert radius.tolist() == [np.inf] * 3


def test_overflow_is_unknown_and_not_wrong() -> None:
    """What leaves the range of float64 has an infinite radius and a finite centre."""
    with np.errstate(all="ignore"):
        high, low, radius = (Ball.exact([1e300, 1.0]) * 1e300).enclosure()
    assert radius[0] == np.inf
    assert (high[0], low[0]) == (0.0, 0.0)
    assert np.isfinite(radius[1])


FUNCTIONS: dict[str, tuple[Callable[[Ball], Ball], Callable[[mpmath.mpf], mpmath.mpf]]] = {
    "exp": (lambda a: (-a).exp(), lambda x: mpmath.exp(-x)),
    "log": (Ball.log, mpmath.log),
    "log1p": (Ball.log1p, mpmath.log1p),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("low", "high"), [(-300, 2.3), (-5, 1), (-0.01, 0.04), (-1, 300)])
@pytest.mark.parametrize("shape", [(40, 5), (2, 3)])
def test_functions_hold_their_values(name: str, low: float, high: float, shape: tuple[int, int]) -> None:
    """Exponentials and logarithms of points of a ball lie in the result, for few and for many elements."""
    ours, exact = FUNCTIONS[name]
    operand = ball(7, shape, low, high, positive=True)
    with np.errstate(all="ignore"):
        high_, low_, radius = (part.ravel() for part in ours(operand).enclosure())
    with mpmath.workprec(400):
        for xs in points(operand):
            for i, x in enumerate(xs):
                value = exact(mpmath.mpf(x.numerator) / x.denominator)
                assert inside(value, high_[i], low_[i], radius[i])


def test_exponentials_of_what_is_certainly_far_below_are_nothing() -> None:
    """Whatever its radius; an argument that may come near to where there is one may give anything."""
    with np.errstate(all="ignore"):
        high, _, radius = Ball(np.full(3, -1e4), None, np.array([1.0, 1e3, 9.5e3])).exp().enclosure()
    assert (high == 0).all()
    assert (radius[:2] < 2.0**-1000).all()
    assert radius[2] >= np.exp(-500.0)


@pytest.mark.parametrize("size", [8, 400])
@pytest.mark.parametrize("near", [0.0, 2.0**-60, 2.0**-20, 0.05, 0.0625, 0.07, 1.0, 1e5, 1e200])
def test_logarithms_of_exact_numbers_are_accurate(size: int, near: float) -> None:
    """log1p of an exact number is enclosed to 2^-68 of itself, close to zero and far away, on both code paths."""
    x = near * np.linspace(0.9, 1.1, size)
    high, low, radius = Ball.exact(x).log1p().enclosure()
    assert (radius <= 2.0**-68 * np.abs(high) + 2.0**-1060).all()
    with mpmath.workprec(400):
        for i in range(0, size, 7):
            assert inside(mpmath.log1p(mpmath.mpf(x[i])), high[i], low[i], radius[i])


@pytest.mark.parametrize("size", [4, 100])
def test_logarithms_of_zero_or_less_are_unknown(size: int) -> None:
    """A logarithm that does not exist, or that the ball reaches zero for, has an infinite radius."""
    with np.errstate(all="ignore"):
        for x in (np.zeros(size), -np.ones(size)):
            assert (Ball.exact(x).log().enclosure()[2] == np.inf).all()
        assert (Ball(np.ones(size), None, np.ones(size)).log().enclosure()[2] == np.inf).all()


@pytest.mark.parametrize("shape", [(3, 1), (5, 100), (2, 4096)])
def test_sums_hold_the_sums_of_points(shape: tuple[int, int]) -> None:
    """Sums along the last axis hold the sums of the ends."""
    operand = ball(8, shape)
    result = operand.sum()
    assert result.shape == (shape[0], 1)
    for xs in points(operand):
        assert holds(result, [sum(xs[i * shape[1] : (i + 1) * shape[1]]) for i in range(shape[0])])


def test_clipping_keeps_points_inside_and_orders_low_parts() -> None:
    """Clipped points lie in the clipped ball; a number just below a limit, told apart only by its low part, counts."""
    operand = ball(9, (30, 4), -3, 1, positive=True)
    result = operand.clip(0.01, 0.5)
    for xs in points(operand):
        assert holds(result, [min(max(x, Fraction(0.01)), Fraction(0.5)) for x in xs])
    edge = Ball(np.array([0.5, 0.5]), np.array([2.0**-60, -(2.0**-60)]), None).clip(0.01, 0.5)
    assert points(edge)[0] == [Fraction(0.5), Fraction(0.5) - Fraction(2.0**-60)]


def test_inside_is_sure_or_says_both() -> None:
    """1 within the limits, 0 outside, and [0, 1] at a limit or where the ball reaches over it."""
    operand = Ball(np.array([0.2, 0.05, 0.9, 0.1, 0.11]), None, np.array([0.0, 0.0, 0.0, 0.0, 0.02]))
    result = operand.inside(0.1, 0.8)
    assert result.enclosure()[0].tolist() == [1.0, 0.0, 0.0, 0.5, 0.5]
    assert result.enclosure()[2].tolist() == [0.0, 0.0, 0.0, 0.5, 0.5]
    assert Ball.exact([0.2, 0.1]).inside(0.1, 0.8).enclosure()[2].tolist() == [0.0, 0.5]


def test_elements_are_taken_put_and_chosen_with_their_errors() -> None:
    """Picking, overwriting, choosing, reshaping and copying keep centre and radius together."""
    operand = ball(10, (3, 4))
    columns = np.array([[1], [0], [3]])
    picked = operand.at(columns)
    assert picked.high[:, 0].tolist() == [operand.high[i, j] for i, j in enumerate(columns[:, 0])]
    copy = operand.spread((3, 4))
    copy.put(columns, 7.0)
    assert (copy.at(columns).high == 7).all()
    assert copy.at(columns).radius.tolist() == [[0.0]] * 3
    assert (operand.at(columns).high == picked.high).all()
    plain = Ball(np.ones((3, 4)), None, np.ones((3, 1)))
    plain.put(columns, picked)
    assert (plain.at(columns).radius == picked.radius).all()
    chosen = operand.where(np.arange(4) < 2, 0.0)
    assert (chosen.high[:, 2:] == 0).all()
    assert (chosen.rows(np.array([2])).radius == chosen.radius[2:]).all()
    assert operand.reshape((12,)).high.tolist() == operand.high.ravel().tolist()
    assert Ball.exact(np.ones(3)).where(np.array([True, False, True]), 2.0).high.tolist() == [1.0, 2.0, 1.0]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_two_arithmetics_agree(shape: tuple[int, int]) -> None:
    """Every operation of the slow arithmetic, at high precision, lies within the fast one's result."""
    a, b = ball(11, shape, -2, 0, positive=True), ball(12, shape, -2, 0, positive=True)
    a, b = Ball(a.high, a.low), Ball(b.high, b.low)
    with precision(300):
        slow = [ArbArray.from_enclosure(x.high, x.low, None) for x in (a, b)]
        columns = np.zeros((shape[0], 1), np.int64)
        calculations: list[Callable[..., Ball]] = [
            lambda x, y: x + y,
            lambda x, y: (x - 1.0) * y,
            lambda x, y: (1.0 - x) / y,
            lambda x, y: (-x).exp() + y.log() + x.log1p(),
            lambda x, y: x.sum() * y,
            lambda x, y: x.at(columns) * y.rows(np.arange(shape[0])),
            lambda x, y: x.where(np.arange(shape[1]) % 2 == 0, y).reshape((-1, 1)),
            lambda x, y: x.clip(0.02, 0.5) * x.inside(0.02, 0.5),
        ]
        for calculate in calculations:
            fast, exact = calculate(a, b), calculate(*slow)
            triples = zip(
                *(part.ravel().tolist() for part in fast.enclosure()), exact.values.ravel().tolist(), strict=True
            )
            for high, low, radius, value in triples:
                assert upward(abs(value - high - low)) <= radius * (1 + 2.0**-30) + 2.0**-250


def test_slow_results_come_back_as_float64_enclosures() -> None:
    """Balls of python-flint become pairs with a radius; what float64 cannot hold has an infinite one."""
    with precision(128):
        third = ArbArray.exact(np.array([1.0, 1e300, 0.0])) / ArbArray.exact(np.array([3.0, 1e-300, 0.0]))
        high, low, radius = third.enclosure()
    assert abs(Fraction(1, 3) - Fraction(high[0]) - Fraction(low[0])) <= Fraction(radius[0]) <= Fraction(2.0**-100)
    assert radius[1:].tolist() == [np.inf, np.inf]
    assert high[1:].tolist() == low[1:].tolist() == [0.0, 0.0]
    assert third.shape == (3,)
    wide = ArbArray.from_enclosure(np.array([1.0]), np.array([2.0**-60]), np.array([0.25]))
    assert wide.enclosure()[2][0] >= 0.25


def test_slow_hulls_copies_and_overwriting() -> None:
    """Hulls hold both numbers; a copy is independent of the original."""
    a, b = ArbArray.exact(np.array([[1.0, 2.0]])), ArbArray.exact(np.array([[3.0, 2.0]]))
    high, low, radius = a.hull(b).enclosure()
    assert high[0, 0] + low[0, 0] - radius[0, 0] <= 1.0
    assert high[0, 0] + low[0, 0] + radius[0, 0] >= 3.0
    copy = a.spread((2, 2))
    copy.put(np.array([[0], [1]]), 5.0)
    assert [float(x) for x in copy.values.ravel()] == [5.0, 2.0, 1.0, 5.0]
    assert float(a.values[0, 0]) == 1.0


def test_upward_bounds_are_never_too_small() -> None:
    """Rounding up passes over numbers that float64 cannot hold, and nan gives inf."""
    with precision(128):
        third = ArbArray.exact(np.array([1.0])) / ArbArray.exact(np.array([3.0]))
        value = third.values[0]
        assert Fraction(upward(value)) > Fraction(1, 3)
        assert Fraction(-upward(-value)) < Fraction(1, 3)
        assert upward((-ArbArray.exact(np.array([1.0]))).log().values[0]) == np.inf


def test_radii_below_the_smallest_number_are_rounded_upward() -> None:
    """A radius that a product takes below 2^-1074 is not 0, unless the other factor is exactly 0."""
    tiny = Ball(np.zeros(2), None, np.full(2, 2.0**-1074))
    product = tiny * Ball.exact(np.array([1e-20, 0.0]))
    assert product.radius is not None
    assert product.radius[0] >= 2.0**-1074
    assert product.radius[1] == 0.0
