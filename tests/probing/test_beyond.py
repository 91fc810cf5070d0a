"""What no contract says is seen and noted, and what the contract says is told all the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.probing import beyond
from xentcheck.probing import Inference, infer
from xentcheck.targets import TargetError, TargetSpecification


def of(name: str) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=getattr(beyond, name)))


ADDED: dict[str, tuple[str, dict[str, Any]]] = {
    "averaged_by_factor": (
        "1.19209e-07",
        {"reduction": "sum", "divisor": {"argument": "avg_factor"}, "row_weights": {"argument": "weight"}},
    ),
    "needed_divisor": ("1e-05", {"reduction": "sum", "divisor": {"argument": "num_tokens"}}),
    "needed_mask": (
        "1e-08",
        {"row_weights": {"argument": "mask"}, "row_weights_as": "bool", "mean_over": "kept", "empty_mean": "zero"},
    ),
    "optional_weights": ("1e-06", {"row_weights": {"argument": "sample_weight"}, "mean_over": "weights"}),
    "ignored": ("1e-08", {"ignore_index": -100, "mean_over": "kept", "empty_mean": "zero"}),
}


@pytest.mark.parametrize("name", ADDED)
def test_an_addition_to_the_divisor(name: str) -> None:
    """It is noted to the last digit, and hides no key."""
    amount, keys = ADDED[name]
    inference = of(name)
    assert inference.contradictions == []
    assert any(f"divided by {amount} is added" in note for note in inference.notes)
    assert {key: inference.told.get(key) for key in keys} == keys
    assert inference.told["boundary"] == "exact"


def test_what_no_addition_explains_contradicts() -> None:
    """Nor is one noted."""
    inference = of("another_divisor")
    assert [one.key for one in inference.contradictions] == ["divisor"]
    assert not any("is added" in note for note in inference.notes)


def test_an_optional_mask_of_what_does_not_count() -> None:
    """It is said to be one, and left at its default: no contradiction of a right loss."""
    inference = of("padding")
    assert inference.contradictions == []
    assert inference.told["reduction"] == "mean"
    assert any("padding_mask is a mask of the rows that do not count" in note for note in inference.notes)


def test_a_needed_mask_of_what_does_not_count() -> None:
    """One sentence says what to do."""
    with pytest.raises(TargetError, match=r"'pad_mask' that marks the rows that do not count.*wrap it"):
        of("needed_padding")


def test_work_in_float32_whatever_comes_in() -> None:
    """Its boundary is that of float32, and no contradiction in float64."""
    inference = of("keras_like_in_float32")
    assert inference.contradictions == []
    assert inference.told["boundary"] == {"clip": [1e-7, 1 - 1e-7], "normalise": True}
    assert inference.told["labels"] == ["onehot", "soft"]
    assert "float64" not in inference.told["dtypes"]
    assert any("as accurately as float32 holds" in note for note in inference.notes)


def test_class_weights_of_soft_rows() -> None:
    """By which convention they enter is told of soft rows where nothing is smoothed; the rows may have any sum then."""
    inference = of("weighed_by_class")
    assert inference.contradictions == []
    assert (inference.told["smoothing_weights"], inference.told["soft_rows"]) == ("class", "any")


def test_the_rim_of_a_gradient_that_is_nan_at_0() -> None:
    """Probabilities near the constant, none of them 0, tell of what it is the derivative."""
    inference = infer(TargetSpecification(loss=beyond.clipped, gradient=beyond.unclipped_gradient))
    one = inference.findings["gradient_of"]
    assert inference.contradictions == []
    assert (one.value, one.also) == ("ideal", ())
