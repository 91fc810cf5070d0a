"""The bounds of all pairs against mpmath, and against the allowances that `truth` has for each pair."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from xentcheck.campaign.exhaustive.bound import CELL, FAR, STEP, VALUE_ERROR, Curve
from xentcheck.campaign.exhaustive.pairs import numbers
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.formats import FORMATS

CONTRACTS: list[dict[str, Any]] = [
    {},
    {"accuracy": "B+"},
    {"accuracy": "A"},
    {"accuracy": "A*"},
    {"compute": "same"},
    {"compute": "same", "accuracy": "B+"},
    {"compute": "bfloat16"},
    {"compute": "float64"},
    {"output_dtype": "float32"},
    {"output_dtype": "float32", "accuracy": "B+"},
    {"labels": ["onehot"]},
]


def curve(dtype: str, part: str, **stated: Any) -> Curve:
    contract = Contract(reduction="none", dtypes=[dtype], **stated)
    return Curve(contract, FORMATS[dtype], part, contract.labels[0])


def chosen(dtype: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of finite positions: any, near ones, equal ones, and those at special values."""
    known, random = numbers(dtype), np.random.default_rng(5)
    start, stop = known.finite.start, known.finite.stop
    first = random.integers(start, stop, count)
    second = random.integers(start, stop, count)
    ascending = known.values[known.finite]
    near = known.values[first] + random.choice([-1.0, 1.0], count) * random.exponential(30.0, count)
    beside = np.clip(np.searchsorted(ascending, near), 0, len(ascending) - 1) + start
    second = np.where(np.arange(count) % 3 == 0, second, beside)
    second = np.where(np.arange(count) % 20 == 1, first, second)
    special = np.array([start, start + 1, 32767, 32768, 32769, 32767 - 200, 32768 + 900, stop - 1])
    special = np.append(special, np.searchsorted(ascending, [-128.0, -0.5, 1.0, 2.0**-9, 127.5, 128.0]) + start)
    return (
        np.concatenate([first, np.repeat(special, len(special))]),
        np.concatenate([second, np.tile(special, len(special))]),
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_values_against_mpmath(dtype: str, part: str) -> None:
    """Both sides, at random and special pairs, nodes and the ends of cells included: within the error stated."""
    first, second = chosen(dtype, 900)
    values, found = numbers(dtype).values, curve(dtype, part)
    extra = np.concatenate([np.arange(0, 65536, 4099) * STEP, np.nextafter(np.arange(1, 65536, 3001) * STEP, 0.0)])
    pairs = [(mpmath.mpf(values[i]), mpmath.mpf(values[j])) for i, j in zip(first, second, strict=True)]
    pairs += [(mpmath.mpf(0), mpmath.mpf(d)) for d in extra]
    worst = 0.0
    with mpmath.workdps(80):
        for z0, z1 in pairs:
            exact_d = abs(z1 - z0)
            d = np.array([abs(float(z1) - float(z0))])
            bounds = found.near(d) if d[0] < FAR else found.far(d)
            e = mpmath.exp(-exact_d)
            top = mpmath.log1p(e) if part == "loss" else e / (1 + e)
            other = top + exact_d if part == "loss" else 1 / (1 + e)
            for size, exact in zip(bounds.sizes, (top, other), strict=True):
                error = abs(mpmath.mpf(size[0]) - exact)
                if d[0] < FAR:
                    worst = max(worst, float(error / exact))
                else:
                    assert error <= exact * 2.0**-52 + mpmath.mpf(2) ** -180
    assert worst <= VALUE_ERROR / 2.0
    assert worst > VALUE_ERROR / 8.0  # the derivation is not far from what happens


@pytest.mark.parametrize("part", ["loss", "gradient"])
@pytest.mark.parametrize(
    ("dtype", "stated"),
    [*(("float16", stated) for stated in CONTRACTS), *(("bfloat16", stated) for stated in CONTRACTS[:8:2])],
    ids=str,
)
def test_allowances_of_truth_lie_between(dtype: str, part: str, stated: dict[str, Any]) -> None:
    """What is called right is within the allowance that `truth` has for the pair, and what is called wrong is not."""
    first, second = chosen(dtype, 6000)
    values, found = numbers(dtype).values, curve(dtype, part, **stated)
    scores = np.stack([values[first], values[second]], axis=1)
    d = np.abs(scores[:, 0] - scores[:, 1])
    bounded = ~found.unbounded(np.abs(scores).max(axis=1))
    for label in (0, 1):
        problem = found.problem(scores, label)
        allowed = conformance(problem, conditions(problem))
        truth = allowed.loss[None] if part == "loss" else allowed.gradient[:, [label, 1 - label]].T
        assert np.isinf(truth[:, ~bounded]).all()
        larger = scores[:, label] > scores[:, 1 - label]
        for side in (0, 1):
            for near in (True, False):
                here = bounded & (larger == (side == 0)) & ((d < FAR) == near)
                bounds = (found.near if near else found.far)(d[here])
                neglected = 1e-300 + (VALUE_ERROR / 2.0) * bounds.sizes[side]
                low, high = bounds.low[side], found.high(d[here], side)
                assert (low <= truth[:, here] - neglected).all()
                assert (high >= truth[:, here] + np.where(np.isinf(high), 0.0, neglected)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_bounds_decide_nearly_everything(dtype: str) -> None:
    """Both bounds of a loss are near each other, for nearly all pairs; bounds of nothing would pass the test above."""
    first, second = chosen(dtype, 20000)
    values, found = numbers(dtype).values, curve(dtype, "loss")
    d = np.abs(values[first] - values[second])
    d = d[(d > 2.0 * STEP) & (d < FAR)]
    for side in (0, 1):
        low, high = found.near(d).low[side], found.high(d, side)
        decided = (high - low <= 4.0 * CELL * low) & np.isfinite(high)
        assert decided.mean() > 0.995
