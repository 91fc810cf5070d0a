"""Of two constants inside each is told, to the last digit, and none is taken for another convention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing import two_constants
from xentcheck.probing import infer
from xentcheck.probing.constant_weights import solve_weights
from xentcheck.probing.questions import Questions
from xentcheck.targets import TargetSpecification, open_host

WEIGHTS = [0.5, 2.0, 1.25]
RATIOS = [1.0, 4.0, 2.5]
OVER_THE_WEIGHTS = {"class_weights": RATIOS, "mean_over": "weights", "label_smoothing": 0.1}
SMOOTHED = {"label_smoothing": 0.1, "smoothing_over": "all"}
EXPECTED: dict[str, dict[str, Any]] = {
    "smoothing_and_z_loss": {"input": "logits", **SMOOTHED, "z_loss": 1e-4, "boundary": "exact"},
    "smoothing_and_eps": {"input": "probabilities", **SMOOTHED, "boundary": {"add": 1e-8}},
    "smoothing_and_clip": {"input": "probabilities", **SMOOTHED, "boundary": {"clip": [1e-7, 1 - 1e-7]}},
    "weights_and_smoothing": {"class_weights": WEIGHTS, "label_smoothing": 0.1, "smoothing_weights": "label"},
    "weights_within_smoothing": {"class_weights": WEIGHTS, "label_smoothing": 0.1, "smoothing_weights": "class"},
    "weights_and_eps": {"class_weights": WEIGHTS, "boundary": {"add": 1e-9}},
    "weights_beside_an_argument": {
        "class_weights": WEIGHTS,
        "label_smoothing": {"argument": "label_smoothing"},
        "smoothing_weights": "class",
    },
    "over_the_weights": {"class_weights": RATIOS, "mean_over": "weights"},
    "temperature_and_smoothing": {"temperature": 0.7, **SMOOTHED},
    "temperature_and_smoothing_over_the_others": {
        "temperature": 0.7,
        "label_smoothing": 0.1,
        "smoothing_over": "others",
    },
    "temperature_and_z_loss": {"reduction": "none", "temperature": 2.0, "z_loss": 1e-3},
    "cap_and_z_loss": {"soft_cap": 30.0, "z_loss": 1e-4, "boundary": "exact"},
    "cap_and_smoothing": {"reduction": "sum", "soft_cap": 15.0, **SMOOTHED},
    "smoothing_over_the_weights": {**OVER_THE_WEIGHTS, "smoothing_weights": "label"},
    "smoothing_within_the_weights": {**OVER_THE_WEIGHTS, "smoothing_weights": "class"},
    "smoothing_by_the_mean_weight": {**OVER_THE_WEIGHTS, "smoothing_weights": "mean"},
    "weights_and_padding": {"class_weights": [1.0, 1.0, 2.5], "mean_over": "weights", "ignore_index": 1},
    "weights_and_padding_over_the_kept": {"class_weights": [1.0, 2.0, 1.25], "mean_over": "kept", "ignore_index": 0},
    "weights_and_padding_summed": {"class_weights": [1.0, 2.0, 1.25], "reduction": "sum", "ignore_index": 0},
}
MORE_CALLS = {"cap_and_smoothing": 10, "weights_and_padding": 30}
"""Of a sum they are solved for as of a mean before; a call is looked for again without the class of padding."""


@pytest.mark.parametrize("name", EXPECTED)
def test_both_are_told(name: str) -> None:
    """In no more calls than another loss takes."""
    inference = infer(TargetSpecification(loss=getattr(two_constants, name)))
    assert inference.contradictions == []
    assert {key: inference.told.get(key) for key in EXPECTED[name]} == EXPECTED[name]
    assert inference.calls <= 230 + MORE_CALLS.get(name, 0)


@pytest.mark.needs("torch")
def test_a_module_with_weights_in_float32() -> None:
    """It refuses class numbers beside scores in float64, and answers one-hot rows otherwise."""
    import torch

    inference = infer(TargetSpecification(loss=torch.nn.CrossEntropyLoss(weight=torch.tensor(WEIGHTS))))
    assert inference.contradictions == []
    assert inference.told["class_weights"] == [1.0, 4.0, 2.5]
    assert inference.told["mean_over"] == "weights"
    assert inference.told["labels"] == ["sparse"]


def test_weights_of_more_classes_than_rows_of_few_show() -> None:
    """A mean over weights has none in rows of two and three classes: they are asked of as many as there are."""

    def mean(z: Any, labels: Any) -> Any:
        weights = np.arange(1.0, 6.0)[labels]
        return (-two_constants.log_softmax(z)[np.arange(len(labels)), labels] * weights).sum() / weights.sum()

    with open_host(TargetSpecification(loss=mean), in_process=True) as host:
        questions = Questions(host)
        questions.m = 5
        first = next(solve_weights(questions))
    assert first == {"class_weights": [1.0, 2.0, 3.0, 4.0, 5.0], "mean_over": "weights"}
