"""Of two constants inside each is told, to the last digit, and none is taken for another convention."""

from __future__ import annotations

from typing import Any

import pytest

from tests.probing import two_constants
from xentcheck.probing import infer
from xentcheck.targets import TargetSpecification

WEIGHTS = [0.5, 2.0, 1.25]
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
    "over_the_weights": {"class_weights": [1.0, 4.0, 2.5], "mean_over": "weights"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_both_are_told(name: str) -> None:
    """In no more calls than another loss takes."""
    inference = infer(TargetSpecification(loss=getattr(two_constants, name)))
    assert inference.contradictions == []
    assert {key: inference.told.get(key) for key in EXPECTED[name]} == EXPECTED[name]
    assert inference.calls <= 230


@pytest.mark.needs("torch")
def test_a_module_with_weights_in_float32() -> None:
    """It refuses class numbers beside scores in float64, and answers one-hot rows otherwise."""
    torch = pytest.importorskip("torch")
    inference = infer(TargetSpecification(loss=torch.nn.CrossEntropyLoss(weight=torch.tensor(WEIGHTS))))
    assert inference.contradictions == []
    assert inference.told["class_weights"] == [1.0, 4.0, 2.5]
    assert inference.told["mean_over"] == "weights"
    assert inference.told["labels"] == ["sparse"]
