"""Callables of the scores alone that are an entropy but for one thing: it is said, and the rest is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import log_softmax
from xentcheck.probing import Inference, infer, infer_undeclared, taken
from xentcheck.targets import TargetError, TargetSpecification


def of(entropy: Any) -> Inference:
    """Return what is inferred of a callable of the scores."""
    return infer(TargetSpecification(loss=entropy))


def guarded(prob: Any) -> Any:
    """As a library for policies has it."""
    return -(prob * np.log(prob + 1e-8)).sum(axis=-1)


def in_bits(logits: Any) -> Any:
    """The average, by the logarithm to base 2."""
    logp = log_softmax(logits)
    return -(np.exp(logp) * logp).sum(axis=-1).mean() / np.log(2.0)


def test_a_constant_in_the_logarithm_is_named() -> None:
    """All else is told."""
    inference = of(guarded)
    assert inference.told == {"output": "entropy", "axis": -1, "input": "probabilities", "reduction": "none"}
    assert [one.key for one in inference.contradictions] == ["boundary"]
    assert "as if 1e-08 were added" in inference.contradictions[0].evidence
    assert "labels" not in inference.structure


def test_it_is_held_to_the_entropy() -> None:
    """By a check for which nobody has declared anything."""
    inference = infer_undeclared(TargetSpecification(loss=guarded))
    assert inference is not None
    changes, _ = taken(inference)
    assert changes == {"output": "entropy", "input": "probabilities", "reduction": "none"}


@pytest.mark.parametrize(
    ("entropy", "words"),
    [
        (in_bits, "which is the entropy of logits, in bits"),
        (lambda p: -0.01 * (p * np.log(np.where(p > 0, p, 1.0))).sum(-1), "entropy of probabilities, times 0.01"),
    ],
)
def test_a_factor_is_named(entropy: Any, words: str) -> None:
    """As of a bonus in a loss of policies."""
    inference = of(entropy)
    assert [one.key for one in inference.contradictions] == ["input"]
    assert words in inference.contradictions[0].evidence
    assert inference.structure["output"].value == "entropy"


def test_what_is_none_is_not_called_one() -> None:
    """The sum of the squares of probabilities."""
    with pytest.raises(TargetError, match="cannot be probed"):
        of(lambda p: 1.0 - (p * p).sum(axis=-1))
