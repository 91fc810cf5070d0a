"""Losses as strangers wrote them, and what is told of those that no contract has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.probing.unseen import log_softmax
from xentcheck.cli.probed import probed
from xentcheck.probing import Inference, infer, taken
from xentcheck.probing.toml import as_toml
from xentcheck.targets import TargetError, TargetSpecification


def told(loss: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=loss))


def column(p: Any, y: Any) -> Any:
    """What `gather` leaves: one loss a row, each in a row of its own."""
    return -torch.log(p.gather(1, y.view(-1, 1)))


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
        (column, "none", "(2, 1)"),
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
    assert inference.told["input"] == ("probabilities" if loss is column else "logits")
    assert [shape in note for note in inference.notes if "axis of 1" in note] == [True]
    if loss is column:
        assert inference.told["gradient_wrt"] == "probabilities"


class OfThree(torch.nn.Module):
    """A loss made for a vocabulary of three, with a mask as a further argument of `forward`."""

    def forward(self, logits: Any, target: Any, mask: Any = None) -> Any:
        """Return the mean over the tokens that count."""
        assert logits.shape[-1] == 3
        losses = torch.nn.functional.cross_entropy(logits, target, reduction="none", ignore_index=-5)
        return losses.mean() if mask is None else (losses * mask).sum() / mask.sum()


def test_arguments_of_a_module_are_those_of_its_forward() -> None:
    """Its call takes whatever it is given."""
    inference = told(OfThree())
    assert inference.told["row_weights"] == {"argument": "mask"}
    assert inference.told["mean_over"] in ("kept", "weights")
    assert taken(inference)[0]["mean_over"] == inference.told["mean_over"]


def test_a_number_of_classes_that_is_wanted_is_told_and_taken() -> None:
    """Where one more and one less are refused, and not where all are answered."""
    inference = told(OfThree())
    assert inference.told["domain"] == {"classes": [3, 3]}
    assert "domain = { classes = [3, 3] }" in as_toml(inference, "")
    assert taken(inference)[0]["domain"] == {"classes": [3, 3]}
    assert "domain" not in told(column).told


class OfFive(torch.nn.Module):
    """A loss made for a number of classes that is not tried."""

    def forward(self, logits: Any, target: Any) -> Any:
        """Return the mean."""
        if logits.size(1) != 5:
            raise ValueError("five classes are wanted")
        return torch.nn.functional.cross_entropy(logits, target)


def test_what_is_said_is_what_tensors_met() -> None:
    """Arrays of numpy, which are tried first, have no `size` to call; nobody means that."""
    with pytest.raises(TargetError) as caught:
        told(OfFive())
    said = str(caught.value)
    assert "scores of 3 or 2 classes" in said
    assert "ValueError: five classes are wanted (" in said
    assert "in forward)" in said


def from_one(p: Any, y: Any) -> Any:
    """Classes counted from 1."""
    return -torch.log(p[torch.arange(len(y)), y - 1]).mean()


def over_all_numbers(z: Any, t: Any) -> Any:
    """A mean over rows and classes."""
    return -(t * log_softmax(z)).mean()


def of_the_next(z: Any, y: Any) -> Any:
    """A language model's: each row is to say the label of the next."""
    return torch.nn.functional.cross_entropy(z[:-1], y[1:])


def as_advised(z: Any, y: Any) -> Any:
    """The last row of scores twice, and the first label twice."""
    return of_the_next(torch.cat([z, z[-1:]]), torch.cat([y[:1], y]))


def test_labels_that_are_moved_within_are_judged_as_advised() -> None:
    """Which is the plain loss then."""
    inference = told(as_advised)
    assert not inference.contradictions
    assert (inference.told["input"], inference.told["reduction"]) == ("logits", "mean")


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
        (from_one, "probabilities, averaged, with each label one less"),
        (over_all_numbers, "logits, averaged, divided by the number of classes"),
        (in_bits, "logits, averaged, in bits"),
        (of_the_next, "with the label of the next row for each row"),
    ],
)
def test_what_is_nearly_a_cross_entropy_is_said(loss: Any, words: str) -> None:
    """No convention explains it, and one sentence does."""
    inference = told(loss)
    (contradiction,) = inference.contradictions
    assert words in contradiction.evidence
    assert words in next(one.evidence for one in taken(inference)[1] if one.standing == "unexplained")


def test_a_gradient_of_what_nothing_explains_is_that_by_its_scores() -> None:
    """Torch differentiates by the probabilities that it is given, whatever is wrong with the loss."""
    changes, keys = taken(told(from_one))
    assert changes["input"] == changes["gradient_wrt"] == "probabilities"
    assert "changes with the scores" in next(one.evidence for one in keys if one.key == "gradient_wrt")


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
    """It may be called as one of them is in what is said."""
    with pytest.raises(TargetError, match="as which 'student' and 'teacher' were tried"):
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
    monkeypatch.setattr("xentcheck.probing.infer_undeclared", lambda _, **limits: asked.update(limits))
    given = {"time_limit": 10.0, "first_time_limit": 120.0, "memory": None}
    assert probed(TargetSpecification(loss=of_lists), given)[1] == {}
    assert asked["first_time_limit"] == 120.0


def of_dicts(y_true: Any, y_pred: Any) -> float:
    """A loss of one row, whose probabilities have the names of the classes."""
    return -float(np.log(dict(y_pred.items())[y_true]))


def with_a_count(p: Any, y: Any, mask: Any) -> Any:
    """A mean, and over how many rows it is, of tensors and a mask of bool alone."""
    return -torch.log(torch.gather(p, 1, y.view(-1, 1)).squeeze(1)).masked_select(mask).mean(), mask.sum()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (of_dicts, "tensors of its own, or a dict a row, write a function of arrays that calls it"),
        (with_a_count, "came the loss returned a tuple of 2: a number, a number; a pair"),
    ],
)
def test_what_to_write_around_a_loss_is_said(loss: Any, words: str) -> None:
    """Whichever of the calls was refused first."""
    with pytest.raises(TargetError, match=words):
        told(loss)


def of_tensors_in_float32(p: Any, t: Any) -> Any:
    """As one of tensorflow with a constant of float32: arrays of numpy are converted, tensors of float64 refused."""
    if isinstance(p, np.ndarray):
        p, t = torch.as_tensor(p, dtype=torch.float32), torch.as_tensor(t, dtype=torch.float32)
    if p.dtype is torch.float64 or t.ndim != 2:
        raise ValueError("a float tensor of one-hot rows was expected")
    return -(t * torch.log(p + 1e-7)).sum()


def test_a_gradient_is_looked_for_in_float32_too() -> None:
    """Where tensors are refused in the dtype in which arrays are answered."""
    inference = told(of_tensors_in_float32)
    assert inference.contradictions == []
    assert inference.told["gradient_wrt"] == "probabilities"
    assert "float64" not in inference.told["dtypes"]
