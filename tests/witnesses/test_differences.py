"""Finite differences: the bound holds whatever the rows, and a wrong gradient does not pass."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from xentcheck.witnesses import directional, dyadic_direction, dyadic_scores, inner

METHODS = pytest.mark.parametrize("method", ["central", "richardson", "complex"])


def summed_loss(targets):
    """Return the shifted cross-entropy of each row, for real and complex logits."""

    def loss(z):
        with np.errstate(all="ignore"):
            d = z - z.real.max(axis=1, keepdims=True)
            logs = np.log(np.where(np.isneginf(d.real), 0.0, np.exp(d)).sum(axis=1))
            return targets.sum(axis=1) * logs - np.where(targets > 0, targets * d, 0.0).sum(axis=1)

    return loss


def cases(number):
    """Yield batches: random, confident, offset, two-point rows with extreme cumulants, soft and masked ones."""
    rng = np.random.default_rng(31)
    for case in range(number):
        n, m = int(rng.choice([1, 1, 3, 8])), int(rng.choice([2, 3, 10, 60]))
        z = rng.standard_normal((n, m)) * np.exp(rng.uniform(-2, 3))
        t = np.eye(m)[rng.integers(m, size=n)]
        v = dyadic_direction(rng, (n, m))
        kind = case % 6
        if kind == 1:
            z += t * rng.uniform(0, 30, (n, 1))
        if kind == 2:
            z += rng.choice([-1, 1]) * 10.0 ** rng.integers(1, 6)
        if kind == 3:
            # The third and fifth cumulants are near their largest where v is one of two values, p near 0.2 and 0.8.
            z = np.full((n, m), -40.0)
            z[:, 0], z[:, 1] = 0.0, rng.choice([-1.4, 1.4, 2.4, -2.4])
            v = np.zeros((n, m))
            v[:, 0] = rng.choice([-4.0, 4.0, 1.0])
        if kind == 4:
            t = rng.dirichlet(np.ones(m), n) * rng.uniform(0.2, 3)
        if kind == 5 and m > 2:
            z[:, 0], t = -np.inf, np.eye(m)[np.full(n, m - 1)]
        yield dyadic_scores(z), t, v


@pytest.fixture(scope="module")
def certified(exact):
    """Each case with the allowance of its rows and its exact derivative."""
    return [(z, t, v, exact.batch(z, t, bits=300)[2], exact.slope(z, t, v)) for z, t, v in cases(120)]


def error_of(estimate, truth):
    """Return the distance of a float from an mpmath number."""
    with mpmath.workprec(300):
        return float(abs(mpmath.mpf(estimate) - truth))


@METHODS
def test_the_bound_holds(method, certified):
    """The exact derivative lies within the bound of the estimate, and the bound is neither loose nor useless."""
    worst, tightest = 0.0, math.inf
    for z, t, v, allowance, truth in certified:
        estimate, bound = directional(summed_loss(t), z, v, allowance, method, weights=t.sum(axis=1))
        error = error_of(estimate, truth)
        assert error <= bound
        worst, tightest = max(worst, error / bound), min(tightest, bound)
    assert worst > {"central": 0.2, "richardson": 0.02, "complex": 0.001}[method]
    assert tightest < {"central": 1e-8, "richardson": 1e-10, "complex": 1e-13}[method]


@pytest.mark.parametrize(("method", "expected"), [("central", 0.9), ("richardson", 0.1)])
def test_the_truncation_is_bounded_and_nearly_reached(method, expected, exact):
    """With a forced, large step the truncation dominates. Rows of two classes come near the bound of K3."""
    worst, t, v = 0.0, np.eye(2)[[0]], np.array([[1.0, 0.0]])
    for gap in np.arange(-4.0, 4.0, 0.125):
        z = np.array([[gap, 0.0]])
        estimate, bound = directional(summed_loss(t), z, v, 1e-15, method, step=2.0**-3)
        error = error_of(estimate, exact.slope(z, t, v))
        assert error <= bound
        worst = max(worst, error / bound)
    assert worst > expected


@METHODS
@pytest.mark.parametrize(("n", "m"), [(1, 5), (32, 10), (256, 100)])
@pytest.mark.parametrize("scale", [1.5, 1 + 1e-4, -1.0, 0.5])
def test_a_scaled_gradient_is_caught_and_the_right_one_is_not(method, n, m, scale):
    """Also at 256x100, where default checkers err in both directions."""
    rng = np.random.default_rng(32)
    z, t = dyadic_scores(rng.standard_normal((n, m))), np.eye(m)[rng.integers(m, size=n)]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    gradient = e / e.sum(axis=1, keepdims=True) - t
    allowance = np.full(n, 2.0**-53 * (m + 20))
    caught = False
    for _ in range(4):
        v = dyadic_direction(rng, (n, m))
        estimate, bound = directional(summed_loss(t), z, v, allowance, method)
        right, rounding = inner(gradient, v)
        assert abs(right - estimate) <= bound + rounding
        wrong, rounding = inner(scale * gradient, v)
        caught |= abs(wrong - estimate) > bound + rounding
    assert caught


def test_a_scalar_loss_with_a_scalar_allowance():
    """A mean: weights 1/n, one allowance for the whole."""
    rng = np.random.default_rng(33)
    z, t, v = dyadic_scores(rng.standard_normal((4, 3))), np.eye(3)[[0, 1, 2, 0]], dyadic_direction(rng, (4, 3))
    per_row, per_row_bound = directional(summed_loss(t), z, v, np.full(4, 1e-15))
    mean, bound = directional(lambda x: summed_loss(t)(x).mean(), z, v, 1e-15, weights=np.full(4, 0.25))
    assert abs(mean - per_row / 4) <= bound + per_row_bound / 4
    assert bound < 1e-10


def test_inexact_points_are_paid_for():
    """Scores off every grid, large enough for z + h v to round, widen the bound instead of breaking it."""
    rng = np.random.default_rng(34)
    t = np.eye(3)[[1]]
    z, v = 1e9 + rng.standard_normal((1, 3)), rng.standard_normal((1, 3))
    e = np.exp(z - z.max())
    derivative = float(((e / e.sum() - t) * v).sum())
    for method in ("central", "richardson"):
        estimate, bound = directional(summed_loss(t), z, v, 1e-15, method)
        assert abs(estimate - derivative) <= bound
        assert bound > 1e-8
    on_grid = dyadic_scores(z)
    np.testing.assert_array_equal(on_grid * 2.0**20, np.round(on_grid * 2.0**20))
    assert np.abs(on_grid - z).max() <= 2.0**-20
    assert directional(summed_loss(t), on_grid, dyadic_direction(rng, (1, 3)), 1e-15)[1] < 1e-5


def test_nothing_is_said_of_losses_that_are_not_finite():
    """A loss of nan or inf gives (nan, inf)."""
    z, v = np.zeros((1, 2)), np.ones((1, 2))
    for value in (np.nan, np.inf):
        for method in ("central", "richardson", "complex"):
            returned = np.array([complex(value, value) if method == "complex" else value])
            estimate, bound = directional(lambda _, returned=returned: returned, z, v, 0.0, method)
            assert math.isnan(estimate)
            assert bound == math.inf
    estimate, bound = inner(np.array([[np.nan, 0.0]]), v)
    assert math.isnan(estimate)
    assert bound == math.inf


def test_no_rows_and_constant_directions():
    """No rows have the derivative 0; nor does a common shift change a loss whose weights sum to 1."""
    empty = np.zeros((0, 3))
    assert directional(summed_loss(empty), empty, empty, np.zeros(0))[0] == 0
    z, t = np.array([[0.5, 0.25, -np.inf]]), np.eye(3)[[0]]
    for direction in ([1.0, 1.0, -5.0], [-1.0, -1.0, 5.0]):
        estimate, bound = directional(summed_loss(t), z, np.array([direction]), 1e-15)
        assert abs(estimate) <= bound < 4e-14


def test_a_narrow_direction_far_from_zero():
    """Nearly constant directions: the complex step's rounding goes with max |v|, not with max v - min v."""
    z, t = np.array([[-11.34914288, 25.58229022]]), np.eye(2)[[1]]
    v = np.array([[-118.0, -119.0]]) / 64.0
    estimate, bound = directional(summed_loss(t), z, v, 2.0**-53, "complex")
    assert abs(estimate - (v[0, 0] - v[0, 1]) * np.exp(z[0, 0] - z[0, 1])) <= bound


def test_grids():
    """Directions are multiples of 2^-6, scores of 2^-30 or coarser, infinities kept."""
    v = dyadic_direction(np.random.default_rng(35), (50, 4))
    np.testing.assert_array_equal(v * 64, np.round(v * 64))
    assert 0.8 < v.std() < 1.2
    z = dyadic_scores(np.array([[np.pi, -np.inf, 1e-12, -7.3]]))
    assert z[0, 1] == -np.inf
    finite = z[np.isfinite(z)]
    np.testing.assert_array_equal(finite * 2.0**30, np.round(finite * 2.0**30))


def test_bad_calls_are_refused():
    """An unknown method and shapes that differ."""
    z = np.zeros((1, 2))
    with pytest.raises(ValueError, match="method is 'forward', but must be one of 'central', 'richardson', 'complex'"):
        directional(summed_loss(z), z, z, 0.0, "forward")
    with pytest.raises(ValueError, match="must have one shape"):
        directional(summed_loss(z), z, np.zeros((1, 3)), 0.0)
