"""Families of logits at the edges of the format: stagnation, overflow, underflow, masks.

The numbers in brackets count the sixteen kinds of worst inputs, of which each has a family (a test holds that).
"""

from __future__ import annotations

import math

import numpy as np

from xentcheck.batches.family import Draft, family, with_label
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Floats, Labels, Numbers


def _end(numbers: Numbers) -> Labels:
    """Return the first or the last class for each row."""
    return np.where(numbers.pick((0, 1), rows=True)[:, 0] == 1, numbers.m - 1, 0).astype(np.int64)


def _mostly(numbers: Numbers, labels: Labels) -> Labels:
    """Return the labels given in two rows of three, any class in the others."""
    return np.where(numbers.pick((0, 0, 1), rows=True)[:, 0] == 1, numbers.labels(), labels)


@family()
def stagnation(numbers: Numbers) -> Draft:
    """Return a maximum, first or last, beside classes of about half a unit roundoff each [4].

    Added one by one to 1 they vanish, although together they count: 1 + (m - 1) 0.99 u.
    """
    u = numbers.space.format.unit_roundoff
    factor = numbers.pick((0.99, 1.0, 1.02, 1.5, 0.5), rows=True)
    small = math.log(u) + np.log(factor) - numbers.pick((0, 0, 0.003, 0.007, 0.01))
    top = _end(numbers)
    return Draft(with_label(small, top, np.zeros((numbers.n, 1))), _mostly(numbers, top))


@family()
def one_large_loss(numbers: Numbers) -> Draft:
    """Return one row with a large loss G and others with a loss just under u G [4].

    A running sum over the rows loses all of them, first to last or last to first.
    """
    u, limit = numbers.space.format.unit_roundoff, numbers.space.exponential_limit
    scores, labels = np.zeros((numbers.n, numbers.m)), numbers.labels()
    large = min(64.0, 0.8 * limit)
    small = math.log(max(numbers.m - 1, 1)) - np.log(large * u * numbers.pick((0.98, 0.5, 1.02), rows=True))
    if numbers.n:
        place = numbers.n - 1 if numbers.pick((0, 1), rows=True)[0, 0] == 1 else 0
        small[place] = -large
    return Draft(with_label(scores, labels, small), labels)


@family()
def sum_overflow(numbers: Numbers) -> Draft:
    """Return equal logits just above log(largest / m), where the sum of their exponentials overflows [6]."""
    edge = math.log(numbers.space.format.largest / numbers.m)
    equal = edge + numbers.between(-0.5, 1.0, rows=True)
    return Draft(np.repeat(equal, numbers.m, axis=1), numbers.labels())


@family(applies=lambda space: space.dtype == "float16")
def loss_sum_overflow(numbers: Numbers) -> Draft:
    """Return losses whose mean float16 holds and whose sum it does not: sum before mean gives inf [6].

    pytorch 61523.
    """
    scores, labels = numbers.normal(), numbers.labels()
    behind = numbers.pick((30000, 20000, 8000, 100, 16), rows=True)
    return Draft(with_label(scores, labels, scores.max(axis=1, keepdims=True) - behind), labels)


@family(needs="-inf")
def masks(numbers: Numbers) -> Draft:
    """Return -inf logits off the label, at the label or everywhere [8].

    optax 896, 1762; flash-attention 1930; jax 17117, 16208, 6811; pytorch 31829.
    """
    scores, labels = numbers.normal(), numbers.labels()
    masked = numbers.pick((1, 0, 0)) == 1
    kind = numbers.pick((0, 0, 0, 0, 1, 2), rows=True)
    at_label = np.arange(numbers.m) == labels[:, None]
    masked = np.where(at_label, kind > 0, masked | (kind == 2))
    return Draft(np.where(masked, -np.inf, scores), labels)


@family(needs="+inf")
def infinite(numbers: Numbers) -> Draft:
    """Return some +inf logits: the exact value is nan, never a plausible number."""
    return Draft(np.where(numbers.pick((1, 0, 0, 0)) == 1, np.inf, numbers.normal()), numbers.labels())


@family(needs="nan")
def not_numbers(numbers: Numbers) -> Draft:
    """Return some nan scores: a maximum that skips nan hides them."""
    return Draft(np.where(numbers.pick((1, 0, 0, 0)) == 1, np.nan, numbers.normal()), numbers.labels())


@family()
def spread_to_largest(numbers: Numbers) -> Draft:
    """Return logits up to the largest number: differences and row sums that overflow [9]."""
    largest = numbers.space.largest
    within = numbers.pick((0.45, 1.0, 0.99), rows=True)
    return Draft(numbers.pick((0, 1, -1, 0.3, -0.3, 0.5, -0.5)) * largest * within, numbers.labels())


@family()
def wild(numbers: Numbers) -> Draft:
    """Return logits of the size of the cube root of the largest number, where one class has it all [9]."""
    size = min(numbers.space.format.largest**0.3, numbers.space.largest / 64)
    return Draft(numbers.normal() * size, numbers.labels())


@family()
def exponential_at_subnormal_edge(numbers: Numbers) -> Draft:
    """Return gaps at which exp goes through the subnormal numbers to 0 [10]."""
    limit = numbers.space.exponential_limit
    scores = -numbers.between(limit - 8, limit + 18)
    top = _end(numbers)
    return Draft(with_label(scores, top, np.zeros((numbers.n, 1))), _mostly(numbers, top))


@family()
def subnormal_scores(numbers: Numbers) -> Draft:
    """Return logits that are subnormal: flushing them to zero must not show beyond rounding [10]."""
    size = numbers.space.format.smallest_subnormal * 50
    return Draft(numbers.normal() * size, numbers.labels())


@family()
def libm_hot_spots(numbers: Numbers) -> Draft:
    """Return gaps where exp, log and log1p are least accurate [11].

    exp near -16.968 in float32, log near 1 and near a sum of 2, log1p between.
    """
    near_one = np.log(max(numbers.m - 1, 1)) + numbers.between(-1.0, 8.0, rows=True)
    choices: list[Floats] = [
        -16.968 + numbers.between(-0.02, 0.02),
        np.repeat(-numbers.between(0.0, 2.0, rows=True), numbers.m, axis=1),
        -numbers.between(0.0, 1.5) - near_one,
    ]
    kind = numbers.pick((0, 1, 2), rows=True)
    scores = np.where(kind == 0, choices[0], np.where(kind == 1, choices[1], choices[2]))
    top = _end(numbers)
    return Draft(with_label(scores, top, np.zeros((numbers.n, 1))), _mostly(numbers, top))


def _several_classes(space: InputSpace) -> bool:
    return space.classes[1] >= 2


@family(applies=_several_classes)
def breakpoints(numbers: Numbers) -> Draft:
    """Return a gap of log(k u) +- 40 ulp, k = 1, 2, 3, 5, where a rounded sum jumps; other classes vanish [12]."""
    u = numbers.space.format.unit_roundoff
    gap = np.log(numbers.pick((1, 2, 3, 5), rows=True) * u)
    steps = numbers.pick((0, 1, -1, 2, -2, *range(-40, 41)), rows=True)
    scores = np.full((numbers.n, numbers.m), -2.0 * numbers.space.exponential_limit)
    scores[:, 0] = 0.0
    scores[:, 1:2] = gap * (1 + 2 * u * steps)
    return Draft(scores, np.minimum(numbers.labels(), 1))
