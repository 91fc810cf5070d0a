"""Mistakes that no hypothesis has are told as nothing, or as the factor that they come to, and never as another."""

from __future__ import annotations

import numpy as np
import pytest

from tests.diagnosis.posing import BATCHES, Array, Loss, given, hot, losses, seen, softmax
from xentcheck.contract import Contract
from xentcheck.diagnosis import Observation
from xentcheck.diagnosis.mechanism import likely_cause
from xentcheck.truth.problem import pose

LOSSES: dict[str, Loss] = {
    "the logarithm to base 2": lambda z, t: losses(z, t).mean() / np.log(2),
    "the first label for all": lambda z, t: losses(z, t[[0] * len(t)]).mean(),
    "the labels of the rows above": lambda z, t: losses(z, np.roll(t, 1, axis=0)).mean(),
    "the last row left out": lambda z, t: losses(z, t)[:-1].sum() / len(z),
    "the largest score for the label": lambda z, t: losses(z, hot(z.argmax(axis=-1), z.shape[1])).mean(),
    "no log-sum-exp": lambda z, t: -(t * z).sum(axis=-1).mean(),
    "a sigmoid a class": lambda z, t: (np.logaddexp(0, z) - t * z).sum() / len(z),
    "no logarithm": lambda z, t: -(t * softmax(z)).sum(axis=-1).mean(),
    "all classes summed": lambda z, t: -np.log(softmax(z)).sum(axis=-1).mean(),
    "the log-sum-exp alone": lambda z, t: np.log(np.exp(z).sum(axis=-1)).mean(),
    "the label left out": lambda z, t: (np.log(((1 - t) * np.exp(z)).sum(axis=-1)) - (t * z).sum(axis=-1)).mean(),
    "a mean of exponentials": lambda z, t: (np.log(np.exp(z).mean(axis=-1)) - (t * z).sum(axis=-1)).mean(),
    "the maximum for the log-sum-exp": lambda z, t: (z.max(axis=-1) - (t * z).sum(axis=-1)).mean(),
    "the last class left out": lambda z, t: (np.log(np.exp(z[:, :-1]).sum(axis=-1)) - (t * z).sum(axis=-1)).mean(),
    "the largest row": lambda z, t: losses(z, t).max(),
    "nothing at all": lambda z, t: 0.0,
    "the perplexity": lambda z, t: np.exp(losses(z, t).mean()),
    "a focal loss": lambda z, t: (((1 - softmax(z)) ** 2 * t).sum(axis=-1) * losses(z, t)).mean(),
}
GRADIENTS: dict[str, Loss] = {
    "p + t": lambda z, t: (softmax(z) + t) / len(z),
    "times the loss": lambda z, t: (softmax(z) - t) / len(z) * losses(z, t)[:, None],
    "transposed": lambda z, t: ((softmax(z) - t) / len(z)).T.reshape(z.shape),
    "the first label for all": lambda z, t: (softmax(z) - t[:1]) / len(z),
    "the largest score for the label": lambda z, t: (softmax(z) - hot(z.argmax(-1), z.shape[1])) / len(z),
    "a sigmoid a class": lambda z, t: (1 / (1 + np.exp(-z)) - t) / len(z),
    "rows in reverse order": lambda z, t: (softmax(z) - t)[::-1] / len(z),
}
FACTORS = {"the logarithm to base 2"}


@pytest.mark.parametrize(
    ("part", "said", "wrong"),
    [(part, *one) for part, given_ in (("loss", LOSSES), ("gradient", GRADIENTS)) for one in given_.items()],
)
def test_no_other_mistake_is_told(part: str, said: str, wrong: Loss) -> None:
    answers = seen(wrong, part)
    first = next(one for one in answers if one.wrong)
    found = likely_cause([first], [one for one in answers if one is not first])
    told = found.mechanism if found is not None and found.shown else ""
    assert told == ("scaled" if said in FACTORS else "")


@pytest.mark.parametrize("name", ["zeros", "doubled", "squared"])
def test_no_other_matrix_is_told(name: str) -> None:
    def product(p: Array, v: Array) -> Array:
        right = p * (v - (p * v).sum(-1, keepdims=True))
        return {"zeros": 0 * v, "doubled": 2 * right, "squared": p * right}[name]

    answers = []
    for z, y in BATCHES[:4]:
        v = np.random.default_rng(z.size).normal(size=z.shape)
        problem = pose(Contract(reduction="sum"), z, y, "sparse", vector=v)
        answers.append(Observation(problem, "hessian_vector", product(softmax(z), v)))
    found = likely_cause(answers[1:2], answers)
    assert found is None or not found.shown


def test_options_are_not_mixed_up() -> None:
    """Weights divided by their sum, a smoothing applied twice, a z-loss that is not squared; weights twice have one."""
    answers: dict[str, list[Observation]] = {}
    for z, y in BATCHES:
        t, w = hot(y, z.shape[1]), np.linspace(0.5, 2.0, z.shape[1])
        rows, lse = losses(z, t), np.log(np.exp(z).sum(-1))
        weighted = given(z, y, class_weights=tuple(w), reduction="sum")
        answers.setdefault("twice", []).append(Observation(weighted, "loss", (w[y] ** 2 * rows).sum()))
        answers.setdefault("normalised", []).append(Observation(weighted, "loss", (w[y] / w.sum() * rows).sum()))
        smooth = 0.9 * (0.9 * t + 0.1 / z.shape[1]) + 0.1 / z.shape[1]
        problem = given(z, y, label_smoothing=0.1, reduction="none")
        answers.setdefault("smoothed twice", []).append(Observation(problem, "loss", losses(z, smooth)))
        problem = given(z, y, z_loss=0.01, reduction="none")
        answers.setdefault("linear", []).append(Observation(problem, "loss", rows + 0.01 * lse))
    told = {said: likely_cause(some[1:2], some[2:]) for said, some in answers.items()}
    assert {said: cause.mechanism for said, cause in told.items() if cause is not None and cause.shown} == {
        "twice": "weights_squared",
        "smoothed twice": "smoothing_distorted",
    }
