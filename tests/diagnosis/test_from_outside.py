"""Mistakes that losses from outside had, and that nothing named before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import P34, RNG, SOFT, W4, Y34, Z34, Array, given, hot, losses, name, softmax
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis import Observation
from xentcheck.diagnosis.limits import known
from xentcheck.diagnosis.mechanism import common_cause
from xentcheck.diagnosis.nearby_batches import variations
from xentcheck.truth.problem import pose

T34 = hot(Y34, 4)
LOG_P = np.log(softmax(Z34))
KEPT = np.array([True, False, True])
IGNORED = np.array([2, -100, 1])
Z9 = RNG.normal(size=(4, 9)) * 3
SHARES = np.array([[1 - 2e-8, 2e-8, 0.0, 0.0], [3e-7, 0.0, 1 - 3e-7, 0.0], [0.25, 0.25, 0.5 - 1e-9, 1e-9]])
Y9 = np.array([0, 4, 5, 8])


def cap_of_shifted() -> Array:
    z = Z34 - Z34.max(axis=1, keepdims=True)
    return losses(2 * np.tanh(z / 2), T34)


def rescaled_once() -> Array:
    top, total = Z9[:, :2].max(axis=1), np.zeros(4)
    for block, start in enumerate(range(0, 9, 2)):
        part = Z9[:, start : start + 2]
        new = np.maximum(top, part.max(axis=1))
        total = total * (np.exp(top - new) if block < 2 else 1.0) + np.exp(part - new[:, None]).sum(axis=1)
        top = new
    return np.asarray(top + np.log(total) - Z9[np.arange(4), Y9])


def of_shards() -> Array:
    parts = np.array_split(Z9, 2, axis=1)
    sums = [np.exp(part - part.max(axis=1, keepdims=True)).sum(axis=1) for part in parts]
    return np.asarray(Z9.max(axis=1) + np.log(sum(sums)) - Z9[np.arange(4), Y9])


def without_the_boundary() -> Array:
    d = Z9 - Z9.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(d).sum(axis=1)) - np.where(Y9 == 5, 0.0, d[np.arange(4), Y9]))


NONE: dict[str, Any] = {"reduction": "none"}
WEIGHTED: dict[str, Any] = {"class_weights": tuple(W4), **NONE}
MEAN: dict[str, Any] = {"ignore_index": -100, "mean_over": "kept"}
VALUES: list[tuple[str, Any, str, Callable[[], Array]]] = [
    ("gradient_t_times_p", given(Z34, Y34, **NONE), "gradient", lambda: softmax(Z34) * (1 - T34)),
    ("soft_cap", given(Z34, Y34, soft_cap=2.0, **NONE), "loss", cap_of_shifted),
    (
        "smoothing_unweighted",
        given(Z34, Y34, label_smoothing=0.2, smoothing_weights="class", **WEIGHTED),
        "loss",
        lambda: -0.8 * W4[Y34] * LOG_P[range(3), Y34] - 0.2 * LOG_P.mean(axis=1),
    ),
    (
        "smoothing_divided_by_all_rows",
        given(Z34, IGNORED, label_smoothing=0.2, **MEAN),
        "loss",
        lambda: -0.8 * LOG_P[[0, 2], [2, 1]].mean() - 0.2 * LOG_P[KEPT].mean(axis=1).sum() / 3,
    ),
    (
        "ignored_rows_used",
        given(Z34, np.array([2, -99, 1]), ignore_index=-99, **NONE),
        "gradient",
        lambda: softmax(Z34) * KEPT[:, None] - hot(np.array([2, -99 % 4, 1]), 4),
    ),
    ("targets_hardened", given(Z34, SOFT, form="soft", **NONE), "loss", lambda: losses(Z34, hot(SOFT.argmax(-1), 4))),
    (
        "shares_dropped",
        given(Z34, SHARES, form="soft", **NONE),
        "loss",
        lambda: losses(Z34, np.where(SHARES < 1e-6, 0, SHARES)),
    ),
    ("online_not_rescaled", given(Z9, Y9, **NONE), "loss", rescaled_once),
    ("shards_not_combined", given(Z9, Y9, **NONE), "loss", of_shards),
    ("label_between_shards", given(Z9, Y9, **NONE), "loss", without_the_boundary),
    (
        "row_weights_normalised",
        pose(Contract(row_weights={"argument": "v"}, **NONE), Z34, Y34, "sparse", {"row_weights": W4[:3]}),
        "loss",
        lambda: losses(Z34, T34) * W4[:3] / W4[:3].mean(),
    ),
    ("weights_by_column", given(Z34, Y34, **WEIGHTED), "gradient", lambda: (softmax(Z34) - T34) * W4),
]


@pytest.mark.parametrize(("mechanism", "problem", "part", "wrong"), VALUES, ids=[one[0] for one in VALUES])
def test_mistakes_from_outside(mechanism: str, problem: Any, part: str, wrong: Callable[[], Array]) -> None:
    """Each is named by its numbers."""
    assert name(problem, part, wrong()) == mechanism


def test_flat_positions_of_log_probabilities() -> None:
    """What wraps round is the position of the label's log-probability, that of another row, and not of its logit."""
    z, y = RNG.normal(size=(4, 50)) * 3, np.array([7, 3, 49, 20])
    log_p = np.log(softmax(z))
    wrapped = (np.arange(4) * 50 + y).astype(np.int8)
    assert name(given(z, y, **NONE), "loss", -log_p.ravel()[wrapped]) == "labels_wrapped"


