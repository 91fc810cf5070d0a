"""Mistakes of kernels and about rows: what is left after blocks, shards, exponentials by bits, rows alike."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.diagnosis.posing import BATCHES, RNG, Array, Loss, given, hot, losses
from xentcheck.diagnosis import Observation
from xentcheck.diagnosis.mechanism import common_cause

TWINS = np.array([[1.5, -0.25, 0.5], [0.125, 2.0, -1.0]])
ALIKE = [
    (np.concatenate([TWINS, TWINS[:1]]), np.array([0, 2, 0])),
    (np.concatenate([TWINS[1:], TWINS, 3 * TWINS]), np.array([1, 0, 1, 2, 2])),
    (np.concatenate([TWINS, 2 * TWINS, TWINS]), np.array([0, 1, 2, 0, 0, 1])),
]
OTHERS = [
    (np.concatenate([TWINS, TWINS]), np.array([0, 1, 2, 2])),
    (np.concatenate([TWINS, 2 * TWINS, TWINS[:1]]), np.array([0, 1, 2, 0, 1])),
    (np.concatenate([-TWINS[:1], TWINS, -TWINS[:1], TWINS]), np.array([1, 0, 1, 2, 2, 1])),
    (np.concatenate([TWINS / 4, TWINS / 4]), np.array([2, 0, 0, 1])),
]
MANY = [(3 * RNG.normal(size=(n, 2)), RNG.integers(0, 2, n)) for n in (255, 256, 257, 300, 511)]
CLASSES = [(3 * RNG.normal(size=(n, m)), RNG.integers(0, m, n)) for n, m in ((2, 6), (3, 7), (1, 8), (2, 12), (4, 11))]


def shifted(z: Array) -> Array:
    return z - z.max(axis=1, keepdims=True)


def from_sum(z: Array, t: Array, s: Array) -> Array:
    return (np.log(s) - (t * shifted(z)).sum(axis=1)).mean()


def overlapping(z: Array, t: Array) -> Array:
    e, m = np.exp(shifted(z)), z.shape[1]
    if m < 4 or m % 4 == 0:
        return losses(z, t).mean()
    return from_sum(z, t, e[:, : m // 4 * 4].sum(axis=1) + e[:, -4:].sum(axis=1))


def in_pairs(z: Array, t: Array) -> Array:
    e, m = np.exp(shifted(z)), z.shape[1]
    return from_sum(z, t, e[:, : m - m % 2].sum(axis=1))


def own_maxima(z: Array, t: Array) -> Array:
    half = -(-z.shape[1] // 2)
    parts = [shifted(part) for part in (z[:, :half], z[:, half:])]
    s = sum(np.exp(part).sum(axis=1) for part in parts)
    return (np.log(s) - (t * np.concatenate(parts, axis=1)).sum(axis=1)).mean()


def first_of_other_shard(z: Array, t: Array) -> Array:
    d, half = shifted(z), -(-z.shape[1] // 2)
    in_first = t[:, :half].any(axis=1)
    return (losses(z, t) - np.where(in_first, d[:, half], d[:, 0])).mean()


def bits_of_a_double(z: Array, t: Array) -> Array:
    line = np.trunc(shifted(z) * (2.0**20 / np.log(2)) + 1072632447)
    return from_sum(z, t, (line.astype(np.int64) << 32).view(np.float64).sum(axis=1))


def once(z: Array, t: Array) -> Array:
    rows = np.unique(np.column_stack([z, t]), axis=0)
    return losses(rows[:, : z.shape[1]], rows[:, z.shape[1] :]).mean()


def label_of_the_first(z: Array, t: Array) -> Array:
    _, first, place = np.unique(z, axis=0, return_index=True, return_inverse=True)
    return losses(z, t[first[place.reshape(-1)]]).mean()


def padded(z: Array, t: Array) -> Array:
    return (losses(z, t).sum() + -len(z) % 8 * np.log(z.shape[1])) / len(z)


def balanced(z: Array, t: Array) -> Array:
    counts = t.sum(axis=0)
    return (losses(z, t) * (t / np.maximum(counts, 1)).sum(axis=1)).sum() / z.shape[1]


@pytest.mark.parametrize(
    ("mechanism", "words", "loss", "batches"),
    [
        ("tail_counted_twice", "last 4 classes", overlapping, [*BATCHES, *CLASSES]),
        ("last_chunk_dropped", "in pairs", in_pairs, [*BATCHES, *CLASSES]),
        ("shards_not_combined", "a maximum of its own", own_maxima, CLASSES),
        ("label_in_other_shards", "first class", first_of_other_shard, CLASSES),
        ("exponential_by_bits", "Schraudolph", bits_of_a_double, BATCHES),
        ("rows_wrapped", "uint8", lambda z, t: losses(z, t)[np.arange(len(z)) % 256].mean(), MANY),
        ("phantom_rows", "block of 8", padded, [*BATCHES, *CLASSES]),
        ("repeated_rows_removed", "scores and label", once, [*ALIKE, *OTHERS]),
        ("rows_taken_for_one", "label of the first", label_of_the_first, OTHERS),
        ("mean_of_class_means", "balanced", balanced, BATCHES),
    ],
)
def test_mistakes_are_told(mechanism: str, words: str, loss: Loss, batches: list[tuple[Array, Array]]) -> None:
    """Each is named from its losses on several batches, and no rival is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = [Observation(given(z, y), "loss", loss(z, hot(y, z.shape[1]))) for z, y in batches]
    first = next(one for one in seen if one.wrong)
    cause = common_cause([first], [one for one in seen if one is not first])
    assert cause is not None
    assert (cause.mechanism, cause.shown) == (mechanism, True)
    assert words in cause.sentence


@pytest.mark.parametrize(("sign", "told"), [(1, False), (-1, False), (0, True)])
def test_one_sided_errors_are_no_rounding(sign: int, told: bool) -> None:
    """A series cut short errs to one side; float32 errs to both, and is told."""
    sizes = 2.0**-26 * (1 + np.arange(len(BATCHES)) / 9)
    signs = [sign or (-1) ** place for place in range(len(BATCHES))]
    seen = [
        Observation(given(z, y), "loss", losses(z, hot(y, z.shape[1])).mean() * (1 + s * size))
        for (z, y), size, s in zip(BATCHES, sizes, signs, strict=True)
    ]
    cause = common_cause(seen[:1], seen[1:])
    assert cause is not None
    assert (cause.mechanism, cause.shown) == ("narrowing", told)
