"""Double-double primitives against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from xentcheck.truth import double_double
from xentcheck.truth.ball import Ball


def numbers(seed: int, size: int, low: float = -300.0, high: float = 300.0) -> np.ndarray:
    """Return numbers of both signs whose exponents (base ten) fill a range evenly."""
    random = np.random.default_rng(seed)
    return random.choice([-1.0, 1.0], size) * random.uniform(1, 10, size) * 10.0 ** random.uniform(low, high, size)


def pairs(seed: int, size: int, low: float = -100.0, high: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    """Return normalised pairs."""
    head = numbers(seed, size, low, high)
    tail = head * np.random.default_rng(seed + 1).uniform(-1, 1, size) * 2.0**-54
    return double_double.fast_two_sum(head, tail)


def exact(high: np.ndarray, low: np.ndarray | None = None) -> list[Fraction]:
    """Return each pair as a fraction."""
    return [Fraction(a) + Fraction(b) for a, b in zip(high, np.zeros_like(high) if low is None else low, strict=True)]


@pytest.mark.parametrize("span", [2.0, 300.0])
def test_two_sum_is_exact(span: float) -> None:
    """Sum and error add up to exactly a + b, whichever is larger."""
    a, b = numbers(1, 500, -span, span), numbers(2, 500, -span, span)
    assert exact(*double_double.two_sum(a, b)) == [x + y for x, y in zip(exact(a), exact(b), strict=True)]


def test_two_product_is_exact_in_the_normal_range() -> None:
    """Product and error add up to exactly a * b while the error's bits are above the smallest subnormal."""
    a, b = numbers(3, 500, -120, 120), numbers(4, 500, -120, 120)
    assert exact(*double_double.two_product(a, b)) == [x * y for x, y in zip(exact(a), exact(b), strict=True)]


def test_two_product_is_within_its_bound_below_the_normal_range() -> None:
    """Where bits fall below the smallest subnormal the product is off by no more than the bound stated."""
    a, b = numbers(5, 2000, -165, -150), numbers(6, 2000, -165, -150)
    found = exact(*double_double.two_product(a, b))
    errors = [abs(z - x * y) for x, y, z in zip(exact(a), exact(b), found, strict=True)]
    assert 0 < max(errors) <= Fraction(double_double.UNDERFLOW)


class Counted(np.ndarray):
    """An array that counts the products that are calculated with it, those that `split` scales upward left out."""

    products = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Do as numpy does."""
        plain = [np.asarray(one) for one in inputs]
        if ufunc is np.multiply and not any((one == 2.0**27 + 1.0).all() for one in plain):
            Counted.products += 1
        return np.asarray(getattr(ufunc, method)(*plain, **options)).view(Counted)


def test_what_underflow_may_cost_is_half_the_smallest_number_for_each_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a product of balls with all their parts: each of its products may fall below the normal range."""
    monkeypatch.setattr(Counted, "products", 0)
    one, low, radius = (np.full(3, size).view(Counted) for size in (1.0, 0.0, 2.0**-60))
    Ball(one, low, radius) * Ball(one, low, radius)
    assert Counted.products >= 10  # else it does not see them
    assert Fraction(double_double.UNDERFLOW) >= Counted.products * Fraction(1, 2**1075)


def test_split_leaves_at_most_26_bits_in_each_half() -> None:
    """Halves of normal and of subnormal numbers add up, and their products are exact."""
    a = np.concatenate([numbers(7, 500), numbers(8, 100, -323, -308), [5e-324, 0.0, 1.5]])
    high, low = double_double.split(a)
    assert exact(high, low) == exact(a)
    for half in (high, low):
        mantissa = np.frexp(half)[0] * 2.0**26
        assert (mantissa == np.rint(mantissa)).all()


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
def test_sums_of_pairs_keep_their_bound_even_where_they_cancel(first: bool, second: bool) -> None:
    """The error relative to the exact sum is below the bound, for single numbers and pairs, cancellation included."""
    a, a_low = pairs(10, 2000, -3, 3)
    b, b_low = pairs(20, 2000, -3, 3)
    b[:1000] = -a[:1000] * (1 + 2.0 ** -np.random.default_rng(3).integers(1, 53, 1000))
    b, b_low = double_double.fast_two_sum(b, b * b_low[::-1] * 0.0 + b * 2.0**-55)
    left, right = a_low if first else None, b_low if second else None
    for x, y, z in zip(exact(a, left), exact(b, right), exact(*double_double.add(a, left, b, right)), strict=True):
        assert abs(z - x - y) <= Fraction(double_double.ADD_ERROR) * abs(x + y)
        assert first or second or z == x + y


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
def test_products_of_pairs_keep_their_bound(first: bool, second: bool) -> None:
    """The error relative to the exact product is below the bound, for single numbers and pairs."""
    a, a_low = pairs(30, 2000)
    b, b_low = pairs(40, 2000)
    left, right = a_low if first else None, b_low if second else None
    for x, y, z in zip(exact(a, left), exact(b, right), exact(*double_double.multiply(a, left, b, right)), strict=True):
        assert abs(z - x * y) <= Fraction(double_double.MULTIPLY_ERROR) * abs(x * y)


@pytest.mark.parametrize("single", [True, False])
def test_reciprocals_keep_their_bound(single: bool) -> None:
    """The error relative to the exact reciprocal is below the bound."""
    b, b_low = pairs(50, 2000, -270, 270)
    low = None if single else b_low
    for x, z in zip(exact(b, low), exact(*double_double.reciprocal(b, low)), strict=True):
        assert abs(z * x - 1) <= Fraction(double_double.RECIPROCAL_ERROR)


@pytest.mark.parametrize("m", [1, 2, 3, 10, 257, 5000])
@pytest.mark.parametrize("kind", ["spread", "near", "cancelling", "tiny"])
def test_row_sums_are_within_the_bound_that_they_return(m: int, kind: str) -> None:
    """Sums of wide, equal-sized, cancelling and subnormal terms are off by no more than is said, which is little."""
    high, low = pairs(60, m, *{"spread": (-30, 0), "near": (0, 0), "cancelling": (-3, 3), "tiny": (-322, -318)}[kind])
    if kind == "cancelling":
        high[: m // 2], low[: m // 2] = -high[m - m // 2 :], low[m - m // 2 :]
    if kind != "cancelling":
        high, low = np.abs(high), np.copysign(low, low * high)
    total, error, bound = double_double.row_sum(high[None], low[None])
    off = abs(sum(exact(high, low)) - Fraction(total[0, 0]) - Fraction(error[0, 0]))
    assert off <= Fraction(bound[0, 0])
    assert bound[0, 0] <= 2.0**-76 * np.abs(high).max()


def test_row_sums_of_single_numbers_need_no_low_parts() -> None:
    """Without low parts the sum of 2^53 + 1 + 2^-53, which no float64 holds, is exact."""
    total, error, _ = double_double.row_sum(np.array([[2.0**53, 1.0, 2.0**-40]]), None)
    assert Fraction(total[0, 0]) + Fraction(error[0, 0]) == Fraction(2**53 + 1) + Fraction(2.0**-40)


def test_row_sums_of_nothing_and_of_zeros_are_exactly_zero() -> None:
    """No terms, and terms that are all zero, give 0 without error."""
    for m in (0, 3):
        assert [part.tolist() for part in double_double.row_sum(np.zeros((2, m)), None)] == [[[0.0], [0.0]]] * 3
