"""What the evidence of an inference says: whole words, and nothing that the target was not given."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.probing.unseen import log_softmax
from xentcheck.probing import infer
from xentcheck.targets import TargetSpecification

REFUSAL = """Expected parameter logits (Tensor of shape (2, 3)) of distribution Categorical(logits: Size([2,
3])) to be finite."""


def _finite(scores: Any) -> Any:
    if not np.isfinite(scores).all():
        raise ValueError(REFUSAL)
    return log_softmax(scores)


def loss(scores: Any, labels: Any) -> Any:
    """A loss that refuses scores that are not finite, in many words."""
    return -_finite(scores)[np.arange(len(scores)), labels].mean()


def entropy(scores: Any) -> Any:
    """The entropy of each row, which refuses them, too."""
    logp = _finite(scores)
    return -(np.exp(logp) * logp).sum(1)


def evidence(target: Any) -> str:
    """Return why nothing is promised of infinities."""
    return infer(TargetSpecification(loss=target)).findings["nonfinite"].evidence


def test_a_refusal_is_said_to_be_one() -> None:
    """And no part of a word, nor a line break, is taken from it."""
    cut = "(ValueError: Expected parameter logits (Tensor of shape (2, 3)) of distribution Categorical(logits: ...)"
    assert f"labels [1, 2] the loss is refused {cut}, and" in evidence(loss)


def test_an_entropy_has_no_labels() -> None:
    """It was not given any."""
    assert "the loss is refused" in evidence(entropy)
    assert "labels" not in evidence(entropy)


def zero_in_an_array(scores: Any, labels: Any) -> Any:
    """A mean that is 0 for no rows, but in an array."""
    return loss(scores, labels) if len(scores) else np.zeros(1)


def test_the_shape_of_an_empty_mean_is_said() -> None:
    """Where it is that which is not understood."""
    told = infer(TargetSpecification(loss=zero_in_an_array)).findings["empty_mean"].evidence
    assert told == "it is not throughout the number nan, nor 0: no rows: [0] of shape (1,)."
