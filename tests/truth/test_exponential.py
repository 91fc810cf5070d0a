"""The double-double exponential against mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from xentcheck.truth import exponential
from xentcheck.truth.exponential import ABSOLUTE_ERROR, ENTRIES, HIGHEST, LOWEST, RELATIVE_ERROR

STEP = np.log(2) / ENTRIES


def arguments() -> np.ndarray:
    """Return arguments over the whole range, at the limits between table entries, and at the lower end."""
    random = np.random.default_rng(0)
    k = random.integers(-4_400_000, 1000, 600)
    ties = (k + 0.5) * STEP
    return np.concatenate(
        [
            -random.uniform(0, 40, 800),
            -np.exp(random.uniform(-40, np.log(745), 800)),
            k * STEP,
            ties,
            np.nextafter(ties, np.inf),
            np.nextafter(ties, -np.inf),
            -random.uniform(700, 746, 400),
            random.uniform(0, 709, 200),
            [0.0, -0.0, -5e-324, -745.13, -745.14, -746.0, -708.4, np.log(2), -np.log(2)],
        ]
    )


@pytest.mark.parametrize("doubled", [True, False])
def test_errors_are_within_the_proved_bound(doubled: bool) -> None:
    """No argument, single or a pair, subnormal results included, is off by more than the bound that is proved."""
    high = arguments()
    low = high * np.random.default_rng(1).uniform(-1, 1, high.size) * 2.0**-54 if doubled else None
    if low is not None:
        total = high + low
        high, low = total, low - (total - high)
    result, tail = exponential.exponential(high, low)
    with mpmath.workprec(300):
        for i, x in enumerate(high):
            exact = mpmath.exp(mpmath.mpf(x) + (0 if low is None else mpmath.mpf(low[i])))
            off = abs(mpmath.mpf(result[i]) + mpmath.mpf(tail[i]) - exact)
            assert off <= RELATIVE_ERROR * exact + ABSOLUTE_ERROR
            if result[i] > 1e-280:
                assert off <= RELATIVE_ERROR / 2 * exact


def test_the_bound_is_not_a_gross_overstatement() -> None:
    """The largest error seen is within 2^5 of the bound, so that a change that loses bits would be noticed."""
    high = -np.random.default_rng(2).uniform(0, 40, 3000)
    result, tail = exponential.exponential(high, None)
    with mpmath.workprec(200):
        errors = [
            abs((mpmath.mpf(a) + mpmath.mpf(b)) / mpmath.exp(mpmath.mpf(x)) - 1)
            for x, a, b in zip(high, result, tail, strict=True)
        ]
        assert RELATIVE_ERROR / 32 < max(errors) < RELATIVE_ERROR


def test_arguments_beyond_the_range() -> None:
    """Below -746 the result is 0, above the range of float64 infinite, and zero gives exactly one."""
    with np.errstate(over="ignore", invalid="ignore"):
        result, tail = exponential.exponential(np.array([-np.inf, -1e300, -747.0, 0.0, 710.0, 1e300]), None)
        same = exponential.exponential(np.array([-np.inf, -1e300, -747.0, 0.0, 710.0, 1e300]), np.zeros(6))[0]
    assert result.tolist() == same.tolist() == [0.0, 0.0, 0.0, 1.0, np.inf, np.inf]
    assert tail[:4].tolist() == [0.0] * 4
    assert LOWEST < -745.2
    assert HIGHEST > 709.8


@pytest.mark.parametrize("with_low", [True, False])
def test_large_arrays_are_cut_without_changing_anything(with_low: bool) -> None:
    """An array that is evaluated in blocks gives what its pieces give."""
    high = -np.random.default_rng(3).uniform(0, 700, (7, 4001))
    low = high * 2.0**-56 if with_low else None
    whole = exponential.exponential(high, low)
    for i in range(7):
        piece = exponential.exponential(high[i], None if low is None else low[i])
        assert all((a[i] == b).all() for a, b in zip(whole, piece, strict=True))


def test_no_arguments_give_no_results() -> None:
    """Arrays of no elements keep their shape."""
    assert exponential.exponential(np.zeros((0, 3)), None)[0].shape == (0, 3)


def test_an_uncertified_constant_is_refused() -> None:
    """Were ball arithmetic unable to prove the table, nothing would be calculated with it."""
    with pytest.raises(ArithmeticError, match="could not certify an entry"):
        exponential._certify(False, "an entry")
