"""Losses of torch as strangers wrote them, and what is told of those that no contract has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.conftest import imported
from xentcheck.probing import Inference, infer, taken
from xentcheck.probing.toml import as_toml
from xentcheck.targets import TargetError, TargetSpecification

torch = imported("torch")


def told(loss: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=loss))


def column(p: Any, y: Any) -> Any:
    """What `gather` leaves: one loss a row, each in a row of its own."""
    return -torch.log(p.gather(1, y.view(-1, 1)))


def test_a_column_of_losses_hides_nothing_else() -> None:
    """The contract is told of the numbers, and the shape beside it."""
    inference = told(column)
    assert not inference.contradictions
    assert inference.told["reduction"] == "none"
    assert inference.told["input"] == inference.told["gradient_wrt"] == "probabilities"
    assert ["(2, 1)" in note for note in inference.notes if "axis of 1" in note] == [True]


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


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (from_one, "probabilities, averaged, with each label one less"),
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


def with_a_count(p: Any, y: Any, mask: Any) -> Any:
    """A mean, and over how many rows it is, of tensors and a mask of bool alone."""
    return -torch.log(torch.gather(p, 1, y.view(-1, 1)).squeeze(1)).masked_select(mask).mean(), mask.sum()


def test_a_pair_of_numbers_is_said() -> None:
    """Whichever of the calls was refused first."""
    with pytest.raises(TargetError, match="came the loss returned a tuple of 2: a number, a number; a pair"):
        told(with_a_count)


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


class NeedsASmoothing(torch.nn.Module):
    """As a loss of a library whose default of None it cannot be called with."""

    def __init__(self, smooth_factor: float | None = None) -> None:
        super().__init__()
        self.smooth_factor = smooth_factor

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss with a share of the label."""
        kept = 1.0 - self.smooth_factor  # type: ignore[operator]
        return -(kept * torch.nn.functional.log_softmax(z, dim=1).gather(1, y.unsqueeze(1))).mean()


class NeedsItLater(NeedsASmoothing):
    """The same, after tensors were wanted."""

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss with a share of the label."""
        return -z.log_softmax(1).gather(1, y.unsqueeze(1)).mean() * (1.0 - self.smooth_factor)  # type: ignore[operator]


@pytest.mark.parametrize("loss", [NeedsASmoothing(), NeedsItLater()])
def test_a_refusal_is_that_of_the_targets_own_arrays(loss: Any) -> None:
    """Not that arrays of numpy are no tensors, where tensors come to the mistake."""
    with pytest.raises(TargetError, match=r"unsupported operand type\(s\) for -: 'float' and 'NoneType'") as caught:
        infer(TargetSpecification(loss=loss))
    assert "tensors of its own" not in str(caught.value)
