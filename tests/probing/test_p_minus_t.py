"""What the gradient of soft rows is told to be where these do not sum to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.probing import infer, infer_undeclared, taken
from xentcheck.targets import TargetSpecification
from xentcheck.zoo.parts import dense_losses, dense_mean_loss, softmax


def policy(scores: Any, targets: Any) -> Any:
    """p - t of each row."""
    return softmax(scores) - targets


def derivative(scores: Any, targets: Any) -> Any:
    """(sum t) p - t of each row."""
    return targets.sum(axis=1, keepdims=True) * softmax(scores) - targets


def shares(scores: Any, targets: Any) -> Any:
    """p - t / sum t of each row."""
    return softmax(scores) - targets / targets.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("gradient", "of"), [(policy, "p - t"), (derivative, "ideal")])
def test_the_policy_is_told_from_the_derivative(gradient: Any, of: str) -> None:
    """By rows of other sums, each with its evidence."""
    inference = infer(TargetSpecification(loss=dense_losses, gradient=gradient))
    assert inference.contradictions == []
    assert (inference.told["soft_rows"], inference.told["gradient_of"]) == ("any", of)
    assert f"as {of} gives for rows that do not sum to 1" in inference.findings["gradient_of"].evidence


def test_a_gradient_alone() -> None:
    """Both keys are told of it, where no loss says what becomes of the rows."""
    told = infer(TargetSpecification(gradient=policy)).told
    assert (told["soft_rows"], told["gradient_of"]) == ("any", "p - t")
    told = infer(TargetSpecification(gradient=derivative)).told
    assert (told["soft_rows"], told.get("gradient_of", "ideal")) == ("any", "ideal")


@pytest.mark.parametrize("refuses", [False, True])
def test_rows_that_sum_to_1_tell_nothing(refuses: bool) -> None:
    """Neither of a loss that looks the label up, nor of one that refuses other rows: p - t is the derivative there."""

    def loss(scores: Any, targets: Any) -> Any:
        if not refuses:
            return dense_losses(scores, np.eye(scores.shape[1])[targets.argmax(axis=1)])
        if not np.allclose(targets.sum(axis=1), 1.0):
            raise ValueError("rows of labels have to sum to 1")
        return dense_losses(scores, targets)

    inference = infer(TargetSpecification(loss=loss, gradient=policy))
    assert inference.contradictions == []
    assert inference.told["labels"] == (["onehot", "soft"] if refuses else ["onehot"])
    assert "gradient_of" not in inference.findings


def test_what_no_convention_explains_is_said() -> None:
    """And nothing is told of it."""
    inference = infer(TargetSpecification(loss=dense_losses, gradient=shares))
    assert "gradient_of" not in inference.told
    assert any("soft rows that do not sum to 1 is explained by no convention" in note for note in inference.notes)


def test_weights_are_no_reason_to_fail() -> None:
    """A gradient with class weights, with which there is no such policy, is told to be explained by nothing."""

    def weighed(scores: Any, targets: Any, weight: Any) -> Any:
        return (targets @ weight)[:, None] * policy(scores, targets)

    def loss(scores: Any, targets: Any, weight: Any) -> Any:
        return (targets @ weight) * dense_losses(scores, targets)

    inference = infer(TargetSpecification(loss=loss, gradient=weighed))
    assert inference.told["class_weights"] == {"argument": "weight"}
    assert inference.told["soft_rows"] == "any"
    assert "gradient_of" not in inference.told
    assert any("is explained by no convention" in note for note in inference.notes)


def test_a_check_takes_nothing_of_it() -> None:
    """The defaults promise nothing of such rows."""

    def gradient(scores: Any, targets: Any) -> Any:
        return policy(scores, targets) / np.float64(len(scores))

    inference = infer_undeclared(TargetSpecification(loss=dense_mean_loss, gradient=gradient))
    assert inference is not None
    assert inference.told["gradient_of"] == "p - t"
    changes, keys = taken(inference)
    assert changes == {"labels": ["onehot", "soft"]}
    assert [one.key for one in keys] == ["labels"]
    assert Contract.from_mapping(changes).gradient_of == "ideal"
