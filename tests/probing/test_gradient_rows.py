"""A gradient is not told by one number of rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.probing.unseen import log_softmax
from xentcheck.probing import infer
from xentcheck.targets import TargetSpecification


class Tempered:
    """A gradient that forgets to divide by the temperature, which is as much as two rows."""

    def __init__(self, temperature: float = 2.0) -> None:
        self.temperature = temperature

    def loss(self, logits: Any, labels: Any) -> Any:
        """Return the mean."""
        return -(log_softmax(logits / self.temperature) * labels).sum(axis=1).mean()

    def grad(self, logits: Any, labels: Any) -> Any:
        """Return p - t over the number of rows."""
        return (np.exp(log_softmax(logits / self.temperature)) - labels) / len(labels)


class Weighted(Tempered):
    """Weights of its three classes by label in the loss, and each class its own in the gradient."""

    def loss(self, logits: Any, labels: Any) -> Any:
        """Return the mean over the rows."""
        weights = np.array([1.0, 2.0, 0.5])[labels.argmax(axis=1)]
        return -((log_softmax(logits) * labels).sum(axis=1) * weights).mean()

    def grad(self, logits: Any, labels: Any) -> Any:
        """Return p - t times the weights of the classes."""
        return (np.exp(log_softmax(logits)) - labels) * np.array([1.0, 2.0, 0.5]) / len(labels)


def test_a_factor_of_a_half_is_no_division_by_two_rows() -> None:
    """Of four rows it is none, which is what is shown."""
    inference = infer(TargetSpecification(loss=Tempered()))
    assert inference.told["temperature"] == 2.0
    assert [one.key for one in inference.contradictions] == ["gradient_wrt"]
    assert "[0.5, 1, -2]]" in inference.contradictions[0].evidence
    assert "gradient_reduction" not in inference.told


def test_as_many_weights_as_classes_are_asked_about() -> None:
    """Two classes have none of them."""
    inference = infer(TargetSpecification(loss=Weighted()))
    assert inference.told["class_weights"] == [1.0, 2.0, 0.5]
    assert [one.key for one in inference.contradictions] == ["gradient_wrt"]
