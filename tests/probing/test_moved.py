"""Losses of logits that are moved first: what moves them is said, and nothing is said of what does otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import focal, log_softmax
from xentcheck.probing import Inference, infer
from xentcheck.targets import TargetSpecification

MARGINS = np.array([0.25, 0.5, 0.125])


def of(loss: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=loss))


def losses(z: Any, y: Any) -> Any:
    """Return one loss a row."""
    return -log_softmax(z)[np.arange(len(y)), y]


def less(z: Any, y: Any, margin: Any) -> Any:
    """Return logits of which the label's has a margin taken away."""
    moved = z.copy()
    moved[np.arange(len(y)), y] -= margin
    return moved


def distilled(z: Any, t: Any) -> Any:
    """As of a teacher's probabilities, times the square of the temperature."""
    return -(t * log_softmax(z / 2.0)).sum(axis=1).mean() * 4.0


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (distilled, "of logits divided by 2, times 4, its square, which no key of a contract is"),
        (lambda z, y: 0.5 * losses(z / 4.0, y).sum(), "of logits divided by 4, times 0.5 which no key"),
        (
            lambda z, y: losses(z + np.array([1.0, 0.5, -2.0]), y).mean(),
            "a number added, [0, -0.5, -3] beside the first",
        ),
        (lambda z, y: losses(z + np.log(np.arange(1.0, 4.0)), y), "a number added, [0, 0.69315, 1.09861] beside"),
        (
            lambda z, y: losses(8.0 * less(z, y, MARGINS[y]), y).mean(),
            "logits times 8 of which the label's has a margin",
        ),
        (lambda z, y: losses(less(z, y, 0.25), y).sum(), "taken away, [0.25, 0.25, 0.25] by class"),
    ],
)
def test_what_logits_are_moved_by_is_named(loss: Any, words: str) -> None:
    """To the digit, and no key is told of it."""
    inference = of(loss)
    assert [one.key for one in inference.contradictions] == ["input"]
    assert words in inference.contradictions[0].evidence
    assert inference.told == {}


def beyond_a_margin(z: Any, y: Any) -> Any:
    """No margin of one number for each class."""
    return losses(less(z, y, 0.25 * z[np.arange(len(y)), y]), y).mean()


@pytest.mark.parametrize("loss", [focal, beyond_a_margin, lambda z, y: losses(z / 2.0, y).mean() * 4.0 + 0.01])
def test_nothing_is_named_that_does_not_explain_all(loss: Any) -> None:
    """Two numbers are always found that give one answer."""
    evidence = of(loss).contradictions[0].evidence
    assert not [words for words in ("a number added", "a margin", "divided by") if words in evidence]
