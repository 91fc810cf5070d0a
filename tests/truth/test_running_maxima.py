"""What a maximum that is differentiated as it rises may add: against walks from class to class."""

from __future__ import annotations

import numpy as np
import pytest

from tests.truth.adversarial import folded
from tests.truth.bounding import allowances
from xentcheck.contract import Contract
from xentcheck.truth import allowance_lanes
from xentcheck.truth.allowance import conformance
from xentcheck.truth.allowance_gradient import row_gradients
from xentcheck.truth.allowance_lanes import lanes
from xentcheck.truth.allowance_model import conforming
from xentcheck.truth.allowance_running import along_running_maxima, product_of_running_maxima, running_maxima
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import pose

U = 2.0**-24


def posed(z):
    """Return conditions and model of arithmetic of float32 logits."""
    problem = pose(Contract(reduction="none"), z, np.zeros(len(z), int), "sparse")
    return conditions(problem), conforming(problem, "B")


def walked(z, j, ways):
    """Return the unbroken run of classes beside j that are no higher."""
    run = []
    for i in ways:
        if z[i] > z[j]:
            break
        run.append(i)
    return run


@pytest.mark.parametrize("values", [2, 5, 1000])
@pytest.mark.parametrize("m", [1, 2, 3, 8, 9, 40])
def test_runs_are_those_of_a_walk(m, values, monkeypatch):
    """The first and the last of equal maxima have all of the run, those between them no more than that."""
    monkeypatch.setattr(allowance_lanes, "WIDTHS", ())
    random = np.random.default_rng(m * values)
    z = (random.integers(0, values, (40, m)) / 4).astype(np.float32)
    on, by = posed(z)
    found = running_maxima(on, by)
    for i, j in np.ndindex(z.shape):
        sides = walked(z[i], j, range(j - 1, -1, -1)), walked(z[i], j, range(j + 1, m))
        run = sum(sides, [j])
        rises = max(
            sum(z[i, k] > z[i, :k].max() for k in range(j + 1, m)),
            sum(z[i, k] > z[i, k + 1 :].max() for k in range(j)),
        )
        mass, rescaled = on.p[i, run].sum(), 3 * rises * on.p[i, j]
        expected = U * (mass * (4 * (len(run) - 1) + 8) + rescaled)
        if all((z[i, side] == z[i, j]).any() for side in sides):
            assert U * (mass * 16 + rescaled) * (1 - 1e-12) <= found[i, j] <= expected * (1 + 1e-12)
        else:
            assert found[i, j] == pytest.approx(expected, rel=1e-12)


def test_of_equal_maxima_those_between_have_what_comes_up_over_two_steps():
    """Level rows stay strict but at their ends: each step leaves half of what is left."""
    on, by = posed(np.zeros((1, 500), np.float32))
    found = running_maxima(on, by)[0]
    np.testing.assert_allclose(found[64:192], 16 * U, rtol=1e-9)
    # What lanes leave to the first of each, and to the last of them.
    assert (found[1:-1] < 300 * U).all()
    np.testing.assert_allclose(found[[0, -1]], (8 + 4 * 499) * U, rtol=1e-9)


