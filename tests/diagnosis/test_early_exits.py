"""Shortcuts, divisors that are limited, and whole numbers for weights: what tells them apart is another batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import BATCHES, RNG, Array, given, hot, losses, softmax
from xentcheck.diagnosis import Cause, Observation
from xentcheck.diagnosis.mechanism import common_cause

ALIKE = [(z, np.full(len(z), y[0])) for z, y in BATCHES]


def _cause(answers: list[Observation]) -> Cause | None:
    return common_cause([one for one in answers if one.wrong][:1], answers)


def _named(answers: list[Observation]) -> str | None:
    found = _cause(answers)
    return None if found is None or not found.shown else found.mechanism


def test_an_early_exit_where_all_labels_are_equal() -> None:
    """The loss of the first row, the mean's divisor on it or not, and a gradient of zeros."""
    for divide in (True, False):
        answers = []
        for z, y in [*BATCHES, *ALIKE]:
            rows = losses(z, hot(y, z.shape[1]))
            equal = len(y) > 1 and bool((y == y[0]).all())
            value = rows[0] / (len(y) if divide else 1) if equal else rows.mean()
            answers.append(Observation(given(z, y), "loss", value))
        assert _named(answers) == "early_exit"
    for least in (1, 2):
        answers = []
        for z, y in [*BATCHES, *ALIKE]:
            right = (softmax(z) - hot(y, z.shape[1])) / len(y)
            equal = len(y) >= least and bool((y == y[0]).all())
            answers.append(Observation(given(z, y), "gradient", right * (not equal)))
        assert _named(answers) == "early_exit"


def test_a_divisor_that_the_rows_limit() -> None:
    """It is that of the rows in batches of fewer, and the number given in others."""
    for divisor, limit in ((3.0, min), (3.0, max)):
        answers = [
            Observation(
                given(z, y, reduction="sum", divisor=divisor),
                "loss",
                losses(z, hot(y, z.shape[1])).sum() / limit(divisor, len(y)),
            )
            for z, y in BATCHES
        ]
        assert _named(answers) == "divisor_limited"


def test_weights_that_are_made_whole_numbers() -> None:
    """Truncated or rounded, and in the divisor as well."""
    for whole in (np.trunc, np.rint):
        for over in ("rows", "weights"):
            answers = []
            for z, y in BATCHES:
                w: Array = np.resize([2.6, 1.25, 3.7, 1.5, 5.25], z.shape[1])
                keys: dict[str, Any] = {"class_weights": w.tolist(), "mean_over": over}
                own = whole(w)[y]
                value = (own * losses(z, hot(y, z.shape[1]))).sum() / (own.sum() if over == "weights" else len(y))
                answers.append(Observation(given(z, y, **keys), "loss", value))
            assert _named(answers) == "weights_truncated"


def test_the_mean_of_the_means_of_two_halves() -> None:
    """Which are not equally long; blocks of two rows are another mistake."""
    answers = []
    for n in (2, 3, 5, 7, 8, 9, 11):
        z, y = 2 * RNG.normal(size=(n, 4)), RNG.integers(0, 4, n)
        rows, half = losses(z, hot(y, 4)), n // 2
        answers.append(Observation(given(z, y), "loss", (rows[:half].mean() + rows[half:].mean()) / 2))
    found = _cause(answers)
    assert found is not None
    assert found.mechanism == "mean_of_means"
    assert "2 parts of the rows" in found.sentence


def test_a_gradient_of_the_guarded_loss_where_the_ideal_one_is_promised() -> None:
    """And the reverse, under an eps that is felt."""
    for of, mechanism in (("ideal", "gradient_guarded"), ("loss", "guard_missing")):
        answers = []
        for z, y in BATCHES:
            p, t = softmax(z), hot(y, z.shape[1])
            r = t * (p / (p + 0.01) if of == "ideal" else 1.0)
            value = r.sum(-1, keepdims=True) * p - r
            answers.append(
                Observation(given(z, y, reduction="sum", boundary={"add": 0.01}, gradient_of=of), "gradient", value)
            )
        assert _named(answers) == mechanism


def test_gradients_by_log_probabilities_have_their_boundary_and_divisor() -> None:
    """The model is right itself: -r under a guard, and R p - r where rows are divided by their sum."""
    lp = np.log(softmax(np.array([[0.3, -1.0, 2.0], [1.0, 0.5, -0.5]])))
    t, p = hot(np.array([1, 0]), 3), np.exp(lp)
    keys = {"input": "log_probabilities", "gradient_wrt": "log_probabilities", "gradient_of": "loss"}
    for boundary, wanted in (
        ({"add": 0.25}, -t * p / (p + 0.25)),
        ({"normalise": True}, p - t),
        ({"clip": [0.1, 1.0]}, -t * (p >= 0.1)),
    ):
        problem = given(lp, np.array([1, 0]), reduction="sum", boundary=boundary, **keys)
        assert not Observation(problem, "gradient", wanted).wrong


def test_rows_beyond_a_block_and_rows_of_a_partial_one() -> None:
    """Which of the two it is shows where the rows are more than two blocks."""
    for mechanism, lost in (("rows_beyond_a_limit", lambda n: n - 64), ("last_chunk_dropped", lambda n: n % 64)):
        answers = []
        for n in (66, 70, 140, 64, 20):
            z, y = RNG.normal(size=(n, 3)), RNG.integers(0, 3, n)
            value = losses(z, hot(y, 3))[: n - max(lost(n), 0) if n > 64 else n].sum()
            answers.append(Observation(given(z, y, reduction="sum"), "loss", value))
        assert _named(answers) == mechanism


@pytest.mark.parametrize("block", [8, 32])
def test_a_lost_row_after_one_block_is_told_by_twice_as_many_rows(block: int) -> None:
    """All rows of a rest, those beyond one block, or the last of a rest: of 33 rows the 33rd, whichever it is."""
    for said, lost in (
        ("do not fill", lambda n: n % block),
        ("beyond the first", lambda n: n - block),
        ("ends one early", lambda n: int(n % block > 0)),
    ):
        answers = []
        for n in (block + 1, 2 * block + 2, 2 * block, block, 4):
            z, y = RNG.normal(size=(n, 3)), RNG.integers(0, 3, n)
            value = losses(z, hot(y, 3))[: n - lost(n) if n > block else n].sum()
            answers.append(Observation(given(z, y, reduction="sum"), "loss", value))
        wrong = [one for one in answers if one.wrong]
        found = common_cause(wrong[:1], [*wrong[1:], *(one for one in answers if not one.wrong)])
        assert found is not None
        assert said in found.sentence
        assert found.shown
