"""Objects that no convention explains, made for a number of classes; constants that nobody wrote in few digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import log_softmax
from xentcheck.probing import infer, infer_undeclared, taken
from xentcheck.probing.digits import nice
from xentcheck.targets import TargetSpecification


class Adjusted:
    """A log prior that is added, beside an entropy that is taken away: of as many classes as there are counts."""

    def __init__(self, counts: Any) -> None:
        self.prior = np.log(counts)

    def __call__(self, logits: Any, labels: Any) -> Any:
        logs = log_softmax(logits + self.prior)
        entropies = -(np.exp(logs) * logs).sum(axis=1)
        return (-logs[np.arange(len(labels)), labels] - 0.1 * entropies).mean()


@pytest.mark.parametrize("counts", [(10.0, 30.0, 60.0), (5.0, 1.0, 2.0, 3.0, 4.0)])
def test_the_classes_of_what_nothing_explains_are_told(counts: Any) -> None:
    """One more and one less are refused, which a check is not to ask about."""
    inference = infer_undeclared(TargetSpecification(loss=Adjusted(counts)))
    assert inference is not None
    assert [one.key for one in inference.contradictions] == ["input"]
    assert inference.structure["domain"].value == {"classes": [len(counts)] * 2}
    assert taken(inference)[0]["domain"] == {"classes": [len(counts)] * 2}


class ByCounts:
    """Weights by counts, which are fractions, of clipped probabilities."""

    def __init__(self, counts: Any) -> None:
        counts = np.asarray(counts, float)
        self.weights = counts.sum() / (len(counts) * counts)

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        picked = np.clip(y_pred, 1e-9, 1.0 - 1e-9)[np.arange(len(y_true)), y_true]
        return -(self.weights[y_true] * np.log(picked)).mean()


def test_weights_by_counts_are_told_to_the_last_bit() -> None:
    """Else the contract that is pasted would fail them, and the boundary beside them be another."""
    loss = ByCounts([10, 20, 70])
    told = infer(TargetSpecification(loss=loss)).told
    assert told["class_weights"] == loss.weights.tolist()
    assert told["boundary"] == {"clip": [1e-9, 1.0 - 1e-9]}


@pytest.mark.parametrize(
    ("value", "number"),
    [(0.30000000000012, 0.3), (3.3333333333333312, 10.0 / 3.0), (1.2345678901234567, 1.2345678901234567)],
)
def test_a_number_of_many_digits_is_a_fraction_or_itself(value: float, number: float) -> None:
    """And not a decimal of ten."""
    assert nice(value, "float64") == number
