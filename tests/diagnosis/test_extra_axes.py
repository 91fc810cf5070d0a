"""Mistakes about rows along several axes are named from what they return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import Array, losses, softmax
from tests.diagnosis.posing import given as posed
from tests.diagnosis.test_several_batches import cause_of
from xentcheck.batches.extra_axes import row_sizes, spread
from xentcheck.diagnosis import Observation
from xentcheck.diagnosis.mechanism import common_cause

ALONG_ONE: dict[str, Any] = {"axis": 1, "extra_axes": (1, 2)}


def given(z: Array) -> Array:
    """Return rows as the target has them."""
    return np.ascontiguousarray(spread(z, row_sizes((1, 2), *z.shape), 1))


def rows(scores: Array, m: int) -> Array:
    return np.moveaxis(scores, 1, -1).reshape(-1, m)


def along_the_last_axis(z: Array, t: Array) -> Any:
    p = rows(softmax(given(z), -1), z.shape[1])
    return -(t * np.log(p)).sum(axis=-1).mean()


def mean_over_the_first_axis(z: Array, t: Array) -> Any:
    return losses(z, t).sum() / len(given(z))


def reshaped(z: Array, t: Array) -> Any:
    return losses(given(z).reshape(z.shape), t).mean()


def labels_in_another_order(z: Array, t: Array) -> Any:
    sizes = row_sizes((1, 2), *z.shape)
    return losses(z, t[np.arange(len(t)).reshape(sizes).T.reshape(-1)]).mean()


def reshaped_gradient(z: Array, t: Array) -> Any:
    g = (softmax(z) - t) / len(z)
    return rows(g.reshape(given(z).shape), z.shape[1])


@pytest.mark.parametrize(
    ("mechanism", "part", "wrong"),
    [
        ("wrong_axis", "loss", along_the_last_axis),
        ("divisor_first_axis", "loss", mean_over_the_first_axis),
        ("reshaped_scores", "loss", reshaped),
        ("gradient_misaligned", "gradient", reshaped_gradient),
    ],
)
def test_mistakes_about_axes(mechanism: str, part: str, wrong: Callable[[Array, Array], Any]) -> None:
    """Softmax and divisor along another axis, rows and gradients by a reshape alone."""
    assert cause_of(wrong, part, **ALONG_ONE).mechanism == mechanism


def test_labels_in_another_order() -> None:
    """It takes rows along two axes to show, as few of a small batch are."""
    random = np.random.default_rng(3)
    answers = []
    for n in (6, 12, 8):
        z, y = 3 * random.normal(size=(n, 5)), random.integers(0, 5, n)
        answers.append(Observation(posed(z, y, **ALONG_ONE), "loss", labels_in_another_order(z, np.eye(5)[y])))
    found = common_cause(answers[:1], answers[1:])
    assert found is not None
    assert (found.mechanism, found.shown) == ("labels_misaligned", True)


@pytest.mark.parametrize("empty", [False, True], ids=["left out", "counted"])
def test_means_of_sentences(empty: bool) -> None:
    """The mean of the kept tokens of each sentence, and of these; one without any is left out, or counts as 0."""
    random = np.random.default_rng(5)
    answers = []
    for n in (18, 36, 24):
        z, y = 3 * random.normal(size=(n, 5)), random.integers(0, 3, n)
        sizes = row_sizes((1,), n, 5)
        y[: n // sizes[0]] = 0
        kept = (y != 0).reshape(sizes[0], -1)
        sums = (losses(z, np.eye(5)[y]).reshape(kept.shape) * kept).sum(axis=1)
        some = kept.any(axis=1)
        wrong = (sums[some] / kept.sum(axis=1)[some]).sum() / (len(kept) if empty else some.sum())
        keys: dict[str, Any] = {"extra_axes": (1,), "ignore_index": 0, "mean_over": "kept"}
        answers.append(Observation(posed(z, y, **keys), "loss", wrong))
    found = common_cause(answers[:1], answers[1:])
    assert found is not None
    assert found.mechanism == "mean_of_means"