@pytest.mark.parametrize(
    ("mechanism", "wrong"),
    [
        ("hessian_diagonal", lambda p, v, t: p * (1 - p) * v / 3),
        ("hessian_without_outer_product", lambda p, v, t: p * v / 3),
        ("hessian_of_label", lambda p, v, t: p * (v - (t * v).sum(axis=1, keepdims=True)) / 3),
        ("hessian_divisor", lambda p, v, t: p * (v - (p * v).sum(axis=1, keepdims=True))),
        ("hessian_divisor", lambda p, v, t: p * (v - (p * v).sum(axis=1, keepdims=True)) / 9),
    ],
)
def test_products_with_another_matrix(mechanism: str, wrong: Callable[..., Array]) -> None:
    """The off-diagonal part left out or of the labels, and the divisor of the mean forgotten or used twice."""
    v = RNG.normal(size=Z34.shape)
    problem = pose(Contract(), Z34, Y34, "sparse", vector=v)
    found = common_cause([Observation(problem, "hessian_vector", wrong(softmax(Z34), v, T34))])
    assert found is not None
    assert found.mechanism == mechanism


def test_a_large_number_in_the_place_of_minus_infinity() -> None:
    """A mask of -1e4: the class is not quite absent, and the label's loss is finite."""
    z = np.where(np.arange(4) == 2, -np.inf, Z34)
    got = np.log(np.exp(z).sum(axis=1)) + np.array([1e4, 1.52, -1.71])
    problem = given(z, np.array([2, 0, 1]), nonfinite=("-inf",), **NONE)
    assert name(problem, "loss", got) == "finite_mask"


def test_a_probability_raised_in_the_gradient() -> None:
    """The constant is fitted to one batch, and explains the others."""
    keys: dict[str, Any] = {"input": "probabilities", "gradient_wrt": "probabilities", "reduction": "none"}
    answers = []
    for rows in ([1, 0, 2], [1, 2], [0, 1]):
        p, t = P34[rows], hot(np.zeros(len(rows), int), 4)
        answers.append(Observation(given(p, np.zeros(len(rows), int), **keys), "gradient", -t / np.maximum(p, 3e-4)))
    found = common_cause(answers[:1], answers[1:])
    assert found is not None
    assert found.mechanism == "probability_raised"
    assert "0.0003" in found.sentence


def test_a_special_case_of_equal_labels_is_said() -> None:
    """What all wrong answers have in common need not be a shape."""
    answers = []
    for y in ([0, 0], [2, 2, 2], [1, 1], [0, 1], [0, 1, 1], [1], [0]):
        z = RNG.normal(size=(len(y), 3))
        rows = losses(z, hot(np.array(y), 3))
        equal = len(y) > 1 and len(set(y)) == 1
        answers.append(Observation(given(z, np.array(y)), "loss", rows[0] if equal else rows.mean()))
    assert known(answers) == (
        "Known: of 3 wrong answers and 4 right ones, the wrong ones are those on several rows that all have the same "
        "label."
    )


def test_a_batch_that_can_only_be_large_is_varied_in_its_numbers() -> None:
    """One answer shows no mechanism: what needs 33,153 numbers is asked about as many once more."""
    batch = Batch(np.zeros((129, 257)), np.zeros(129, np.int64))
    others = list(variations(Contract(), batch, new_shapes=True))
    assert len(others) >= 2
    assert {one.scores.shape for one in others} == {batch.scores.shape}
    assert not list(variations(Contract(), Batch(np.zeros((512, 257)), np.zeros(512, np.int64)), new_shapes=True))
