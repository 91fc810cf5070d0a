"""Losses as strangers wrote them, and what is told of those that no contract has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import log_softmax
from xentcheck.probing import Inference, infer, probed, taken
from xentcheck.targets import TargetError, TargetSpecification


def told(loss: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=loss))


def one_row(z: Any, y: Any) -> Any:
    """Losses of columns, whose sum over the classes was kept as an axis."""
    rows = -log_softmax(z)[np.arange(len(y)), y]
    return rows[None, :]


def mean_of_one(z: Any, y: Any) -> Any:
    """A mean in an array of one number."""
    return np.array([[-log_softmax(z)[np.arange(len(y)), y].mean()]])


@pytest.mark.parametrize(
    ("loss", "reduction", "shape"),
    [
        (one_row, "none", "(1, 2)"),
        (mean_of_one, "mean", "(1, 1)"),
        (lambda z, y: mean_of_one(z, y)[0], "mean", "(1,)"),
    ],
)
def test_an_axis_of_1_hides_nothing_else(loss: Any, reduction: str, shape: str) -> None:
    """The contract is told of the numbers, and the shape beside it."""
    inference = told(loss)
    assert not inference.contradictions
    assert inference.told["reduction"] == reduction
    assert inference.told["input"] == "logits"
    assert [shape in note for note in inference.notes if "axis of 1" in note] == [True]


def over_all_numbers(z: Any, t: Any) -> Any:
    """A mean over rows and classes."""
    return -(t * log_softmax(z)).mean()


def in_bits(z: Any, t: Any) -> Any:
    """A logarithm to the base 2."""
    return -(t * log_softmax(z)).sum(axis=1).mean() / np.log(2.0)


def of_a_column(z: Any, teacher: Any) -> Any:
    """Of a teacher's logits, which are one number a row in a column of labels: its softmax is 1."""
    teacher = np.exp(teacher) / np.exp(teacher).sum(axis=1, keepdims=True)
    return -(teacher * log_softmax(z)).mean()


def of_every_class(p: Any, t: Any) -> Any:
    """The labels are forgotten."""
    return -np.log(p + 1e-16).sum()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (of_every_class, "probabilities, summed, with the same weight on each class: labels of this form change"),
        (of_a_column, "labels [[1], [2]]: 1.114405, which is no cross-entropy of logits, probabilities or"),
        (of_a_column, "logits, averaged, with the same weight on each class: labels of this form change nothing"),
        (over_all_numbers, "logits, averaged, divided by the number of classes"),
        (in_bits, "logits, averaged, in bits"),
    ],
)
def test_what_is_nearly_a_cross_entropy_is_said(loss: Any, words: str) -> None:
    """No convention explains it, and one sentence does."""
    inference = told(loss)
    (contradiction,) = inference.contradictions
    assert words in contradiction.evidence
    assert words in next(one.evidence for one in taken(inference)[1] if one.standing == "unexplained")


def of_one_row(p: Any, y: Any) -> float:
    """A loss of a list of probabilities and the number of a class."""
    return -float(np.log(p[y]))


def of_lists(p: Any, y: Any) -> Any:
    """The same of all rows, as advised."""
    return [of_one_row(z, label) for z, label in zip(p, y, strict=True)]


def test_a_loss_of_one_row_is_told_how_to_be_one_of_all() -> None:
    """And what is advised works."""
    with pytest.raises(TargetError, match="if it takes one row"):
        told(of_one_row)
    assert told(of_lists).told["reduction"] == "none"


def of_three_arrays(student: Any, teacher: Any, labels: Any) -> Any:
    """A distillation, which no contract has."""
    soft = (np.exp(log_softmax(teacher)) * -log_softmax(student)).sum(axis=1).mean()
    return soft - log_softmax(student)[np.arange(len(labels)), labels].mean()


def test_an_argument_too_many_names_those_that_were_taken() -> None:
    """It is called labels, so that nothing is asked."""
    with pytest.raises(TargetError, match="'labels', which is called labels, beside 'student' and 'teacher'"):
        told(of_three_arrays)


class WithAMethod:
    """A class whose loss is called otherwise."""

    def a_setting(self) -> None:
        """Nothing."""

    def calculate_loss(self, z: Any, y: Any) -> Any:
        """Return the mean."""
        return -log_softmax(z)[np.arange(len(y)), y].mean()


def test_a_class_is_told_which_method_to_name() -> None:
    """The one that sounds like a loss."""
    with pytest.raises(TargetError, match=r"name one of its methods, such as \S*WithAMethod\.calculate_loss\."):
        infer(TargetSpecification(f"{__file__}:WithAMethod"))


def padded(y: Any, p: Any, weight: Any) -> Any:
    """Clipped probabilities and row weights, where class 0 is that of padding and counts in the mean."""
    rows = -np.log(np.clip(p, 1e-6, 1 - 1e-6))[np.arange(len(y)), y] * (y != 0)
    return (rows * weight).sum() / len(y)


def test_a_padding_of_class_0_hides_neither_boundary_nor_weights() -> None:
    """Rows of that label have no loss from which anything could be told."""
    inference = told(padded)
    assert not inference.contradictions
    assert inference.told["boundary"] == {"clip": [1e-6, 1 - 1e-6]}
    assert inference.told["row_weights_as"] == "numbers"
    assert inference.told["ignore_index"] == 0


def test_an_import_has_as_long_to_be_probed_as_to_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is slow would be held to the defaults, and not to what it does."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr("xentcheck.probing.undeclared.infer_undeclared", lambda _, **limits: asked.update(limits))
    assert probed(TargetSpecification(loss=of_lists))[1] == {}
    assert asked["first_time_limit"] == 120.0


def of_dicts(y_true: Any, y_pred: Any) -> float:
    """A loss of one row, whose probabilities have the names of the classes."""
    return -float(np.log(dict(y_pred.items())[y_true]))


def of_parameters(params: Any, batch: Any) -> float:
    """A loss of a trainer, which calculates the scores itself."""
    return -float(np.log(batch["x"] @ params["w"])[np.arange(2), batch["y"]].mean())


@pytest.mark.parametrize("loss", [of_dicts, of_parameters])
def test_what_to_write_around_a_loss_is_said(loss: Any) -> None:
    """Whichever of the calls was refused first."""
    with pytest.raises(
        TargetError, match="tensors of its own, a dict of them or one a row, write a function of arrays that calls it"
    ):
        told(loss)


class KeepsItsLoss:
    """As a layer of a network that returns nothing."""

    def forward(self, p: Any, t: Any) -> None:
        """Leave the loss in the object."""
        self.output = -(t * np.log(p)).sum()


def test_a_loss_that_is_kept_and_not_returned() -> None:
    """What to do about it is said."""
    with pytest.raises(TargetError, match=r"returned None.*write a function of scores and labels that returns it"):
        infer(TargetSpecification(loss=KeepsItsLoss().forward))