def laned(z, p, width):
    """Return what passing over runs of each lane and then merging whole lanes costs each class, where no two are equal.

    Each lane counts as many places as the longest. Lanes of fewer places than there are lanes are merged alone, which
    up to 32 are.
    """
    costs, m = np.zeros(len(z)), len(z)
    longest = -(-m // width)
    tops = [z[k::width].max() for k in range(width)]
    for lane in range(width):
        scores = [*z[lane::width], *[-np.inf] * (longest - len(z[lane::width]))]
        for k, j in enumerate(range(lane, m, width)):
            run = [*walked(scores, k, range(k - 1, -1, -1)), k, *walked(scores, k, range(k + 1, longest))]
            if longest >= width:
                costs[j] = sum(p[lane + i * width] for i in run if lane + i * width < m) * (4 * (len(run) - 1) + 8)
            if len(run) == longest and width <= 32:
                lower = [k for k in range(width) if tops[k] <= tops[lane]]
                costs[j] += 4 * (len(lower) - 1) * sum(p[k::width].sum() for k in lower)
    return U * costs


@pytest.mark.parametrize("m", [28, 29, 33, 63, 70, 130, 500])
def test_lanes_are_those_of_a_walk(m):
    """Of all widths the worst is taken, where each lane has at least eight classes, the last lanes one fewer."""
    z = np.random.default_rng(m).normal(size=(20, m)).astype(np.float32)
    on, by = posed(z)
    found = lanes(on.z, on.p[None], np.zeros((20, 1)), by)[0]
    for row, p, got in zip(on.z, on.p, found, strict=True):
        walks = [laned(row, p, width) for width in (4, 6, 8, 10, 12, 16, 20, 24, 32, 64) if m > 7 * width]
        np.testing.assert_allclose(got, np.max([np.zeros(m), *walks], axis=0), rtol=1e-12)
    assert (running_maxima(on, by) >= found).all()
    assert running_maxima(*posed(z[:0])).shape == (0, m)


def test_a_pass_costs_what_is_seen_times_each_maximum():
    """From the left 0, 2 and 3 rise, over 1, 3 and 1 steps; from the right 3 alone, which is the last class there."""
    z = np.array([[0.0, 0.0, 2.0, 1.0, 1.0, 0.5, 3.0, 2.5]], np.float32)
    v = np.array([[0.0, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    on, by = posed(z)
    found = along_running_maxima(on, by, v)
    np.testing.assert_allclose(found, 100 * U * on.p[0, :6].sum() * (4 * 3 + 8), rtol=1e-12)


def test_scores_that_are_divided_may_change_places():
    """Two that differ by less than their quotients are rounded are taken for equal."""
    z = np.array([[5.0, np.nextafter(np.float32(5), np.float32(9)), 7.0]], np.float32)
    apart = allowances(z, [2], reduction="none").gradient[0]
    close = allowances(z, [2], reduction="none", temperature=3.0).gradient[0]
    assert close[0] / close[1] > 1.2 * apart[0] / apart[1]


def test_lanes_of_which_each_maximum_is_differentiated_need_it(monkeypatch):
    """Four lanes, each of which has one class a little higher than its others: without lanes by up to three allowances.

    What stands beside such a class is higher or lower than it, so that it is the maximum of no long run.
    """
    z = np.zeros((3, 200), np.float32)
    z[:, :] = (np.arange(200) % 4) * 1e-3
    z[0, :4] += 3e-4
    z[1, 100:104] += 3e-4
    z[2, :4] += 3e-4
    z[:, -1] += [3, 8, 20]
    on, by = posed(z)
    rows = row_gradients(on, by)
    monkeypatch.setattr(allowance_lanes, "WIDTHS", ())
    without = row_gradients(on, by).error
    for ties in folded.TIES:
        error = np.abs(folded.gradient(z, [0] * 3, "four lanes", ties) - rows.value)
        assert (error <= rows.error).all()
        assert (error > 2 * without).any()


@pytest.mark.parametrize(
    ("block", "width", "times"), [(512, 4, 3), (512, 3, 6), (512, 5, 2), (1024, 6, 4), (1024, 12, 1.2), (256, 8, 0)]
)
@pytest.mark.parametrize("order", ["first block highest", "last block highest"])
def test_lanes_within_blocks_need_runs_of_lanes(block, width, times, order, monkeypatch):
    """Each block passed over in lanes of its own: a class that is lower than others of its lane may be their maximum.

    What a run of neighbours allows is exceeded so many times: in each lane of each block one class is a little higher.
    """
    at = np.arange(1024)
    lane, place = at % block % width, at % block // width
    z = np.array([lane - at // block * k * width + 0.3 * (place == first) for k in (1, 2) for first in (0, 20)]) * 1e-3
    z[1::2, -1] += 3.0
    z = (z if order == "first block highest" else z[:, ::-1]).astype(np.float32)
    on, by = posed(z)
    rows = row_gradients(on, by)
    monkeypatch.setattr(allowance_lanes, "WIDTHS", ())
    without = row_gradients(on, by).error
    errors = [
        np.abs(folded.gradient(z, [0] * len(z), (block, width, outer), ties) - rows.value)
        for outer in ("left", "right")
        for ties in folded.TIES
    ]
    assert all((error <= 0.5 * rows.error).all() for error in errors)
    assert any((error > times * without).any() for error in errors)


def test_a_product_may_have_the_tangent_of_any_few_classes_that_are_no_higher():
    """In two lanes class 0, along which the tangent is large, is merged with class 2, though class 1 is higher."""
    z, v = np.array([[-36.7535, -36.7487, -36.7508, 0.0]]), np.array([[1000.0, 0.0, 0.0, 0.0]])
    on, by = posed(z)
    (p,), few = on.p, 3 * (by.u_sum * (4 * 3 + 8))
    found = product_of_running_maxima(on, by, v)[0]
    # Of all classes that are no higher: their p |v|; and their p, by the largest |v| of no lower ones and p.|v|.
    assert found[2] == pytest.approx(few * (p[0] * 1000 + (p[0] + p[2]) * p[0] * 1000), rel=1e-9)
    error = np.abs(folded.hessian_vector(z, v, (4, 2, "left"), "last")[0] - p * (v[0] - p @ v[0]))
    assert 1e-31 < error[2] < found[2] < 1e-26


def test_a_part_of_a_batch_has_what_it_has_alone():
    """Large batches are worked on in parts."""
    random = np.random.default_rng(0)
    z = random.normal(size=(700, 300)).astype(np.float32)
    whole = running_maxima(*posed(z))
    for part in (slice(0, 1), slice(217, 220), slice(699, None)):
        np.testing.assert_array_equal(whole[part], running_maxima(*posed(z[part])))


@pytest.mark.parametrize("order", ["left", "right"])
def test_a_softmax_that_is_folded_needs_it(order):
    """Without it, what jax makes of an online softmax by `lax.scan` would be failed, by ten allowances and more."""
    z = np.zeros((4, 200), np.float32)
    z[:, [50, 100]], z[:, -1] = 1e-3, [3, 8, 20, 40]
    z = z if order == "left" else np.ascontiguousarray(z[:, ::-1])
    on, by = posed(z)
    rows = row_gradients(on, by)
    error = np.abs(folded.gradient(z, [0] * 4, order, "first") - rows.value)
    assert (error <= rows.error).all()
    assert (error > 10 * row_gradients(on, by, through_maximum=False).error).any()


@pytest.mark.parametrize("contract", [{}, {"soft_cap": 30.0}, {"domain": {"classes": [2, 2]}}, {"reduction": "sum"}])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_allowed_without_them_is_no_more_and_the_exact_gradient_is_the_same(contract, dtype):
    """So that what it admits is right, whatever running maxima are allowed."""
    random = np.random.default_rng(0)
    least_of_all = 1.0
    for m in (2,) if "domain" in contract else (1, 2, 5, 70):
        for spread in (0.0, 1.0, 30.0):
            z = (random.normal(size=(4, m)) * spread).astype(dtype)
            problem = pose(Contract(**contract), z, np.zeros(4, int), "sparse")
            of_all, least = conformance(problem, conditions(problem)), conformance(problem, conditions(problem))
            assert (least.least_gradient <= of_all.gradient).all()
            assert np.array_equal(least.gradient_estimate, of_all.gradient_estimate)
            least_of_all = min(least_of_all, (least.least_gradient / of_all.gradient).min())
    assert least_of_all < 0.9 or "domain" in contract
