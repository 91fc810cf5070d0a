"""Mistakes of derivatives along a tangent, told from the answers on several batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import BATCHES, Array, hot, softmax
from xentcheck.contract import Contract
from xentcheck.diagnosis import Observation
from xentcheck.diagnosis.mechanism import common_cause
from xentcheck.truth.problem import pose

Wrong = Callable[[Array, Array, Array], Any]
MISTAKES: list[tuple[str, str, Wrong]] = [
    ("wrong_sign", "mean", lambda p, t, v: -((p - t) * v).sum() / len(p)),
    ("tangent_sign_lost", "sum", lambda p, t, v: abs(((p - t) * v).sum())),
    ("tangent_sign_lost", "sum", lambda p, t, v: ((p - t) * abs(v)).sum()),
    ("tangent_divisor", "mean", lambda p, t, v: ((p - t) * v).sum()),
    ("tangent_divisor", "sum", lambda p, t, v: ((p - t) * v).sum() / len(p)),
    ("tangent_rows_lost", "sum", lambda p, t, v: ((p - t) * v)[0].sum()),
    ("tangent_in_part", "none", lambda p, t, v: (t * (p - t) * v).sum(-1)),
    ("tangent_in_part", "sum", lambda p, t, v: -(t * v).sum()),
    ("jvp_without_label", "sum", lambda p, t, v: (p * v).sum()),
    ("jvp_of_prediction", "sum", lambda p, t, v: ((p - (p == p.max(-1, keepdims=True))) * v).sum()),
]


def _answers(wrong: Wrong, reduction: str, **keys: Any) -> list[Observation]:
    answers = []
    for place, (z, y) in enumerate(BATCHES):
        v = np.random.default_rng(place).normal(size=z.shape)
        problem = pose(Contract(reduction=reduction, **keys), z, y, "sparse", tangent=v)
        answers.append(Observation(problem, "jvp", np.asarray(wrong(softmax(z), hot(y, z.shape[1]), v))))
    return answers


@pytest.mark.parametrize(("mechanism", "reduction", "wrong"), MISTAKES)
def test_mistakes_along_a_tangent(mechanism: str, reduction: str, wrong: Wrong) -> None:
    """Signs, divisors, rows and classes, each of which is right in some batches."""
    answers = _answers(wrong, reduction)
    found = common_cause([one for one in answers if one.wrong][:1], answers)
    assert found is not None
    assert found.mechanism == mechanism


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_a_right_derivative_has_no_cause(reduction: str) -> None:
    """The model's own value is that of p - t times the tangent, reduced as the loss."""

    def right(p: Array, t: Array, v: Array) -> Any:
        rows = ((p - t) * v).sum(-1)
        return rows if reduction == "none" else rows.sum() / (len(p) if reduction == "mean" else 1)

    assert not any(one.wrong for one in _answers(right, reduction))


def test_options_left_out_along_a_tangent() -> None:
    """A temperature whose factor is missing, and a smoothing without effect."""
    plain = _answers(lambda p, t, v: ((p - t) * v).sum(), "sum", label_smoothing=0.25)
    found = common_cause(plain[1:2], plain)
    assert found is not None
    assert found.mechanism == "smoothing_ignored"
    answers = []
    for place, (z, y) in enumerate(BATCHES):
        v = np.random.default_rng(place).normal(size=z.shape)
        problem = pose(Contract(reduction="sum", temperature=0.7), z, y, "sparse", tangent=v)
        answers.append(Observation(problem, "jvp", np.asarray(((softmax(z / 0.7) - hot(y, z.shape[1])) * v).sum())))
    found = common_cause(answers[1:2], answers)
    assert found is not None
    assert found.mechanism == "temperature_derivative"
